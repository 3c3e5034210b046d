//! The operators and shapes of real nets.

use super::Case;
use crate::error::{Error, Result, error};
use crate::graph::Op;
use crate::graph::op::{Activation, Binary, Coordinates, Pool, PoolKind, Resize, ResizeMode};
use std::str::FromStr;

/// A kind of net.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// IS-Net, which this crate is for, at 1024 and at 512.
    IsNet,
    /// As in MobileNet V2 at 224: depthwise and pointwise convolutions.
    MobileNet,
    /// As in a small vision transformer at 224, without the products of its attention, for which there is no
    /// operator.
    Vit,
}

impl FromStr for Set {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|set| set.name() == name);
        found.ok_or_else(|| error!(BadArgument, "expected {}; found {name:?}", Self::ALL.map(Self::name).join(", ")))
    }
}

impl Set {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::IsNet, Self::MobileNet, Self::Vit];

    /// `isnet`, `mobilenet` or `vit`.
    pub fn name(self) -> &'static str {
        match self {
            Self::IsNet => "isnet",
            Self::MobileNet => "mobilenet",
            Self::Vit => "vit",
        }
    }

    /// Its operators.
    pub fn cases(self) -> Vec<Case> {
        match self {
            Self::IsNet => isnet("isnet 1024", 1024).chain(isnet("isnet 512", 512)).collect(),
            Self::MobileNet => mobilenet().map(|case| Case { net: "mobilenet 224", ..case }).collect(),
            Self::Vit => vit().map(|case| Case { net: "vit 224", ..case }).collect(),
        }
    }
}

/// The convolutions with most of the multiply-adds, first, last and dilated ones, and what else there is.
fn isnet(net: &'static str, size: usize) -> impl Iterator<Item = Case> {
    let conv = move |inputs: &[usize], outputs, dilation, part: usize| {
        Case::conv(inputs, outputs, [3, 1, dilation], size / part).then(Activation::Relu)
    };
    let convs = [
        Case::conv(&[3], 64, [3, 2, 1], size),
        conv(&[64], 64, 1, 2),
        conv(&[64], 64, 1, 8),
        conv(&[64, 64], 64, 1, 2),
        conv(&[64], 32, 1, 2),
        conv(&[32, 32], 32, 1, 4),
        conv(&[64], 128, 1, 4),
        conv(&[256, 256], 128, 1, 8),
        conv(&[512, 512], 256, 1, 16),
        conv(&[512], 512, 1, 32),
        conv(&[256], 256, 2, 32),
        conv(&[256, 256], 256, 4, 32),
        Case::conv(&[64], 1, [3, 1, 1], size / 2),
    ];
    let pool =
        Pool { kind: PoolKind::Max, window: [2; 2], strides: [2; 2], dilations: [1; 2], pads: [0; 4], ceil_mode: true };
    let double = Resize { mode: ResizeMode::Linear, coordinates: Coordinates::HalfPixel, scales: [2.0; 2] };
    let others = [
        Case::plain(Op::Pool(pool), "64 max 2x2 /2", 64, size / 2),
        Case::plain(Op::Resize(double), "64 linear x2", 64, size / 4),
        Case::plain(Op::Activation(Activation::Sigmoid), "1 sigmoid", 1, size),
    ];
    convs.into_iter().chain(others).map(move |case| Case { net, ..case })
}

fn mobilenet() -> impl Iterator<Item = Case> {
    let clip = Activation::Clip { min: 0.0, max: 6.0 };
    let first = Case::conv(&[3], 32, [3, 2, 1], 224).then(clip);
    // Channels, stride, side.
    let depthwise = [(32, 1, 112), (96, 2, 112), (144, 1, 56), (144, 2, 56), (192, 1, 28), (192, 2, 28), (384, 1, 14)]
        .map(|(channels, stride, side)| Case::depthwise(channels, stride, side).then(clip));
    let wider = [(16, 96, 112), (24, 144, 56), (32, 192, 28), (64, 384, 14), (320, 1280, 7)]
        .map(|(inputs, outputs, side)| Case::conv(&[inputs], outputs, [1; 3], side).then(clip));
    // What narrows has no activation behind it.
    let narrower = [(32, 16, 112), (144, 24, 56), (192, 32, 28), (384, 64, 14)]
        .map(|(inputs, outputs, side)| Case::conv(&[inputs], outputs, [1; 3], side));
    let mean = Case::plain(Op::GlobalAveragePool, "1280 mean", 1280, 7);
    std::iter::once(first).chain(depthwise).chain(wider).chain(narrower).chain([mean])
}

/// 14 by 14 patches of 16 by 16 pixels, 384 channels, 6 heads.
fn vit() -> impl Iterator<Item = Case> {
    let mut patches = Case::conv(&[3], 384, [16, 16, 1], 224);
    if let Op::Conv(conv) = &mut patches.op {
        conv.pads = [0; 4];
    }
    let pointwise = |inputs, outputs| Case::conv(&[inputs], outputs, [1; 3], 14);
    // GELU is not among the operators; x sigmoid(x) costs as much as its usual stand-in x sigmoid(1.7 x).
    let mlp = [pointwise(384, 1536).then(Activation::Silu), pointwise(1536, 384)];
    let add = Op::Binary { function: Binary::Add, constant_first: false };
    let residual = Case { inputs: vec![384; 2], ..Case::plain(add, "384+384 add", 384, 14) };
    // A row for each head and a column for each query, the weights of 196 patches and the class as channels.
    let softmax = Case { size: [6, 197], ..Case::plain(Op::Softmax, "", 197, 0) };
    let softmax = Case { shape: "197 softmax @6x197".into(), ..softmax };
    [patches, pointwise(384, 3 * 384)].into_iter().chain(mlp).chain([residual, softmax])
}
