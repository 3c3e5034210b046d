//! Which nodes are needed, and in what order they can run.

use crate::error::{Result, bail};
use rten_onnx::onnx::NodeProto;
use std::collections::HashMap;

/// Indices of the nodes that `output` needs, each after those that it reads.
///
/// File order is kept wherever it is legal: a node stands just before the first one that could not
/// run without it, so weights lie in the file in the order in which the net uses them.
///
/// `is_given` says which names need no node: the graph's inputs and initializers.
///
/// # Errors
/// `BadModel` for a value made twice or never, and for cycles.
pub(super) fn needed_in_order(
    nodes: &[NodeProto],
    output: &str,
    is_given: impl Fn(&str) -> bool,
) -> Result<Vec<usize>> {
    let producers = producers(nodes, &is_given)?;
    let reads: Vec<Vec<&str>> = nodes.iter().map(reads).collect();
    let needed = needed(&reads, &producers, output);
    let mut order = Vec::new();
    let mut state = vec![State::Waiting; nodes.len()];
    // An explicit stack: a chain of nodes written back to front would overflow the thread's own.
    let mut open: Vec<(usize, usize)> = Vec::new();
    for first in (0..nodes.len()).filter(|&index| needed[index]) {
        if state[first] == State::Waiting {
            state[first] = State::Open;
            open.push((first, 0));
        }
        while let Some((index, next_input)) = open.last_mut() {
            let (index, input) = (*index, *next_input);
            *next_input += 1;
            let Some(&name) = reads[index].get(input) else {
                state[index] = State::Placed;
                order.push(index);
                open.pop();
                continue;
            };
            match producers.get(name) {
                Some(&producer) => match state[producer] {
                    State::Waiting => {
                        state[producer] = State::Open;
                        open.push((producer, 0));
                    }
                    State::Open => bail!(BadModel, "{}: is part of a cycle through {name:?}", place(&nodes[index])),
                    State::Placed => {}
                },
                None if name.is_empty() || is_given(name) => {}
                // What a branch makes for itself.
                None if input >= nodes[index].input.len() => {}
                None => bail!(BadModel, "{}: reads {name:?}, which nothing makes", place(&nodes[index])),
            }
        }
    }
    if !producers.contains_key(output) && !is_given(output) {
        bail!(BadModel, "the graph's output {output:?} is made by no node");
    }
    Ok(order)
}

/// The names that a node reads: its inputs, and behind them what the graphs in its attributes take from around it.
pub(super) fn reads(node: &NodeProto) -> Vec<&str> {
    let mut names: Vec<&str> = node.input.iter().map(String::as_str).collect();
    let graphs = node.attribute.iter().filter_map(|attribute| attribute.g.as_ref());
    // Nesting is bounded by the look at the bytes before they were parsed.
    names.extend(graphs.flat_map(|graph| &graph.node).flat_map(reads));
    // The outputs of a branch may be names from around it.
    let graphs = node.attribute.iter().filter_map(|attribute| attribute.g.as_ref());
    names.extend(graphs.flat_map(|graph| &graph.output).filter_map(|output| output.name.as_deref()));
    names
}

/// A node as messages name it.
pub(super) fn place(node: &NodeProto) -> String {
    let operator = node.op_type.as_deref().unwrap_or("no operator");
    match node.name.as_deref() {
        Some(name) if !name.is_empty() => format!("node {name:?} ({operator})"),
        // Nameless nodes are common in quantised files; their output is unique.
        _ => format!("node making {:?} ({operator})", node.output.first().map_or("", String::as_str)),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Waiting,
    Open,
    Placed,
}

fn producers(nodes: &[NodeProto], is_given: impl Fn(&str) -> bool) -> Result<HashMap<&str, usize>> {
    let mut producers = HashMap::new();
    for (index, node) in nodes.iter().enumerate() {
        for output in node.output.iter().filter(|name| !name.is_empty()) {
            if is_given(output) || producers.insert(output.as_str(), index).is_some() {
                bail!(BadModel, "{}: makes {output:?}, which already exists", place(node));
            }
        }
    }
    Ok(producers)
}

fn needed(reads: &[Vec<&str>], producers: &HashMap<&str, usize>, output: &str) -> Vec<bool> {
    let mut needed = vec![false; reads.len()];
    let mut open: Vec<usize> = producers.get(output).copied().into_iter().collect();
    while let Some(index) = open.pop() {
        if !std::mem::replace(&mut needed[index], true) {
            open.extend(reads[index].iter().filter_map(|name| producers.get(name)));
        }
    }
    needed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(input: &[&str], output: &str) -> NodeProto {
        NodeProto {
            input: input.iter().map(|name| name.to_string()).collect(),
            output: vec![output.to_owned()],
            ..Default::default()
        }
    }

    fn order(nodes: &[NodeProto], output: &str) -> Result<Vec<usize>> {
        needed_in_order(nodes, output, |name| name == "x")
    }

    #[test]
    fn file_order_stays_where_it_is_legal() {
        // `late` stands last in the file and is pulled to just before its reader; `dead` goes.
        let nodes = [
            node(&["x"], "a"),
            node(&["a"], "b"),
            node(&["b", "late"], "c"),
            node(&["a"], "dead"),
            node(&["a"], "late"),
        ];
        assert_eq!(order(&nodes, "c").unwrap(), [0, 1, 4, 2]);
    }

    #[test]
    fn a_long_chain_written_backwards_does_not_overflow_the_stack() {
        let length = 100_000;
        let name = |index: usize| if index == 0 { "x".to_owned() } else { format!("t{index}") };
        let nodes: Vec<_> = (1..=length).rev().map(|index| node(&[&name(index - 1)], &name(index))).collect();
        let order = order(&nodes, &name(length)).unwrap();
        assert!(order.iter().copied().eq((0..length).rev()));
    }

    #[test]
    fn cycles_gaps_and_doubles_are_refused() {
        let message = |nodes: &[NodeProto]| order(nodes, "a").unwrap_err().message().to_owned();
        assert!(message(&[node(&["b"], "a"), node(&["a"], "b")]).contains("cycle"));
        assert!(message(&[node(&["a"], "a")]).contains("cycle"));
        assert!(message(&[node(&["nowhere"], "a")]).contains("\"nowhere\", which nothing makes"));
        assert!(message(&[node(&["x"], "a"), node(&["x"], "a")]).contains("already exists"));
        assert!(message(&[node(&["a"], "x")]).contains("already exists"));
        assert!(message(&[node(&["x"], "other")]).contains("no node"));
    }
}
