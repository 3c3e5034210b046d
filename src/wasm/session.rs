//! A session, and what became of a picture.

use super::failure::caught;
use super::host::{JsByteSource, JsServer, to_js};
use super::{Device, Model};
use crate::codec::Codec;
use crate::error::{ErrorKind, Result, bail};
use crate::gpu::Gpu;
use crate::kernels::Precision;
use crate::plan::Edge;
use crate::session::{self, AlphaBytes, Options, Report, Setup};
use crate::tensor::Tensor;
use crate::wire::Upload;
use crate::wire::client::RemoteBody;
use std::cell::Cell;
use std::sync::Arc;
use wasm_bindgen::prelude::*;

/// One model, one split, one size, ready for any number of pictures, one at a time.
#[wasm_bindgen]
pub struct Session {
    session: session::Session<JsServer>,
    busy: Cell<bool>,
}

#[wasm_bindgen]
extern "C" {
    /// `{ split, size: [width, height], codec, precision }`
    #[wasm_bindgen(typescript_type = "{ split: string; size: [number, number]; codec: string; precision: string }")]
    pub type SessionOptions;

    #[wasm_bindgen(method, getter)]
    fn split(this: &SessionOptions) -> String;
    #[wasm_bindgen(method, getter)]
    fn size(this: &SessionOptions) -> Vec<u32>;
    #[wasm_bindgen(method, getter)]
    fn codec(this: &SessionOptions) -> String;
    #[wasm_bindgen(method, getter)]
    fn precision(this: &SessionOptions) -> String;

    /// Called with the pieces of work that are done, and with their number. What it throws ends the work.
    #[wasm_bindgen(typescript_type = "(done: number, total: number) => void")]
    pub type OnWeight;
}

#[wasm_bindgen]
impl Session {
    /// Reads the weights that the split's client runs and makes its plan ready. `server` may be missing
    /// only for split `local`.
    pub async fn open(
        model: &Model,
        source: JsByteSource,
        options: SessionOptions,
        device: &Device,
        server: Option<JsServer>,
        on_weight: Option<OnWeight>,
    ) -> std::result::Result<Session, JsValue> {
        let listener: Option<js_sys::Function> = on_weight.map(JsCast::unchecked_into);
        let mut tell = |done: usize, total: usize| {
            let Some(listener) = &listener else { return Ok(()) };
            // Where the caller was aborted, the listener throws.
            let called = listener.call2(&JsValue::NULL, &done.into(), &total.into());
            called.map(|_| ()).map_err(|thrown| caught(&thrown, ErrorKind::Internal))
        };
        let setup = Setup { pixels: Edge::Device, tell: &mut tell };
        let gpu = Some(device.gpu.clone());
        Ok(Self::with(model, source, &options, gpu, server, setup).await?)
    }

    /// For split `remote`: no device, no weights.
    pub async fn open_remote(
        model: &Model,
        source: JsByteSource,
        options: SessionOptions,
        server: JsServer,
    ) -> std::result::Result<Session, JsValue> {
        let setup = Setup { pixels: Edge::Host, tell: &mut |_, _| Ok(()) };
        Ok(Self::with(model, source, &options, None, Some(server), setup).await?)
    }

    /// Segments an image of `width` by `height` pixels, which the device takes as it is, and gives its mask
    /// at `mask_width` by `mask_height`. What crossed is kept only if `keep_crossing` says so.
    pub async fn segment(
        &self,
        image: JsValue,
        width: u32,
        height: u32,
        mask_width: u32,
        mask_height: u32,
        keep_crossing: bool,
    ) -> std::result::Result<Segmented, JsValue> {
        let _turn = self.turn()?;
        let (size, mask_size) = ([width, height], [mask_width, mask_height]);
        let segmented = self
            .session
            .segment_on_device(
                size.map(|side| side as usize),
                |gpu, intake| intake.copy(gpu, &image),
                mask_size.map(|side| side as usize),
            )
            .await?;
        Segmented::new(segmented, keep_crossing)
    }

