//! How long bodies take here, from those that ran.

use super::BodyKey;
use crate::graph::Graph;
use std::collections::HashMap;

/// The weight of the newest run in a rate.
const NEWEST: f64 = 0.3;

/// A rate that refused work although nothing else was under way becomes so much smaller, so that one slow run does
/// not shut a body out for ever.
const DOUBT: f64 = 0.9;

/// Bodies that are remembered. Clients name bodies, and may name many.
const REMEMBERED: usize = 256;

/// What is to be done: which layers, and how much.
#[derive(Debug, Clone)]
pub(super) struct Work {
    /// Which body, at whatever size.
    body: (Vec<String>, Vec<String>),
    /// Multiply-adds, and a part for each value that is read or written.
    amount: f64,
}

impl Work {
    pub(super) fn new(key: &BodyKey, graph: &Graph) -> Self {
        let values: f64 = graph.tensors.iter().map(|tensor| tensor.shape.iter().product::<usize>() as f64).sum();
        Self { body: (key.inputs.clone(), key.outputs.clone()), amount: graph.macs() as f64 + 10.0 * values }
    }
}

/// Milliseconds for each unit of work, body by body.
#[derive(Debug, Default)]
pub(super) struct Rates(HashMap<(Vec<String>, Vec<String>), f64>);

impl Rates {
    /// How long it will take; `None` for a body that has not run yet.
    pub(super) fn predict(&self, work: &Work) -> Option<f64> {
        self.0.get(&work.body).map(|rate| rate * work.amount)
    }

    /// How long it took.
    pub(super) fn record(&mut self, work: &Work, millis: f64) {
        let newest = millis / work.amount.max(1.0);
        if let Some(rate) = self.0.get_mut(&work.body) {
            *rate += NEWEST * (newest - *rate);
            return;
        }
        if self.0.len() >= REMEMBERED {
            self.0.clear();
        }
        self.0.insert(work.body.clone(), newest);
    }

    /// The prediction kept work away that nothing else stood in the way of.
    pub(super) fn doubt(&mut self, work: &Work) {
        if let Some(rate) = self.0.get_mut(&work.body) {
            *rate *= DOUBT;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(name: &str, amount: f64) -> Work {
        Work { body: (vec![name.to_owned()], Vec::new()), amount }
    }

    #[test]
    fn predictions_follow_the_runs_of_the_same_body() {
        let mut rates = Rates::default();
        assert_eq!(rates.predict(&work("a", 10.0)), None);
        rates.record(&work("a", 10.0), 100.0);
        assert_eq!(rates.predict(&work("a", 20.0)), Some(200.0));
        assert_eq!(rates.predict(&work("b", 20.0)), None);
        rates.record(&work("a", 10.0), 200.0);
        assert_eq!(rates.predict(&work("a", 10.0)), Some(130.0));
        rates.doubt(&work("a", 1.0));
        assert!((rates.predict(&work("a", 10.0)).unwrap() - 117.0).abs() < 1e-6);
        for body in 0..1000 {
            rates.record(&work(&body.to_string(), 1.0), 1.0);
        }
        assert!(rates.0.len() <= REMEMBERED);
    }
}
