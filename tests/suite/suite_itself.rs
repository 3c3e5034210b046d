//! Is the suite worth passing? Its problems are valid and varied, its comparison finds what is
//! wrong, and the reference agrees with itself along different ways.

use crate::compare::compare;
use crate::problem::Problem;
use crate::unfuse::{is_fused, unfuse};
use crate::{Reference, Runtime, answered, check, golden, operators, random_problems};
use headwater::graph::Op;
use headwater::model::Weight;
use headwater::reference;
use headwater::tensor::Tensor;
use std::collections::HashSet;

#[test]
fn fused_convolutions_equal_their_parts() {
    let fused = random_problems().filter(|problem| problem.graph.nodes.iter().any(is_fused));
    let mut count = 0;
    for problem in fused {
        count += 1;
        let plain = unfuse(&problem.graph);
        assert!(!plain.nodes.iter().any(is_fused), "{}", problem.name);
        let expected = reference::run(&plain, &problem.weights, &problem.inputs).unwrap();
        let found = Reference.run(&problem).unwrap();
        if let Err(message) = compare(&problem, f64::from(f32::EPSILON), &expected, &found) {
            panic!("{message}");
        }
    }
    assert!(count > 100, "only {count} fused problems");
}

/// Head and tail of a net, one after the other, give what the whole net gives, bit for bit.
#[test]
fn a_net_equals_its_segments() {
    for seed in 0..20 {
        let Problem { name, graph, weights, inputs, .. } = crate::nets::residual_u(seed);
        // Everything that later nodes or the caller read of the first half, inputs included.
        let middle = graph.nodes.len() / 2;
        let (early, late) = graph.nodes.split_at(middle);
        let made: HashSet<usize> = early.iter().map(|node| node.output).chain(graph.inputs.iter().copied()).collect();
        let read = late.iter().flat_map(|node| &node.inputs).chain(&graph.outputs);
        let mut cut: Vec<usize> = read.copied().filter(|id| made.contains(id)).collect();
        cut.sort_unstable();
        cut.dedup();
        cut.retain(|id| !graph.inputs.contains(id));
        let head = graph.extract(&graph.inputs, &cut).unwrap();
        let outputs: Vec<usize> = graph.outputs.iter().copied().filter(|id| !cut.contains(id)).collect();
        let tail = graph.extract(&cut, &outputs).unwrap();

        let crossing = reference::run(&head, &weights, &inputs).unwrap();
        let found = reference::run(&tail, &weights, &crossing).unwrap();
        let whole = reference::run(&graph, &weights, &inputs).unwrap();
        let expected: Vec<Tensor> =
            graph.outputs.iter().zip(whole).filter(|(id, _)| outputs.contains(id)).map(|(_, tensor)| tensor).collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn problems_are_varied_and_reproducible() {
    let mut names = HashSet::new();
    let mut kinds = HashSet::new();
    let mut channel_remainders = HashSet::new();
    let (mut many_inputs, mut many_outputs, mut odd_sizes) = (0, 0, 0);
    for problem in random_problems() {
        let graph = &problem.graph;
        assert!(names.insert(problem.name.clone()), "{} comes twice", problem.name);
        for input in &problem.inputs {
            channel_remainders.insert(input.shape()[1] % 4);
        }
        for node in &graph.nodes {
            kinds.insert(node.op.name());
            if let Op::Conv(conv) = &node.op {
                kinds.insert(if conv.epilogue.residual { "residual" } else { "no residual" });
                kinds.insert(if conv.groups > 1 { "groups" } else { "one group" });
                kinds.insert(if graph.weights[node.weights[0]].shape[1] == 1 { "depthwise" } else { "dense" });
            }
        }
        many_inputs += usize::from(problem.inputs.len() > 2);
        many_outputs += usize::from(graph.outputs.len() > 1);
        odd_sizes += usize::from(problem.inputs[0].shape()[2..].iter().any(|length| length % 2 == 1));
    }
    for kind in [
        "Conv",
        "ConvTranspose",
        "MaxPool",
        "AveragePool",
        "GlobalAveragePool",
        "Resize",
        "Concat",
        "Relu",
        "LeakyRelu",
        "Clip",
        "Sigmoid",
        "HardSigmoid",
        "HardSwish",
        "Silu",
        "Tanh",
        "Add",
        "Sub",
        "Mul",
        "Softmax",
        "Pad",
        "Slice",
        "Reshape",
        "residual",
        "groups",
        "depthwise",
    ] {
        assert!(kinds.contains(kind), "no problem with {kind}");
    }
    assert_eq!(channel_remainders.len(), 4);
    assert!(many_inputs > 50 && many_outputs > 20 && odd_sizes > 200, "{many_inputs} {many_outputs} {odd_sizes}");
    let (once, again) = (operators::conv(7), operators::conv(7));
    assert_eq!(once.inputs, again.inputs);
    assert_eq!(once.graph, again.graph);
}

#[test]
fn golden_cases_are_all_there() {
    let cases = golden::cases();
    assert!(cases.len() >= 90, "{} cases", cases.len());
    let beside = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/operators");
    for (problem, _) in &cases {
        assert!(beside.join(format!("{}.onnx", problem.name)).is_file(), "{} has no ONNX file", problem.name);
    }
}

/// The reference with one weight of each net a hundredth off: the least mistake that must show.
struct OneWeightOff;

impl Runtime for OneWeightOff {
    fn name(&self) -> &str {
        "one weight off"
    }

    fn run(&self, problem: &Problem) -> headwater::Result<Vec<Tensor>> {
        let mut weights = problem.weights.clone();
        if let Some(spec) = problem.graph.weights.first() {
            let mut values = weights.get(&spec.name)?.to_f32();
            let centre = values.len() / 2;
            values[centre] += 0.01;
            weights.insert(spec.name.as_str(), Weight::from_f32(spec.shape.clone(), &values)?);
        }
        reference::run(&problem.graph, &weights, &problem.inputs)
    }
}

#[test]
fn a_weight_that_is_slightly_off_is_found() {
    let mut found = 0;
    for seed in 0..60 {
        let problem = operators::conv(seed);
        let expected = Reference.run(&problem).unwrap();
        let wrong = OneWeightOff.run(&problem).unwrap();
        found += usize::from(compare(&problem, f64::from(f32::EPSILON), &expected, &wrong).is_err());
    }
    // A tap that only ever meets padding has no effect, so not all of them.
    assert!(found >= 50, "found in {found} of 60");
    let message = check(&OneWeightOff, answered()).unwrap_err();
    assert!(message.starts_with("one weight off: "), "{message}");
    assert!(message.contains("conv-0, output 0"), "{message}");
}

#[test]
fn messages_name_the_worst_place_and_both_values() {
    let problem = operators::pool(3);
    let expected = Reference.run(&problem).unwrap();
    let epsilon = f64::from(f32::EPSILON);
    let shape = expected[0].shape().to_vec();

    let mut wrong = expected.clone();
    let last = wrong[0].data().len() - 1;
    let right = wrong[0].data()[last];
    wrong[0].data_mut()[last] = right + 0.5;
    let message = compare(&problem, epsilon, &expected, &wrong).unwrap_err();
    let place: Vec<usize> = shape.iter().map(|length| length - 1).collect();
    assert!(message.starts_with(&format!("pool-3, output 0 {shape:?}: worst at {place:?}:")), "{message}");
    assert!(message.contains(&format!("expected {right}, found {}", right + 0.5)), "{message}");
    assert!(message.ends_with(&format!("1 of {} values are too far", last + 1)), "{message}");

    wrong[0].data_mut()[0] = f32::NAN;
    assert!(compare(&problem, epsilon, &expected, &wrong).unwrap_err().contains("found NaN"));
    assert!(compare(&problem, epsilon, &expected, &[]).unwrap_err().contains("expected 1 outputs, found 0"));
    let other = vec![Tensor::zeros(vec![1, 1, 1, 99]).unwrap()];
    assert!(compare(&problem, epsilon, &expected, &other).unwrap_err().contains("found [1, 1, 1, 99]"));
    assert_eq!(compare(&problem, epsilon, &expected, &expected), Ok(0.0));
}