    /// Has the server do everything for an encoded picture, `image/jpeg`, `image/png` or `image/webp`.
    pub async fn segment_encoded(
        &self,
        content_type: String,
        bytes: Vec<u8>,
        mask_width: u32,
        mask_height: u32,
    ) -> std::result::Result<Segmented, JsValue> {
        let _turn = self.turn()?;
        let upload = Upload { content_type, bytes: bytes.into() };
        let mask_size = [mask_width as usize, mask_height as usize];
        Segmented::new(self.session.segment_encoded(upload, mask_size).await?, false)
    }
}

impl Session {
    async fn with(
        model: &Model,
        source: JsByteSource,
        options: &SessionOptions,
        gpu: Option<Arc<Gpu>>,
        server: Option<JsServer>,
        setup: Setup<'_>,
    ) -> Result<Self> {
        let &[width, height] = options.size().as_slice() else {
            bail!(BadArgument, "size: expected width and height");
        };
        let options = Options {
            placement: model.placement(&options.split())?,
            size: [width as usize, height as usize],
            codec: options.codec().parse::<Codec>()?,
            precision: options.precision().parse::<Precision>()?,
        };
        let model = model.model.clone();
        let (name, sha256) = (model.manifest.name.clone(), model.manifest.sha256.clone());
        let remote = server.map(|server| RemoteBody::new(server, name, sha256));
        let session = session::Session::with_model(model, &source, options, gpu, remote, setup).await?;
        Ok(Self { session, busy: Cell::new(false) })
    }

    /// Buffers are shared by all runs: a second one has to wait for the first.
    fn turn(&self) -> Result<Turn<'_>> {
        if self.busy.replace(true) {
            bail!(BadArgument, "this session is at work: await its last call first");
        }
        Ok(Turn(&self.busy))
    }
}

struct Turn<'a>(&'a Cell<bool>);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// What became of a picture.
#[wasm_bindgen]
pub struct Segmented {
    alpha: js_sys::Uint8Array,
    report: Report,
    crossing: Option<js_sys::Object>,
}

#[wasm_bindgen]
impl Segmented {
    /// A byte a pixel, `[mask_height, mask_width]`.
    #[wasm_bindgen(getter)]
    pub fn alpha(&self) -> js_sys::Uint8Array {
        self.alpha.clone()
    }

    /// As `headwater segment --json` prints it.
    #[wasm_bindgen(getter)]
    pub fn report(&self) -> std::result::Result<JsValue, JsValue> {
        Ok(to_js(&self.report)?)
    }

    /// `{ up: [{ tensor, shape, values }], down: [...] }`, if it was to be kept.
    #[wasm_bindgen(getter)]
    pub fn crossing(&self) -> Option<js_sys::Object> {
        self.crossing.clone()
    }
}

impl Segmented {
    fn new(segmented: session::Segmented, keep_crossing: bool) -> std::result::Result<Self, JsValue> {
        let alpha = match segmented.alpha {
            AlphaBytes::Device(alpha) => alpha.to_js(),
            AlphaBytes::Host(bytes) => js_sys::Uint8Array::from(bytes.as_slice()),
        };
        let crossing = if keep_crossing {
            let object = js_sys::Object::new();
            js_sys::Reflect::set(&object, &"up".into(), tensors(&segmented.crossing.up)?.as_ref())?;
            js_sys::Reflect::set(&object, &"down".into(), tensors(&segmented.crossing.down)?.as_ref())?;
            Some(object)
        } else {
            None
        };
        Ok(Self { alpha, report: segmented.report, crossing })
    }
}

fn tensors(tensors: &[(String, Tensor)]) -> std::result::Result<js_sys::Array, JsValue> {
    let list = js_sys::Array::new();
    for (name, tensor) in tensors {
        let object = js_sys::Object::new();
        js_sys::Reflect::set(&object, &"tensor".into(), &name.into())?;
        js_sys::Reflect::set(&object, &"shape".into(), &to_js(&tensor.shape())?)?;
        js_sys::Reflect::set(&object, &"values".into(), &js_sys::Float32Array::from(tensor.data()))?;
        list.push(&object);
    }
    Ok(list)
}
