//! What a graph says about pictures of other sizes than its own.
//!
//! Most nets are convolutional all through, and hold for any size at which their shapes fit. What does not follow
//! from shapes alone is kept here, by those who made the graph: attributes that depend on the size, and numbers
//! that were computed from it and are now constants.

use super::{Graph, Op};
mod fits;
mod read;

pub use fits::Fits;

use crate::error::{Result, bail, error};
use serde::Serialize;

/// How a graph behaves at other sizes; empty for the many that need no word about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Scaling {
    /// Why the graph holds only for pictures of its own size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed: Option<Fixed>,
    /// Whether the output is as large as the picture at every size for which the graph holds.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub fills_picture: bool,
    /// Attributes that follow the size, by the name of the tensor that the node makes.
    #[serde(skip_serializing_if = "Fits::is_empty")]
    pub fits: Fits,
}

/// The node that ties a graph to one size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fixed {
    /// Its name and operator.
    pub node: String,
    /// What of it does not scale.
    pub reason: String,
}

/// An attribute that follows the size of a node's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// Pads of `Conv` and pools such that the output is `ceil(size / stride)`, the odd one at the end.
    SameUpper,
    /// The same, the odd one at the beginning.
    SameLower,
    /// Window and strides of a pool such that so many windows, down and right, tile the input; 0 leaves an axis alone.
    Windows([usize; 2]),
    /// Scales of a resize such that rows and columns of the output are these shares, a numerator and a denominator,
    /// of the picture's; a denominator of 0 leaves a scale alone.
    Shares([[usize; 2]; 2]),
}

impl Scaling {
    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Fit {
    /// Sets the attribute for an input of `size` (height, width, as all here) and a net's input of `picture`;
    /// `window` is the weights', where there are any.
    ///
    /// # Errors
    /// `BadShape` where the input is too small, no multiple of the number of windows, or the picture none of a share.
    pub fn apply(self, op: &mut Op, size: [usize; 2], picture: [usize; 2], window: Option<[usize; 2]>) -> Result<()> {
        match (self, op) {
            (Self::Shares(shares), Op::Resize(resize)) => {
                for axis in (0..2).filter(|&axis| shares[axis][1] != 0) {
                    let [up, down] = shares[axis];
                    let target = picture[axis].checked_mul(up).filter(|product| product.is_multiple_of(down));
                    let Some(target) = target else {
                        bail!(BadShape, "expected a picture of which {up}/{down} is whole, found {}", picture[axis]);
                    };
                    resize.scales[axis] = (target / down) as f64 / size[axis] as f64;
                }
            }
            (Self::Windows(counts), Op::Pool(pool)) => {
                for axis in (0..2).filter(|&axis| counts[axis] != 0) {
                    if !size[axis].is_multiple_of(counts[axis]) {
                        bail!(BadShape, "{} values do not divide into {} equal windows", size[axis], counts[axis]);
                    }
                    pool.window[axis] = size[axis] / counts[axis];
                    pool.strides[axis] = pool.window[axis];
                }
            }
            (same, Op::Pool(pool)) => pool.pads = same.pads(size, pool.window, pool.strides, pool.dilations)?,
            (same, Op::Conv(conv)) => {
                let window = window.ok_or_else(|| error!(BadModel, "a convolution without weights"))?;
                conv.pads = same.pads(size, window, conv.strides, conv.dilations)?;
            }
            (_, op) => bail!(BadModel, "{:?} has no attribute that follows the size", op.name()),
        }
        Ok(())
    }

    /// The pads of `SameUpper` and `SameLower`.
    ///
    /// # Errors
    /// `BadShape` where window and strides do not fit the size.
    pub fn pads(
        self,
        size: [usize; 2],
        window: [usize; 2],
        strides: [usize; 2],
        dilations: [usize; 2],
    ) -> Result<[usize; 4]> {
        let mut pads = [0; 4];
        for axis in 0..2 {
            let total = same_padding(size[axis], window[axis], strides[axis], dilations[axis]).ok_or_else(|| {
                error!(BadShape, "a window {window:?} with strides {strides:?} does not fit {size:?}")
            })?;
            let before = if self == Self::SameLower { total - total / 2 } else { total / 2 };
            (pads[axis], pads[axis + 2]) = (before, total - before);
        }
        Ok(pads)
    }
}

/// What makes the output `ceil(length / stride)` long.
fn same_padding(length: usize, window: usize, stride: usize, dilation: usize) -> Option<usize> {
    let steps = length.checked_add(stride.checked_sub(1)?)? / stride;
    let span = window.checked_sub(1)?.checked_mul(dilation)?.checked_add(1)?;
    Some(steps.checked_sub(1)?.checked_mul(stride)?.checked_add(span)?.saturating_sub(length))
}

impl Graph {
    /// The same graph for pictures of `height` x `width`.
    ///
    /// # Errors
    /// `BadShape` when the net cannot run at that size, naming the node that fails, and the nearest sizes that it
    /// runs at.
    pub fn with_input_size(&self, height: usize, width: usize) -> Result<Self> {
        self.resized(height, width).map_err(|e| {
            let hint = self.size_hint(height, width).unwrap_or_default();
            e.context(format!("at input size {width}x{height}{hint}"))
        })
    }

