//! The HTTP surface, without sockets where none are needed.

mod bodies;
mod late;
mod load;
mod masks;
#[path = "../mini/mod.rs"]
mod mini;
mod ready;
mod routes;

use axum::body::Body as HttpBody;
use axum::http::{Request, Response, StatusCode};
use headwater::codec::{self, Codec};
use headwater::image::Mask;
use headwater::model::Postprocess;
use headwater::server::{Body, Cancel, Executor, InProcess, RtenExecutor, ServerConfig, ServerState, app, serve};
use headwater::tensor::Tensor;
use headwater::wire::client::RemoteBody;
use headwater::wire::{
    Encoded, HEADER_LENGTH, InferRequest, InferResponse, Input, Limits, NamedTensor, RequestParameters, Upload,
    WantedOutput,
};
use headwater::{ErrorKind, Result};
use http_body_util::BodyExt;
use mini::Lcg;
use proptest::prelude::*;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};
use tower::ServiceExt;

/// A server of the mini U-net; the model's hash.
pub(crate) fn server(executor: Arc<dyn Executor>, config: ServerConfig) -> (Arc<ServerState>, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mini.safetensors");
    let manifest = mini::write_unet(&path);
    // The folder goes away here: the state keeps the file open.
    (ServerState::new(&path, executor, config).unwrap(), manifest.sha256)
}

pub(crate) fn cpu() -> Arc<dyn Executor> {
    Arc::new(RtenExecutor::new())
}

pub(crate) fn remote(state: Arc<ServerState>, sha256: String) -> RemoteBody<InProcess> {
    RemoteBody::new(InProcess::new(state).unwrap(), "mini", sha256)
}

/// A request for `down`, given `up`.
pub(crate) fn body_request(sha256: &str) -> Encoded {
    let up = Lcg(7).tensor(&[1, 4, 16, 16]);
    let coded = codec::encode(Codec::F32, &up).unwrap();
    let request = InferRequest {
        parameters: RequestParameters {
            split: Some("U1".to_owned()),
            model_sha256: Some(sha256.to_owned()),
            size: Some([32, 32]),
        },
        input: Input::Tensors(vec![NamedTensor { name: "up".to_owned(), coded, binary: true }]),
        outputs: vec![WantedOutput { name: "down".to_owned(), codec: Codec::F32, binary: true }],
    };
    request.encode().unwrap()
}

pub(crate) fn post(encoded: Encoded) -> Request<HttpBody> {
    Request::post("/v2/models/mini/infer")
        .header(HEADER_LENGTH, encoded.json_bytes)
        .body(HttpBody::from(encoded.body))
        .unwrap()
}

pub(crate) async fn json(response: Response<HttpBody>) -> serde_json::Value {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&bytes).unwrap()
}

/// A picture of the mini net's size, as a PNG.
pub(crate) fn small_png() -> Vec<u8> {
    let picture = image::RgbImage::from_fn(32, 32, |x, y| image::Rgb([(x * 8) as u8, (y * 8) as u8, (x ^ y) as u8]));
    let mut png = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
    png.into_inner()
}

pub(crate) fn json_length(headers: &axum::http::HeaderMap) -> usize {
    headers[HEADER_LENGTH].to_str().unwrap().parse().unwrap()
}
