//! Doubts about what is said of a net's input and output: a wrong word gives a mask that looks like one.

use crate::graph::{Activation, Graph, Op};
use crate::model::Postprocess;

/// Doubts about `(x - mean) / scale` for `x` in 0..=255. Most nets' papers state both for 0..=1.
pub(super) fn doubts(mean: &[f32; 3], scale: &[f32; 3]) -> Option<String> {
    let scale_below_one = scale.iter().all(|value| value.abs() < 1.0);
    // Where std is left out or 1, the mean alone tells.
    let mean_below_one = mean.iter().all(|value| value.abs() < 1.0) && mean.iter().any(|&value| value != 0.0);
    let of_bytes = |values: &[f32; 3]| {
        // As people write them: 0.229 is 58.395 and not 58.39499.
        let scaled = values.map(|value| ((f64::from(value) * 255.0 * 1e4).round() / 1e4).to_string());
        scaled.join(",")
    };
    (scale_below_one || mean_below_one).then(|| {
        let is_of_units = scale_below_one || scale.iter().all(|&value| value == 1.0);
        let scale = if is_of_units { of_bytes(scale) } else { scale.map(|value| value.to_string()).join(",") };
        format!(
            "mean and std look like those of values from 0 to 1, and pixels run from 0 to 255: \
             did you mean --mean {} --std {scale}?",
            of_bytes(mean)
        )
    })
}

/// What the values of a net's output are known to be.
enum Range {
    /// 0 to 1, by this operator.
    Unit(&'static str),
    /// -1 to 1, by this operator.
    Signed(&'static str),
    /// Anything, by this operator.
    Free(&'static str),
    /// The last operators do not say.
    Unknown,
}

/// Doubts about how the mask is to be read off the output.
pub(super) fn doubts_of_output(graph: &Graph, postprocess: Postprocess) -> Option<String> {
    match (range(graph), postprocess) {
        (Range::Unit(operator), Postprocess::Logit) => Some(format!(
            "the net ends in {operator}, so its output is a mask and no logit: with --logit a second sigmoid is put on it"
        )),
        (Range::Signed(operator), _) => Some(format!(
            "the net ends in {operator}, whose values run from -1 to 1: they are read as a mask all the same"
        )),
        (Range::Free(operator), Postprocess::Alpha) => Some(format!(
            "the net ends in {operator}, whose values are not confined to 0 to 1: if they are logits, say --logit"
        )),
        _ => None,
    }
}

fn range(graph: &Graph) -> Range {
    let producers = graph.producers();
    let mut id = graph.outputs[0];
    while let Some(index) = producers[id] {
        let node = &graph.nodes[index];
        let name = node.op.name();
        match node.op {
            // These make nothing that lies outside of what they read.
            Op::Resize(_)
            | Op::Reshape { .. }
            | Op::Transpose { .. }
            | Op::Slice { .. }
            | Op::Pool(_)
            | Op::GlobalAveragePool => {
                id = node.inputs[0];
            }
            Op::Softmax | Op::Activation(Activation::Sigmoid | Activation::HardSigmoid { .. }) => {
                return Range::Unit(name);
            }
            Op::Activation(Activation::Clip { min, max }) if min >= 0.0 && max <= 1.0 => return Range::Unit(name),
            Op::Activation(Activation::Tanh) => return Range::Signed(name),
            Op::Conv(_) | Op::ConvTranspose(_) => return Range::Free(name),
            _ => return Range::Unknown,
        }
    }
    Range::Unknown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_zero_to_one_are_doubted() {
        let said = doubts(&[0.485, 0.456, 0.406], &[0.229, 0.224, 0.225]).unwrap();
        assert!(said.contains("--mean 123.675,116.28,103.53 --std 58.395,57.12,57.375"), "{said}");
        assert!(doubts(&[0.5; 3], &[1.0; 3]).unwrap().contains("--mean 127.5,127.5,127.5 --std 255,255,255"));
        assert!(doubts(&[0.0; 3], &[0.5; 3]).is_some());
        for (mean, scale) in
            [([128.0; 3], [256.0; 3]), ([0.0; 3], [255.0; 3]), ([0.0; 3], [1.0; 3]), ([104.0; 3], [1.0; 3])]
        {
            assert_eq!(doubts(&mean, &scale), None, "{mean:?} {scale:?}");
        }
    }
}
