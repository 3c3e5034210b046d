//! Small changes to a finished graph, each of which leaves nodes behind that nothing reads.

use crate::graph::{Activation, Binary, Graph, Op};

/// Lets node `first` make what node `second`, its only reader, made. `second` then makes a value that
/// nothing reads, so that extraction drops it.
pub(super) fn absorb(graph: &mut Graph, first: usize, second: usize) {
    let made = graph.nodes[first].output;
    graph.nodes[first].output = graph.nodes[second].output;
    graph.nodes[second].output = made;
    // It read what it now makes: give it something harmless to read, for it is still in the list.
    graph.nodes[second].inputs = graph.nodes[first].inputs.clone();
}

/// How many nodes read each weight.
pub(super) fn weight_readers(graph: &Graph) -> Vec<usize> {
    let mut readers = vec![0; graph.weights.len()];
    for &weight in graph.nodes.iter().flat_map(|node| &node.weights) {
        readers[weight] += 1;
    }
    readers
}

/// Reads `x * sigmoid(x)` as SiLU, and `x * clip(x / 6 + 1/2, 0, 1)` as hard swish, which is how
/// exporters spell them.
pub(super) fn gated_activations(graph: &mut Graph) {
    let producers = graph.producers();
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        let (Op::Binary { function: Binary::Mul, .. }, &[a, b]) = (&node.op, node.inputs.as_slice()) else { continue };
        let gated = [(a, b), (b, a)].into_iter().find_map(|(value, gate)| {
            let gate = &graph.nodes[producers[gate]?];
            let activation = match gate.op {
                Op::Activation(Activation::Sigmoid) => Activation::Silu,
                Op::Activation(Activation::HardSigmoid { alpha, beta })
                    if (alpha - 1.0 / 6.0).abs() < 1e-6 && beta == 0.5 =>
                {
                    Activation::HardSwish
                }
                _ => return None,
            };
            (gate.inputs == [value]).then_some((value, activation))
        });
        if let Some((value, activation)) = gated {
            graph.nodes[index].op = Op::Activation(activation);
            graph.nodes[index].inputs = vec![value];
        }
    }
}
