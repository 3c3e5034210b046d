//! The operators, with the attributes that decide what they compute.
//!
//! Definitions follow ONNX opset 19 (<https://onnx.ai/onnx/operators/>) with N = 1.

mod read;

use serde::{Deserialize, Serialize};

/// A function of one value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "function", rename_all = "snake_case")]
pub enum Activation {
    /// `max(x, 0)`
    Relu,
    /// `x < 0 ? alpha x : x`
    LeakyRelu {
        /// Slope for negative values.
        alpha: f32,
    },
    /// `min(max(x, min), max)`
    Clip {
        /// Least value.
        min: f32,
        /// Greatest value.
        max: f32,
    },
    /// `1 / (1 + exp(-x))`
    Sigmoid,
    /// `clip(alpha x + beta, 0, 1)`
    HardSigmoid {
        /// Slope.
        alpha: f32,
        /// Offset.
        beta: f32,
    },
    /// `x clip(x / 6 + 1/2, 0, 1)`
    HardSwish,
    /// `x sigmoid(x)`
    Silu,
    /// `tanh(x)`
    Tanh,
}

/// A function of two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Binary {
    /// `a + b`
    Add,
    /// `a - b`
    Sub,
    /// `a b`
    Mul,
}

/// What fusion adds to a convolution's end: `after(before(conv + bias) + residual)`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Epilogue {
    /// Applied to the convolution with its bias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Activation>,
    /// Whether the node's last input, of the output's shape, is added.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub residual: bool,
    /// Applied to the sum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Activation>,
}

impl Epilogue {
    /// Whether it does nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A convolution. Weights: `[Cout, Cin/groups, Kh, Kw]`, then optionally a bias `[Cout]`.
///
/// A canonical node reads one tensor. Fusion may let it read several, their channels side by side,
/// in place of a concatenation; with `epilogue.residual` the last input is the residual.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conv {
    /// Channel groups; `Cin` for depthwise.
    pub groups: usize,
    /// Down, right.
    pub strides: [usize; 2],
    /// Down, right.
    pub dilations: [usize; 2],
    /// Zeros around the picture: top, left, bottom, right.
    pub pads: [usize; 4],
    /// Empty in canonical graphs.
    #[serde(default, skip_serializing_if = "Epilogue::is_empty")]
    pub epilogue: Epilogue,
}

/// A transposed convolution. Weights: `[Cin, Cout/groups, Kh, Kw]`, then optionally a bias `[Cout]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConvTranspose {
    /// Channel groups.
    pub groups: usize,
    /// Down, right.
    pub strides: [usize; 2],
    /// Down, right.
    pub dilations: [usize; 2],
    /// Taken off the full result: top, left, bottom, right.
    pub pads: [usize; 4],
    /// Added to the result's bottom and right.
    pub output_padding: [usize; 2],
}

/// What a pooling window is reduced to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolKind {
    /// The greatest value.
    Max,
    /// The mean over the values inside the picture.
    Average,
    /// The mean over the window, padding (though not what `ceil_mode` adds) counted as zeros.
    AverageWithPads,
}

/// A pooling window that slides over each channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// The reduction.
    pub kind: PoolKind,
    /// Height, width.
    pub window: [usize; 2],
    /// Down, right.
    pub strides: [usize; 2],
    /// Down, right.
    pub dilations: [usize; 2],
    /// Top, left, bottom, right.
    pub pads: [usize; 4],
    /// Round the output's size up. A last window that starts in the padding is dropped, as PyTorch does.
    pub ceil_mode: bool,
}

/// Interpolation of a resize.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResizeMode {
    /// Bilinear over the two nearest rows and columns, edges repeated.
    Linear,
    /// The nearest value.
    Nearest(Rounding),
}

/// How nearest-neighbour turns a coordinate into an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// Halves down.
    RoundPreferFloor,
    /// Halves up.
    RoundPreferCeil,
    /// Down.
    Floor,
    /// Up.
    Ceil,
}

/// Where an output index lies in the input; `s` is the scale, `n` the input's and `m` the output's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coordinates {
    /// `(i + 1/2) / s - 1/2`
    HalfPixel,
    /// `(i + 1/2) / s - 1/2`, and 0 where `m` is 1
    PytorchHalfPixel,
    /// `i (n - 1) / (m - 1)`, and 0 where `m` is 1
    AlignCorners,
    /// `i / s`
    Asymmetric,
}

