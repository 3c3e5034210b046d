//! Numbers that look random and are the same on every machine and in every run.

/// SplitMix64 (Steele, Lea and Flood, 2014): one 64-bit word of state, any seed is good.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Between `low` and `high`, both possible.
    pub(crate) fn between(&mut self, low: usize, high: usize) -> usize {
        low + (self.word() % (high - low + 1) as u64) as usize
    }

    /// One in `n`.
    pub(crate) fn chance(&mut self, n: usize) -> bool {
        self.between(1, n) == 1
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.between(0, from.len() - 1)].clone()
    }

    /// Between -1 and 1, with all of f32's bits in use.
    pub(crate) fn value(&mut self) -> f32 {
        ((self.word() >> 11) as f64 / (1u64 << 52) as f64 - 1.0) as f32
    }

    pub(crate) fn values(&mut self, count: usize, size: f32) -> Vec<f32> {
        (0..count).map(|_| self.value() * size).collect()
    }
}
