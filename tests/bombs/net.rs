//! A net that is quick to run and makes large tensors.

use super::mini::{self, Builder, conv3};
use headwater::codec::Codec;
use headwater::graph::{Activation, Op};
use headwater::wire::{Encoded, InferRequest, Input, RequestParameters, Upload, WantedOutput};
use std::path::PathBuf;
use tempfile::TempDir;

/// Bytes of each of the tensors `t0` to `t9`: 16 channels of a megapixel.
pub(crate) const TENSOR_BYTES: usize = (16 * 4) << 20;

/// A file of the net; the folder goes away with the first part.
pub(crate) fn wide() -> (TempDir, PathBuf) {
    let mut net = Builder::new("picture", &[1, 3, 1024, 1024]);
    net.op("t0", conv3(), &["picture"], &[&[16, 3, 3, 3], &[16]]);
    for index in 1..10 {
        let before = format!("t{}", index - 1);
        net.op(&format!("t{index}"), Op::Activation(Activation::Relu), &[&before], &[]);
    }
    net.op("mask", conv3(), &["t9"], &[&[1, 16, 3, 3], &[1]]);
    let (graph, weights) = net.finish(&["mask"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mini.safetensors");
    mini::write_net(&path, &graph, &weights, Vec::new());
    (folder, path)
}

/// A request with a picture for `outputs`.
pub(crate) fn request(picture: &[u8], content_type: &str, outputs: &[&str], codec: Codec, binary: bool) -> Encoded {
    let wanted = |name: &&str| WantedOutput { name: (*name).to_owned(), codec, binary };
    let request = InferRequest {
        parameters: RequestParameters::default(),
        input: Input::Picture(Upload { content_type: content_type.to_owned(), bytes: picture.into() }),
        outputs: outputs.iter().map(wanted).collect(),
    };
    request.encode().unwrap()
}

/// A PNG of one pixel.
pub(crate) fn pixel() -> Vec<u8> {
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(1, 1).write_to(&mut png, image::ImageFormat::Png).unwrap();
    png.into_inner()
}
