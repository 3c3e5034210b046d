//! The world outside, in twins with one interface: `native` here, `web` in the browser.

#[cfg(not(target_arch = "wasm32"))]
mod native;

#[cfg(not(target_arch = "wasm32"))]
pub use native::{HttpConfig, HttpTransport, now_millis};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::{tls, unpack};
