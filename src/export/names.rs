//! Names in the ONNX file: tensors keep theirs, everything else gets one that is free.

use crate::graph::Graph;
use std::collections::HashSet;

pub(super) struct Names {
    taken: HashSet<String>,
    weights: Vec<String>,
    next: usize,
}

impl Names {
    pub(super) fn new(graph: &Graph) -> Self {
        let taken = graph.tensors.iter().map(|tensor| tensor.name.clone()).collect();
        let mut names = Self { taken, weights: Vec::new(), next: 0 };
        for weight in &graph.weights {
            // Weights and tensors are named apart in the model file, but share one space in ONNX.
            let name =
                if names.taken.insert(weight.name.clone()) { weight.name.clone() } else { names.fresh("weight") };
            names.weights.push(name);
        }
        names
    }

    pub(super) fn weight(&self, id: usize) -> String {
        self.weights[id].clone()
    }

    /// A name that nothing else has.
    pub(super) fn fresh(&mut self, role: &str) -> String {
        loop {
            let name = format!("headwater.{role}.{}", self.next);
            self.next += 1;
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}
