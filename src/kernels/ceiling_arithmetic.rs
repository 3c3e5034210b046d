//! The multiply-add rate that no kernel can beat.

use super::{Key, Launch};
use bytemuck::{Pod, Zeroable};

/// As in `shaders/ceiling_arithmetic.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct Params {
    pub(super) rounds: u32,
    pub(super) count: u32,
    pub(super) tail: [u32; 2],
}

/// What an invocation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variant {
    /// Independent chains of multiply-adds, four lanes each: 4, 8 or 16.
    pub chains: usize,
    /// Multiply-adds of each chain that a round writes out, so that the loop itself costs less: 1 or 4.
    pub steps: usize,
    /// In f16 instead of f32.
    pub half: bool,
}

impl Variant {
    /// Multiply-adds of an invocation in one round.
    pub fn macs_a_round(self) -> u64 {
        (self.chains * self.steps * 4) as u64
    }

    fn key(self) -> Key {
        let defines = [
            (self.chains == 4, "CHAINS_4"),
            (self.chains == 8, "CHAINS_8"),
            (self.steps == 4, "STEPS_4"),
            (self.half, "HALF"),
        ];
        let wanted = defines.into_iter().filter(|(wanted, _)| *wanted).map(|(_, define)| define);
        Key::with("ceiling_arithmetic", wanted.collect())
    }
}

/// Reads and writes one vec4 of f32 for each of `count` invocations.
pub fn launch(variant: Variant, rounds: u32, count: usize) -> Launch {
    let params = Params { rounds, count: count as u32, tail: [0; 2] };
    Launch::new(variant.key(), &params, count)
}
