//! Compiling pipelines ahead, in twins with one interface: a browser does it beside the page and several at
//! a time, but only for scripts that ask it to; natively the call that makes a pipeline compiles it.

#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(target_arch = "wasm32")]
mod web;

#[cfg(not(target_arch = "wasm32"))]
pub(super) use native::Warming;
#[cfg(target_arch = "wasm32")]
pub(super) use web::Warming;
