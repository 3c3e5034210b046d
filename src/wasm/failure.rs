//! Errors to JavaScript and back.

use crate::error::{Error, ErrorKind};
use wasm_bindgen::JsValue;

impl From<Error> for JsValue {
    fn from(error: Error) -> Self {
        let thrown = js_sys::Error::new(&error.to_string());
        thrown.set_name("HeadwaterError");
        // A fresh Error takes any property.
        let _ = js_sys::Reflect::set(&thrown, &"code".into(), &error.kind().code().into());
        thrown.into()
    }
}

/// What a script threw: its `code` where it is one of ours, else `otherwise`.
pub(super) fn caught(thrown: &JsValue, otherwise: ErrorKind) -> Error {
    let text = |key: &str| js_sys::Reflect::get(thrown, &key.into()).ok().and_then(|value| value.as_string());
    let message = text("message").or_else(|| thrown.as_string()).unwrap_or_else(|| "something was thrown".to_owned());
    let kind = match text("name").as_deref() {
        Some("AbortError") => ErrorKind::Aborted,
        _ => text("code").and_then(|code| ErrorKind::of_code(&code)).unwrap_or(otherwise),
    };
    Error::new(kind, message)
}
