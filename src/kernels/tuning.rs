//! What suits a device: properties of its driver and its hardware, not of any net.

use super::Precision;
use serde::{Deserialize, Serialize};

/// How a device best reads what a heavy kernel reads most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loads {
    /// From storage buffers: every real GPU.
    #[default]
    Buffers,
    /// From read-only storage images: llvmpipe.
    Images,
    /// From sampled textures, by `textureLoad`: SwiftShader.
    Textures,
}

impl Loads {
    /// What makes a shader read so, where it can.
    pub(crate) fn define(self) -> Option<&'static str> {
        match self {
            Self::Buffers => None,
            Self::Images => Some("IMAGES"),
            Self::Textures => Some("TEXTURES"),
        }
    }
}

/// A device's units that multiply small matrices of f16 and add up in f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matrices {
    /// Rows and columns of each matrix: 8 or 16.
    pub side: u32,
    /// Invocations of a subgroup, which hold a matrix together: a divisor of [`super::WORKGROUP`].
    pub subgroup: u32,
}

/// Whether there are the shaders that `build.rs` keeps from browsers.
const NATIVE: bool = cfg!(native_kernels);

/// How convolutions are computed on a device. Any value is right; they differ in time and memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tuning {
    /// How the matrix products and the direct convolution read.
    pub loads: Loads,
    /// Tiles that one invocation of [`super::winograd_multiply`] holds: 4, 8 or 16.
    pub product_rows: usize,
    /// Whether products that are large enough go by way of workgroup memory instead.
    #[serde(default)]
    pub workgroup_memory: bool,
    /// What one number of a tile that is transformed there or back costs, in multiply-adds of the product.
    /// Winograd's way is taken where it is the cheaper one; [`Tuning::DIRECT`] switches it off.
    pub transform_macs: u64,
    /// What a multiply-add of the direct convolution costs, in percent of one of the product's.
    pub direct_percent: u64,
    /// Bytes that a strip's transformed tiles may take, before and behind the product each.
    pub strip_bytes: u64,
    /// Bytes that all transformed weights of a plan may take above what they take as they are.
    pub weight_growth_bytes: u64,
    /// What products in f16 are computed on, where the device has it: never kept in a file.
    #[serde(skip)]
    pub matrices: Option<Matrices>,
}

impl Tuning {
    /// A cost of transforms at which no convolution is computed Winograd's way.
    pub const DIRECT: u64 = u64::MAX;

    /// What products in `precision` are computed on.
    pub fn matrices_for(&self, precision: Precision) -> Option<Matrices> {
        self.matrices.filter(|_| NATIVE && precision == Precision::F16)
    }

    /// Whether products go by way of workgroup memory.
    pub fn by_workgroup(&self) -> bool {
        NATIVE && self.workgroup_memory
    }

    /// Whether kernels and plans can do with these numbers: they may come from a file.
    pub fn is_valid(&self) -> bool {
        [4, 8, 16].contains(&self.product_rows) && self.direct_percent <= 10_000 && self.strip_bytes <= 1 << 30
    }
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            loads: Loads::Buffers,
            product_rows: 4,
            workgroup_memory: false,
            transform_macs: 64,
            direct_percent: 100,
            strip_bytes: 8 << 20,
            weight_growth_bytes: 192 << 20,
            matrices: None,
        }
    }
}
