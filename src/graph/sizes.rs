//! Which sizes of picture a net runs at.

use super::Graph;

/// No net halves its pictures so often.
const LARGEST: usize = 4096;

impl Graph {
    /// The number whose multiples are the heights and widths that the net runs at, found by trying the divisors of
    /// its present size. `None` where the net runs at its present size only.
    pub fn size_multiple(&self) -> Option<usize> {
        let &[_, _, height, width] = self.tensors[*self.inputs.first()?].shape.as_slice() else { return None };
        // Neighbouring multiples: one of them is odd, and so halved to something odd.
        let fits = |&multiple: &usize| {
            [-1, 0, 1].iter().all(|&step: &isize| {
                let [h, w] = [height, width].map(|side| (side / multiple).saturating_add_signed(step) * multiple);
                h == 0 || w == 0 || self.resized(h, w).is_ok()
            })
        };
        let common = gcd(height, width);
        (1..=common.min(LARGEST)).filter(|divisor| common.is_multiple_of(*divisor)).find(fits)
    }

    /// What to say of a size at which the net does not run, where other sizes are right.
    pub(super) fn size_hint(&self, height: usize, width: usize) -> Option<String> {
        let multiple = self.size_multiple().filter(|&multiple| multiple > 1)?;
        let near = |above: bool| self.nearest(height, width, multiple, above);
        let such = match (near(false), near(true)) {
            (Some(below), Some(above)) => format!(", such as {below} or {above}"),
            (Some(one), None) | (None, Some(one)) => format!(", such as {one}"),
            (None, None) => String::new(),
        };
        Some(format!(", whose sides must be multiples of {multiple} for this net{such}"))
    }

    /// The next size above or below at which the net runs; one number where both sides are the same.
    fn nearest(&self, height: usize, width: usize, multiple: usize, above: bool) -> Option<String> {
        let near = |side: usize| {
            let count = if above { side.div_ceil(multiple) } else { side / multiple };
            count.checked_mul(multiple)
        };
        let (h, w) = (near(height)?, near(width)?);
        (h > 0 && w > 0 && self.resized(h, w).is_ok())
            .then(|| if height == width { w.to_string() } else { format!("{w}x{h}") })
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::graph::op::{Coordinates, Op, Pool, PoolKind, Resize, ResizeMode};
    use crate::graph::{Node, TensorSpec};

    /// A picture that is halved `depth` times, rounding up, doubled as often, and put beside itself.
    fn hourglass(depth: usize, size: [usize; 2]) -> Graph {
        let halved = Op::Pool(Pool {
            kind: PoolKind::Max,
            window: [2; 2],
            strides: [2; 2],
            dilations: [1; 2],
            pads: [0; 4],
            ceil_mode: true,
        });
        let doubled =
            Op::Resize(Resize { mode: ResizeMode::Linear, coordinates: Coordinates::HalfPixel, scales: [2.0; 2] });
        let ops = (0..2 * depth).map(|step| if step < depth { halved.clone() } else { doubled.clone() });
        let mut nodes: Vec<Node> = ops
            .enumerate()
            .map(|(at, op)| Node { name: format!("n{at}"), op, inputs: vec![at], weights: vec![], output: at + 1 })
            .collect();
        let last = 2 * depth + 1;
        nodes.push(Node {
            name: "beside".into(),
            op: Op::Concat,
            inputs: vec![0, last - 1],
            weights: vec![],
            output: last,
        });
        let tensors = (0..=last).map(|id| TensorSpec { name: format!("t{id}"), shape: vec![1, 3, size[0], size[1]] });
        let mut graph = Graph {
            tensors: tensors.collect(),
            weights: vec![],
            nodes,
            inputs: vec![0],
            outputs: vec![last],
            scaling: Default::default(),
        };
        graph.infer_shapes().unwrap();
        graph
    }

    #[test]
    fn the_multiple_is_the_product_of_the_halvings() {
        assert_eq!(hourglass(1, [64, 64]).size_multiple(), Some(2));
        assert_eq!(hourglass(5, [64, 96]).size_multiple(), Some(32));
        assert_eq!(hourglass(6, [1024, 1024]).size_multiple(), Some(64));
        assert_eq!(hourglass(6, [64, 64]).size_multiple(), Some(64));
        assert_eq!(Graph::lone_conv(4, 30).size_multiple(), Some(1));
    }

    #[test]
    fn an_illegal_size_is_refused_with_the_nearest_legal_ones() {
        let graph = hourglass(6, [1024, 1024]);
        let message = |height, width| {
            let error = graph.with_input_size(height, width).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BadShape);
            error.message().to_owned()
        };
        let square = message(600, 600);
        assert!(square.contains("600x600") && square.contains("multiples of 64"), "{square}");
        assert!(square.contains("576 or 640") && square.contains("beside"), "{square}");
        let wide = message(400, 600);
        assert!(wide.contains("576x384 or 640x448"), "{wide}");
        let small = message(30, 30);
        assert!(small.contains("such as 64:"), "{small}");
        message(usize::MAX, 64);
        graph.with_input_size(640, 576).unwrap();
    }
}