    pub(super) fn resized(&self, height: usize, width: usize) -> Result<Self> {
        let mut graph = self.clone();
        for &input in &self.inputs {
            let shape = &mut graph.tensors[input].shape;
            if shape.len() != 4 {
                bail!(BadShape, "input {:?}: expected rank 4, found {shape:?}", self.tensors[input].name);
            }
            if let Some(Fixed { node, reason }) = &self.scaling.fixed
                && shape[2..] != [height, width]
            {
                let [own_height, own_width] = [shape[2], shape[3]];
                bail!(
                    BadShape,
                    "{node}: {reason}: expected the model's own size, {own_width}x{own_height}, or a file converted for this one"
                );
            }
            shape[2] = height;
            shape[3] = width;
        }
        graph.infer_shapes()?;
        for &output in self.outputs.iter().filter(|_| self.scaling.fills_picture) {
            let shape = &graph.tensors[output].shape;
            if shape.get(2..) != Some(&[height, width]) {
                let name = &self.tensors[output].name;
                bail!(BadShape, "output {name:?}: expected as many rows and columns, found {shape:?}");
            }
        }
        Ok(graph)
    }

    /// Sets what node `index` has of attributes that follow its input's size.
    pub(super) fn fit(&mut self, index: usize) -> Result<()> {
        let node = &self.nodes[index];
        let Some(fit) = self.scaling.fits.get(&self.tensors[node.output].name) else { return Ok(()) };
        let input = node.inputs.first().map(|&id| self.tensors[id].shape.as_slice());
        let Some(&[_, _, height, width]) = input else { bail!(BadShape, "expected a picture, found {input:?}") };
        let window = match node.weights.first().map(|&id| self.weights[id].shape.as_slice()) {
            Some(&[_, _, height, width]) => Some([height, width]),
            _ => None,
        };
        let picture = match self.inputs.first().map(|&id| self.tensors[id].shape.as_slice()) {
            Some(&[_, _, height, width]) => [height, width],
            _ => bail!(BadShape, "expected a picture"),
        };
        fit.apply(&mut self.nodes[index].op, [height, width], picture, window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_padding_matches_its_definition() {
        // ceil(7 / 2) = 4 windows of 3 need 3 * 2 + 3 = 9 rows: 2 more than there are.
        assert_eq!(same_padding(7, 3, 2, 1), Some(2));
        assert_eq!(same_padding(8, 3, 2, 1), Some(1));
        assert_eq!(same_padding(8, 1, 2, 1), Some(0));
        assert_eq!(same_padding(8, 3, 1, 4), Some(8));
        assert_eq!(same_padding(8, 3, 0, 1), None);
        assert_eq!(same_padding(8, usize::MAX, 1, 2), None);
    }
}