/// A resize of the spatial axes by a scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resize {
    /// Interpolation.
    pub mode: ResizeMode,
    /// Coordinate rule.
    pub coordinates: Coordinates,
    /// Down, right. The output's length is `floor(n s)`, with a little forgiveness for ratios such as 15/7.
    pub scales: [f64; 2],
}

/// What padding is filled with.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "fill", rename_all = "snake_case")]
pub enum PadMode {
    /// One value.
    Constant {
        /// The value.
        value: f32,
    },
    /// The picture mirrored at its edge, the edge itself not repeated.
    Reflect,
    /// The edge repeated.
    Edge,
}

/// Padding of the spatial axes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pad {
    /// Top, left, bottom, right.
    pub pads: [usize; 4],
    /// The filling.
    pub mode: PadMode,
}

/// A part of one axis, as in ONNX: negative values count from the end, out-of-range values are clamped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SliceAxis {
    /// 1 (channels), 2 (rows) or 3 (columns).
    pub axis: usize,
    /// First index.
    pub start: i64,
    /// One past the last index.
    pub end: i64,
    /// At least 1.
    pub step: usize,
}

/// An operator. The number of activations and constants each takes stands beside it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Op {
    /// 1 activation (more when fused), 1 or 2 constants.
    Conv(Conv),
    /// 1 activation, 1 or 2 constants.
    ConvTranspose(ConvTranspose),
    /// 1 activation.
    Pool(Pool),
    /// 1 activation; the mean over the picture, `[1, C, 1, 1]`.
    GlobalAveragePool,
    /// 1 activation.
    Resize(Resize),
    /// 2 or more activations, along channels.
    Concat,
    /// 1 activation.
    Activation(Activation),
    /// 2 activations that broadcast (each dimension equal or 1), or 1 activation and 1 constant.
    Binary {
        /// The function.
        function: Binary,
        /// With a constant: whether the constant is the left operand.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        constant_first: bool,
    },
    /// 1 activation; over channels, at each pixel.
    Softmax,
    /// 1 activation.
    Pad(Pad),
    /// 1 activation.
    Slice {
        /// At most one entry an axis.
        axes: Vec<SliceAxis>,
    },
    /// 1 activation; a view: row-major order and the channel axis stay as they are.
    Reshape {
        /// As in ONNX: 0 keeps a dimension, -1 is what remains.
        shape: Vec<i64>,
    },
    /// 1 activation; a view: only axes of length 1 move.
    Transpose {
        /// Output axis `i` is input axis `axes[i]`.
        axes: Vec<usize>,
    },
}

impl Op {
    /// The operator's name as ONNX spells it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Conv(_) => "Conv",
            Self::ConvTranspose(_) => "ConvTranspose",
            Self::Pool(pool) if pool.kind == PoolKind::Max => "MaxPool",
            Self::Pool(_) => "AveragePool",
            Self::GlobalAveragePool => "GlobalAveragePool",
            Self::Resize(_) => "Resize",
            Self::Concat => "Concat",
            Self::Activation(activation) => match activation {
                Activation::Relu => "Relu",
                Activation::LeakyRelu { .. } => "LeakyRelu",
                Activation::Clip { .. } => "Clip",
                Activation::Sigmoid => "Sigmoid",
                Activation::HardSigmoid { .. } => "HardSigmoid",
                Activation::HardSwish => "HardSwish",
                Activation::Silu => "Silu",
                Activation::Tanh => "Tanh",
            },
            Self::Binary { function: Binary::Add, .. } => "Add",
            Self::Binary { function: Binary::Sub, .. } => "Sub",
            Self::Binary { function: Binary::Mul, .. } => "Mul",
            Self::Softmax => "Softmax",
            Self::Pad(_) => "Pad",
            Self::Slice { .. } => "Slice",
            Self::Reshape { .. } => "Reshape",
            Self::Transpose { .. } => "Transpose",
        }
    }

    /// Whether the output holds the input's values in the input's order.
    pub fn is_view(&self) -> bool {
        matches!(self, Self::Reshape { .. } | Self::Transpose { .. })
    }
}
