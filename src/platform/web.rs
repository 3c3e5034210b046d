//! Time and pauses on a browser's thread, the page's own or a worker's. HTTP is TypeScript's: see `wasm`.

use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// Milliseconds that work may go on before the event loop runs other tasks: two of them fit into a frame.
const SLICE_MILLIS: f64 = 8.0;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;

    type MessageChannel;
    #[wasm_bindgen(constructor)]
    fn new() -> MessageChannel;
    #[wasm_bindgen(method, getter)]
    fn port1(this: &MessageChannel) -> MessagePort;
    #[wasm_bindgen(method, getter)]
    fn port2(this: &MessageChannel) -> MessagePort;

    type MessagePort;
    #[wasm_bindgen(method, setter)]
    fn set_onmessage(this: &MessagePort, listener: &js_sys::Function);
    #[wasm_bindgen(method, js_name = postMessage)]
    fn post_message(this: &MessagePort, message: &JsValue);
    #[wasm_bindgen(method)]
    fn close(this: &MessagePort);
}

/// Milliseconds since the page or the worker began; never goes back.
pub fn now_millis() -> f64 {
    performance_now()
}

/// Divides long work into slices, between which the thread runs other tasks.
#[derive(Debug)]
pub(crate) struct Pauses {
    since: f64,
}

impl Pauses {
    /// From now on.
    pub(crate) fn begin() -> Self {
        Self { since: now_millis() }
    }

    /// Whether the present slice has been long enough.
    pub(crate) fn due(&self) -> bool {
        now_millis() - self.since >= SLICE_MILLIS
    }

    /// Ends the slice if it has been long enough. By a message and no timer: browsers let timers of hidden pages run
    /// once a second or once a minute.
    pub(crate) async fn offer(&mut self) {
        if !self.due() {
            return;
        }
        let channel = MessageChannel::new();
        let port = channel.port1();
        let message = js_sys::Promise::new(&mut |resolve, _| {
            port.set_onmessage(&resolve);
            channel.port2().post_message(&JsValue::NULL);
        });
        // A message to oneself does not fail.
        let _ = JsFuture::from(message).await;
        port.close();
        self.since = now_millis();
    }
}
