//! The kinds of image that a browser's GPU takes as they are.

use crate::error::{Result, bail};
use wasm_bindgen::{JsCast, JsValue};
use wgpu::ExternalImageSource as Source;

/// # Errors
/// `BadImage` for anything else.
pub(super) fn source(image: JsValue) -> Result<Source> {
    /// Names of classes may be missing from a realm (no elements in a worker), which is no error.
    fn of<T: JsCast>(image: JsValue, wrap: fn(T) -> Source) -> std::result::Result<Source, JsValue> {
        image.dyn_into::<T>().map(wrap)
    }
    of(image, Source::ImageBitmap)
        .or_else(|image| of(image, Source::VideoFrame))
        .or_else(|image| of(image, Source::ImageData))
        .or_else(|image| of(image, Source::OffscreenCanvas))
        .or_else(|image| of(image, Source::HTMLCanvasElement))
        .or_else(|image| of(image, Source::HTMLVideoElement))
        .or_else(|image| of(image, Source::HTMLImageElement))
        .or_else(|_| bail!(BadImage, "expected an ImageBitmap, ImageData, canvas, image, video or VideoFrame"))
}
