//! From an ONNX file to a mask by way of a model file: what conversion keeps, warns of and refuses.

#[path = "../adapter/mod.rs"]
mod adapter;
mod broadcast;
mod doubts;
mod external;
#[path = "../onnx/mod.rs"]
mod onnx;
mod precision;
mod sizes;

use headwater::Error;
use headwater::codec::Codec;
use headwater::graph::cuts::Cut;
use headwater::import::{ConvertOptions, Converted, convert};
use headwater::kernels::Precision;
use headwater::model::{Model, Weights};
use headwater::reference;
use headwater::server::{InProcess, RtenExecutor, ServerConfig, ServerState};
use headwater::session::{Options, Report, Session};
use headwater::split::Placement;
use headwater::tensor::Tensor;
use headwater::wire::client::RemoteBody;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

/// A model file that was made from an ONNX file, and the folder that it goes with.
struct Made {
    folder: tempfile::TempDir,
    converted: Converted,
}

impl Made {
    fn new(onnx: &[u8]) -> Self {
        Self::with(onnx, &ConvertOptions::new("net"))
    }

    fn with(onnx: &[u8], options: &ConvertOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let converted = convert(onnx, &folder.path().join("net.safetensors"), options).unwrap();
        Self { folder, converted }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("net.safetensors")
    }

    fn open(&self) -> (Model, File) {
        let file = File::open(self.path()).unwrap();
        (pollster::block_on(Model::open(&file)).unwrap(), file)
    }

    /// All weights, as they lie in the file.
    fn weights(&self) -> Weights {
        let (model, file) = self.open();
        pollster::block_on(model.load(&file, &[&model.manifest.graph])).unwrap()
    }

    fn size(&self) -> [usize; 2] {
        self.converted.manifest.preprocess.size
    }

    /// The output of the plain loops that say what every operator means.
    fn reference(&self, input: &Tensor) -> Tensor {
        let graph = &self.converted.manifest.graph;
        reference::run(graph, &self.weights(), std::slice::from_ref(input)).unwrap().swap_remove(0)
    }

    /// The output of the server's default executor.
    fn remote(&self, input: &Tensor) -> Tensor {
        let graph = &self.converted.manifest.graph;
        let cut = Cut { up: graph.inputs.clone(), down: graph.outputs.clone() };
        let server =
            ServerState::new(&self.path(), Arc::new(RtenExecutor::default()), ServerConfig::default()).unwrap();
        let sha256 = server.manifest().sha256.clone();
        let remote = RemoteBody::new(InProcess::new(server).unwrap(), "net", sha256);
        let placement = Placement::Cut { name: "all".to_owned(), cut };
        let gpu = adapter::open("an input that is handed on").expect("asked for before");
        let options = Options { placement, size: self.size(), codec: Codec::F32, precision: Precision::F32 };
        let file = File::open(self.path()).unwrap();
        let session = pollster::block_on(Session::open(&file, options, Some(gpu), Some(remote))).unwrap();
        pollster::block_on(session.run(input.clone())).unwrap().0
    }

    /// The output of the GPU.
    fn local(&self, input: &Tensor, precision: Precision) -> (Tensor, Report) {
        self.try_local(input, precision).unwrap()
    }

    fn try_local(&self, input: &Tensor, precision: Precision) -> Result<(Tensor, Report), Error> {
        let gpu = adapter::open("a local mask").expect("asked for before");
        let options = Options { placement: Placement::Local, size: self.size(), codec: Codec::F32, precision };
        let file = File::open(self.path()).unwrap();
        let session = pollster::block_on(Session::<InProcess>::open(&file, options, Some(gpu), None))?;
        pollster::block_on(session.run(input.clone()))
    }
}

/// A picture's values, 0 to 1, no two pixels alike.
fn picture(width: usize, height: usize) -> Tensor {
    let count = 3 * width * height;
    let values = (0..count).map(|index| (index * 37 % count) as f32 / count as f32).collect();
    Tensor::new(vec![1, 3, height, width], values).unwrap()
}

/// The greatest difference; infinite where anything is no number.
fn apart(a: &Tensor, b: &Tensor) -> f32 {
    assert_eq!(a.shape(), b.shape());
    let difference = |(a, b): (&f32, &f32)| (a - b).abs();
    let differences = a.data().iter().zip(b.data()).map(difference);
    differences.map(|difference| if difference.is_nan() { f32::INFINITY } else { difference }).fold(0.0, f32::max)
}
