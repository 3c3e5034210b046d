//! Headwater runs the front layers of a segmentation model where the pixels are, as WGSL compute
//! shaders on the user's GPU, posts only what crosses the cut, and lets a server run the rest.
//!
//! An image's way through the crate: [`model`] (the file) gives a [`graph`]; a cut divides it; each
//! segment becomes a plan of dispatches that the GPU runs; what crosses goes through a codec and the
//! wire to the server, and back.

pub mod error;
pub mod graph;
#[cfg(not(target_arch = "wasm32"))]
pub mod image;
pub mod model;
pub mod reference;
pub mod tensor;

pub use error::{Error, ErrorKind, Result};
