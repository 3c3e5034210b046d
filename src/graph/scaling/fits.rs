//! The attributes of a graph that follow its size.

use super::Fit;
use serde::{Serialize, Serializer};

/// What follows the size, by the name of the tensor that the node makes, in the order of the names. A list, since maps
/// in such an order are 3 kB of Wasm.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fits(Vec<(String, Fit)>);

impl Fits {
    /// Whether nothing follows the size.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What follows the size at the node that makes `tensor`.
    pub fn get(&self, tensor: &str) -> Option<Fit> {
        self.place(tensor).ok().map(|place| self.0[place].1)
    }

    /// Sets what follows the size at the node that makes `tensor`.
    pub fn set(&mut self, tensor: String, fit: Fit) {
        match self.place(&tensor) {
            Ok(place) => self.0[place].1 = fit,
            Err(place) => self.0.insert(place, (tensor, fit)),
        }
    }

    /// Forgets what follows the size at the nodes whose tensors are not `wanted`.
    pub fn retain(&mut self, mut wanted: impl FnMut(&str) -> bool) {
        self.0.retain(|(tensor, _)| wanted(tensor));
    }

    fn place(&self, tensor: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(name, _)| name.as_str().cmp(tensor))
    }
}

impl FromIterator<(String, Fit)> for Fits {
    fn from_iter<I: IntoIterator<Item = (String, Fit)>>(entries: I) -> Self {
        let mut fits = Self::default();
        entries.into_iter().for_each(|(tensor, fit)| fits.set(tensor, fit));
        fits
    }
}

impl Serialize for Fits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(tensor, fit)| (tensor, fit)))
    }
}
