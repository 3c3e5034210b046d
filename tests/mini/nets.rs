//! Nets of other forms than the U-net's: with residuals, with skips that are added, and without any.

use super::{Builder, Lcg, conv3, double, halve};
use headwater::graph::op::Binary;
use headwater::graph::{Activation, Graph, Op};
use headwater::model::Weights;

/// How a decoder's stage gets what its encoder twin made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Skip {
    /// Side by side, as in U-nets.
    Concat,
    /// Added, as in LinkNet.
    Add,
    /// Not at all.
    None,
}

/// An encoder that halves the picture `depth` times and a decoder that doubles it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    /// Levels below the picture's own.
    pub(crate) depth: usize,
    /// Channels of the first level; each level below has 3 more, so that few counts are whole quads.
    pub(crate) channels: usize,
    /// Each stage adds its first features to its last.
    pub(crate) residual: bool,
    /// Between twins.
    pub(crate) skip: Skip,
}

impl Form {
    /// Two levels with residuals: IS-Net's form, small.
    pub(crate) const RESIDUAL: Self = Self { depth: 2, channels: 4, residual: true, skip: Skip::Concat };
    /// An encoder and a decoder without skips.
    pub(crate) const CHAIN: Self = Self { depth: 2, channels: 4, residual: false, skip: Skip::None };

    /// Any form, the same for the same seed.
    pub(crate) fn random(seed: u64) -> Self {
        let mut random = Lcg(seed);
        let mut below = |bound: f32| ((random.value() + 1.0) / 2.0 * bound) as usize;
        // The generator's first numbers follow the seed too closely.
        below(1.0);
        Self {
            depth: 1 + below(3.0),
            channels: 1 + below(6.0),
            residual: below(2.0) == 1,
            skip: [Skip::Concat, Skip::Add, Skip::None][below(3.0)],
        }
    }

    /// The net over 32 x 32 pictures; stages are called `e0`, `e1` ... down and `d1`, `d0` up again.
    pub(crate) fn build(self) -> (Graph, Weights) {
        let mut net = Builder::new("picture", &[1, 3, 32, 32]);
        let channels = |level: usize| self.channels + 3 * level;
        let mut top = "picture".to_owned();
        for level in 0..=self.depth {
            if level > 0 {
                let pooled = format!("p{level}");
                net.op(&pooled, halve(), &[&top], &[]);
                top = pooled;
            }
            top = self.stage(&mut net, &format!("e{level}"), &top, channels(level));
        }
        for level in (0..self.depth).rev() {
            // Down to the twin's channels first, so that what is added fits.
            let (narrow, raised, joined) = (format!("n{level}"), format!("r{level}"), format!("j{level}"));
            net.conv_relu(&narrow, &top, channels(level)).op(&raised, double(), &[&narrow], &[]);
            let twin = format!("e{level}");
            match self.skip {
                Skip::Concat => net.op(&joined, Op::Concat, &[&raised, &twin], &[]),
                Skip::Add => net.op(&joined, add(), &[&raised, &twin], &[]),
                Skip::None => net.conv_relu(&joined, &raised, channels(level)),
            };
            top = self.stage(&mut net, &format!("d{level}"), &joined, channels(level));
        }
        net.op("logits", conv3(), &[&top], &[&[1, channels(0), 3, 3], &[1]]);
        net.op("mask", Op::Activation(Activation::Sigmoid), &["logits"], &[]);
        net.finish(&["mask"])
    }

    fn stage(self, net: &mut Builder, name: &str, input: &str, channels: usize) -> String {
        if self.residual {
            let (first, second) = (format!("{name}.first"), format!("{name}.second"));
            net.conv_relu(&first, input, channels).conv_relu(&second, &first, channels);
            net.op(name, add(), &[&second, &first], &[]);
        } else {
            net.conv_relu(name, input, channels);
        }
        name.to_owned()
    }
}

fn add() -> Op {
    Op::Binary { function: Binary::Add, constant_first: false }
}
