//! The browser's face: what the npm package's TypeScript calls, thin over [`crate::session`].
//!
//! Scripts bring the network and the images: a [`host::JsByteSource`] reads the model, a
//! [`host::JsServer`] posts. An error is thrown as a JavaScript `Error` with the kind's
//! [`code`](crate::ErrorKind::code) as its `code`.

mod device;
mod failure;
mod host;
mod model;
mod panic;
mod session;

pub use device::Device;
pub use model::Model;
pub use panic::on_panic;
pub use session::{Segmented, Session};
