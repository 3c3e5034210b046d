//! Time and turns on a browser's thread, the page's own or a worker's. HTTP is the page's: see `wasm`.

use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// Milliseconds that work may go on before others get their turn: two of them fit into a frame.
const TURN_MILLIS: f64 = 8.0;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;

    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &js_sys::Function, millis: i32) -> JsValue;
}

/// Milliseconds since the page or the worker began; never goes back.
pub fn now_millis() -> f64 {
    performance_now()
}

/// Lets others have the thread in the middle of long work.
#[derive(Debug)]
pub(crate) struct Pauses {
    since: f64,
}

impl Pauses {
    /// From now on.
    pub(crate) fn begin() -> Self {
        Self { since: now_millis() }
    }

    /// Waits for a turn of the event loop if this one has been long.
    pub(crate) async fn offer(&mut self) {
        if now_millis() - self.since < TURN_MILLIS {
            return;
        }
        let turn = js_sys::Promise::new(&mut |resolve, _| {
            set_timeout(&resolve, 0);
        });
        // A timer does not fail.
        let _ = JsFuture::from(turn).await;
        self.since = now_millis();
    }
}
