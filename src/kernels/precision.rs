//! In what numbers a plan keeps what it computes with.

use crate::error::{Error, Result, bail};
use serde::Serialize;
use std::str::FromStr;

/// How activations and weights lie in the device's memory. Sums are f32 either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// Four bytes a number, on every device.
    #[default]
    F32,
    /// Two bytes a number, beyond ±65504 the nearest of the two; for devices whose shaders have f16.
    F16,
}

impl Precision {
    /// Bytes of a number.
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 => 2,
        }
    }

    /// `f32` or `f16`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
        }
    }
}

impl FromStr for Precision {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "f32" => Ok(Self::F32),
            "f16" => Ok(Self::F16),
            _ => bail!(BadArgument, "unknown precision {name:?}: expected f32 or f16"),
        }
    }
}
