//! What scripts give: a model's bytes, and a way to the server.

use super::failure::caught;
use crate::error::{ErrorKind, Result, bail};
use crate::model::ByteSource;
use crate::platform::now_millis;
use crate::wire::client::{HttpAnswer, HttpRequest, Transport};
use std::ops::Range;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen(typescript_custom_section)]
const INTERFACES: &str = r#"
/** A model's bytes. */
export interface ByteSource {
  /** Of the whole file. */
  readonly size: number;
  /** Exactly the bytes from `start` up to, not including, `end`. */
  read(start: number, end: number): Promise<Uint8Array>;
}

/** The way to a server; `path` begins with a slash. */
export interface Server {
  /** Without a slash at its end. */
  readonly address: string;
  send(path: string, jsonBytes: number | undefined, body: Uint8Array | undefined, maxAnswerBytes: number): Promise<ServerAnswer>;
}

export interface ServerAnswer {
  status: number;
  /** The header `Inference-Header-Content-Length`, as it came. */
  jsonBytes: string | undefined;
  contentType: string;
  /** Seconds, from the header `Retry-After`. */
  retryAfter: number | undefined;
  body: Uint8Array;
  /** Bytes of the body as it travelled: fewer than it has where HTTP compressed it. */
  receivedBytes: number;
}
"#;

#[wasm_bindgen]
extern "C" {
    /// A script's source of bytes.
    #[wasm_bindgen(typescript_type = "ByteSource")]
    pub type JsByteSource;

    #[wasm_bindgen(method, getter)]
    fn size(this: &JsByteSource) -> f64;

    #[wasm_bindgen(method, catch)]
    fn read(this: &JsByteSource, start: f64, end: f64) -> std::result::Result<js_sys::Promise, JsValue>;

    /// A script's way to a server.
    #[wasm_bindgen(typescript_type = "Server")]
    pub type JsServer;

    #[wasm_bindgen(method, getter)]
    fn address(this: &JsServer) -> String;

    #[wasm_bindgen(method, catch)]
    fn send(
        this: &JsServer,
        path: &str,
        json_bytes: Option<f64>,
        body: Option<js_sys::Uint8Array>,
        max_answer_bytes: f64,
    ) -> std::result::Result<js_sys::Promise, JsValue>;

    type JsAnswer;

    #[wasm_bindgen(method, getter)]
    fn status(this: &JsAnswer) -> f64;
    #[wasm_bindgen(method, getter, js_name = jsonBytes)]
    fn json_bytes(this: &JsAnswer) -> Option<String>;
    #[wasm_bindgen(method, getter, js_name = contentType)]
    fn content_type(this: &JsAnswer) -> String;
    #[wasm_bindgen(method, getter, js_name = retryAfter)]
    fn retry_after(this: &JsAnswer) -> Option<f64>;
    #[wasm_bindgen(method, getter)]
    fn body(this: &JsAnswer) -> js_sys::Uint8Array;
    #[wasm_bindgen(method, getter, js_name = receivedBytes)]
    fn received_bytes(this: &JsAnswer) -> f64;
}

/// Bytes that one read asks for: copying them takes a page's thread some milliseconds, and no more.
const MOST_AT_ONCE: u64 = 4 << 20;

impl ByteSource for JsByteSource {
    fn len(&self) -> u64 {
        // Negative sizes and NaN become 0, which no model has.
        self.size() as u64
    }

    async fn read(&self, range: Range<u64>) -> Result<Vec<u8>> {
        let failed = |thrown: JsValue| caught(&thrown, ErrorKind::Download);
        let mut all = Vec::with_capacity((range.end - range.start) as usize);
        let mut start = range.start;
        while start < range.end {
            let end = range.end.min(start + MOST_AT_ONCE);
            let promise = JsByteSource::read(self, start as f64, end as f64).map_err(failed)?;
            let bytes: js_sys::Uint8Array = JsFuture::from(promise).await.map_err(failed)?.unchecked_into();
            if u64::from(bytes.length()) != end - start {
                bail!(Download, "bytes {start} to {end}: expected {}, found {}", end - start, bytes.length());
            }
            let done = all.len();
            all.resize(done + bytes.length() as usize, 0);
            bytes.copy_to(&mut all[done..]);
            start = end;
        }
        Ok(all)
    }
}

impl Transport for JsServer {
    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer> {
        let failed = |thrown: JsValue| caught(&thrown, ErrorKind::ServerUnreachable);
        let json_bytes = request.post.as_ref().map(|post| post.json_bytes as f64);
        // A copy outside Wasm's memory, since that may move while the request is on its way.
        let body = request.post.as_ref().map(|post| js_sys::Uint8Array::from(post.body.as_slice()));
        let promise = JsServer::send(self, &request.path, json_bytes, body, request.max_answer_bytes as f64);
        drop(request.post);
        let answer: JsAnswer = JsFuture::from(promise.map_err(failed)?).await.map_err(failed)?.unchecked_into();
        Ok(HttpAnswer {
            status: answer.status() as u16,
            json_bytes: answer.json_bytes(),
            content_type: answer.content_type(),
            retry_after: answer.retry_after().map(|seconds| seconds as u64),
            body: answer.body().to_vec(),
            received_bytes: answer.received_bytes() as usize,
        })
    }

    fn address(&self) -> String {
        JsServer::address(self)
    }

    fn now_millis(&self) -> f64 {
        now_millis()
    }
}

/// A value by way of its JSON.
pub(super) fn to_js(value: &impl serde::Serialize) -> Result<JsValue> {
    let text = serde_json::to_string(value)
        .map_err(|e| crate::error::error!(Internal, "a description cannot be written").with_source(e))?;
    js_sys::JSON::parse(&text).map_err(|thrown| caught(&thrown, ErrorKind::Internal))
}
