//! Headwater runs the front layers of a segmentation model where the pixels are, as WGSL compute
//! shaders on the user's GPU, posts only what crosses the cut, and lets a server run the rest.
//!
//! An image's way through the crate: [`model`] (the file) gives a [`graph`]; a cut divides it; each
//! segment becomes a [`plan`] of dispatches of [`kernels`] that the GPU runs; what crosses goes through a codec and the
//! wire to the server, and back.

#[cfg(all(feature = "gpu", not(target_arch = "wasm32")))]
pub mod bench;
pub mod codec;
pub mod error;
#[cfg(not(target_arch = "wasm32"))]
pub mod export;
#[cfg(not(target_arch = "wasm32"))]
pub mod files;
#[cfg(feature = "gpu")]
pub mod gpu;
pub mod graph;
pub mod image;
#[cfg(not(target_arch = "wasm32"))]
pub mod import;
pub mod kernels;
pub mod model;
pub mod plan;
pub mod platform;
#[cfg(not(target_arch = "wasm32"))]
pub mod pull;
pub mod reference;
#[cfg(not(target_arch = "wasm32"))]
pub mod server;
#[cfg(feature = "gpu")]
pub mod session;
pub mod split;
pub mod tensor;
#[cfg(all(feature = "gpu", not(target_arch = "wasm32")))]
pub mod trial;
#[cfg(all(feature = "gpu", target_arch = "wasm32"))]
pub mod wasm;
pub mod wire;

pub use error::{Error, ErrorKind, Result};
