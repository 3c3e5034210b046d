//! The world outside, in twins with one interface: `native` here, `web` in the browser.

#[cfg(not(target_arch = "wasm32"))]
mod native;

#[cfg(not(target_arch = "wasm32"))]
pub use native::{Headers, HttpConfig, HttpTransport, now_millis};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::{Pauses, tls, unpack, without_credentials};

#[cfg(all(feature = "gpu", target_arch = "wasm32"))]
mod web;

#[cfg(all(feature = "gpu", target_arch = "wasm32"))]
pub(crate) use web::Pauses;
#[cfg(all(feature = "gpu", target_arch = "wasm32"))]
pub use web::now_millis;
