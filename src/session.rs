//! The user's verb: a picture in, a mask out, wherever the layers run.
//!
//! All of it on this machine's GPU; with a server, see `examples/segment.rs`:
//!
//! ```no_run
//! use headwater::codec::Codec;
//! use headwater::gpu::{Choice, Gpu};
//! use headwater::image::Picture;
//! use headwater::kernels::Precision;
//! use headwater::platform::HttpTransport;
//! use headwater::session::{Options, Session};
//! use headwater::split::Placement;
//! use std::sync::Arc;
//!
//! # async fn cut_out() -> Result<(), Box<dyn std::error::Error>> {
//! let file = std::fs::File::open("models/isnet.safetensors")?;
//! let gpu = Arc::new(Gpu::open(&Choice::default()).await?);
//! let options = Options {
//!     placement: Placement::Local,
//!     size: [1024, 1024],
//!     codec: Codec::F16,
//!     precision: Precision::F32,
//! };
//! let session = Session::<HttpTransport>::open(&file, options, Some(gpu), None).await?;
//! let picture = Picture::decode(&std::fs::read("photo.jpg")?)?;
//! let (mask, report) = session.segment(&picture).await?;
//! std::fs::write("mask.png", mask.to_png()?)?;
//! println!("{:.0} ms", report.total_millis);
//! # Ok(())
//! # }
//! ```

mod device;
mod half;
#[cfg(not(target_arch = "wasm32"))]
mod picture;
mod report;

pub use device::{AlphaBytes, Crossing, Segmented};
pub use report::{ExecutorAdapter, Report};

use crate::codec::Codec;
use crate::error::{Result, bail, error};
use crate::gpu::{Gpu, Intake, Outlet, Program, Tell};
use crate::graph::cuts::{Cut, Division};
use crate::graph::fuse::fuse;
use crate::graph::{Graph, TensorId};
use crate::image::Mask;
use crate::kernels::Precision;
use crate::model::{ByteSource, Model, Postprocess};
use crate::plan::{self, Edge, Plan};
use crate::platform::now_millis;
use crate::split::Placement;
use crate::tensor::Tensor;
use crate::wire::Upload;
use crate::wire::client::{RemoteBody, Transport};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// How a session works.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the layers run.
    pub placement: Placement,
    /// Width, height that the net runs at.
    pub size: [usize; 2],
    /// How tensors travel.
    pub codec: Codec,
    /// How the client's layers keep them. Where the device has no f16, or computes wrongly in it, it is f32 all the
    /// same, and the report's `fallback` says so.
    pub precision: Precision,
}

/// A model made ready to segment pictures of any size.
pub struct Session<T> {
    model: Model,
    options: Options,
    /// At the session's size.
    graph: Graph,
    client: Option<Client>,
    remote: Option<RemoteBody<T>>,
    report: Report,
    /// Whether a picture is between its head and its tail, whose skips wait on the device.
    divided: AtomicBool,
}

/// The layers that run here.
struct Client {
    program: Program,
    adapter: ExecutorAdapter,
    /// Those of the last picture, for [`Edge::Device`].
    intake: Mutex<Option<Intake>>,
    outlet: Mutex<Option<Outlet>>,
}

/// What opening a session takes besides its options.
pub struct Setup<'a> {
    /// Where pictures and masks are: with [`Edge::Device`], [`Session::segment_on_device`] takes them.
    pub pixels: Edge,
    /// See [`Program::new_telling`].
    pub tell: Tell<'a>,
}

impl<T: Transport> Session<T> {
    /// Reads the weights that this client runs, and nothing else, and makes its plan ready on `gpu`.
    ///
    /// `gpu` may be missing only for [`Placement::Remote`], `remote` only for [`Placement::Local`].
    ///
    /// # Errors
    /// `BadShape` when the net cannot run at the size; `UnknownSplit` for an illegal cut; `AdapterLimit`
    /// when the plan does not fit the adapter; the source's errors.
    pub async fn open(
        source: &impl ByteSource,
        options: Options,
        gpu: Option<Arc<Gpu>>,
        remote: Option<RemoteBody<T>>,
    ) -> Result<Self> {
        let model = Model::open(source).await?;
        let setup = Setup { pixels: Edge::Host, tell: &mut |_, _| Ok(()) };
        Self::with_model(model, source, options, gpu, remote, setup).await
    }

    /// As [`Self::open`], for a model whose header was read before.
    ///
    /// # Errors
    /// Those of [`Self::open`].
    pub async fn with_model(
        model: Model,
        source: &impl ByteSource,
        options: Options,
        gpu: Option<Arc<Gpu>>,
        remote: Option<RemoteBody<T>>,
        setup: Setup<'_>,
    ) -> Result<Self> {
        let start = now_millis();
        if options.codec == Codec::Alpha8 {
            bail!(BadArgument, "codec alpha8 carries masks only: expected f32, f16 or int8");
        }
        let [width, height] = options.size;
        let graph = model.manifest.graph.with_input_size(height, width)?;
        let division = match &options.placement {
            Placement::Cut { cut, .. } => Some(graph.divide(cut)?),
            Placement::Local | Placement::Remote => None,
        };
        let mut report = Report::new(&model.manifest, &options, &graph)?;
        let segments = segments(&graph, &options.placement, division.as_ref(), setup.pixels);
        let client = if segments.is_empty() {
            None
        } else {
            let Some(gpu) = gpu else {
                bail!(NoAdapter, "split {:?} needs a graphics adapter", options.placement.name())
            };
            let segments: Vec<(Graph, Vec<String>)> =
                segments.into_iter().map(|(graph, outputs)| (fuse(&graph), outputs)).collect();
            let graphs: Vec<&Graph> = segments.iter().map(|(graph, _)| graph).collect();
            let named: Vec<Vec<&str>> =
                segments.iter().map(|(_, outputs)| outputs.iter().map(String::as_str).collect()).collect();
            let lowered: Vec<(&Graph, &[&str])> = graphs.iter().copied().zip(named.iter().map(Vec::as_slice)).collect();
            // Where the server finishes, the last thing made here goes to it and so to the host.
            let ends_here = division.as_ref().is_none_or(|division| division.tail.is_some());
            let behind = if ends_here { setup.pixels } else { Edge::Host };
            let (mut precision, fallback) = match options.precision {
                Precision::F16 => half::precision(&gpu).await?,
                Precision::F32 => (Precision::F32, None),
            };
            report.fallback = fallback;
            let lower = |precision| -> Result<Plan> {
                let plan = plan::lower_between(setup.pixels, &lowered, behind, &gpu.tuning(), precision)?;
                plan.check(&gpu.limits())?;
                Ok(plan)
            };
            let mut plan = lower(precision)?;
            let weights = model.load(source, &graphs).await?;
            if precision == Precision::F16
                && let Some(name) = half::unfit(&graphs, &weights)?
            {
                report.fallback = Some(format!("f16 cannot hold weight {name:?}: computed in f32"));
                precision = Precision::F32;
                plan = lower(precision)?;
            }
            report.client_weight_bytes = unique_weight_bytes(&model, &graphs)?;
            let adapter = ExecutorAdapter::of(gpu.info(), precision);
            let program = Program::new_telling(gpu, plan, &weights, setup.tell).await?;
            Some(Client { program, adapter, intake: Mutex::default(), outlet: Mutex::default() })
        };
        if let Some(client) = &client {
            report.describe_client(&client.program, &client.adapter);
        }
        report.setup_millis = now_millis() - start;
        Ok(Self { model, options, graph, client, remote, report, divided: AtomicBool::new(false) })
    }

    /// The model's header.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The net's output, `[1, 1, H, W]`, for an input `[1, 3, H, W]` at the session's size.
    ///
    /// A local session takes calls from several threads at once, and brings one's input to the device while another's
    /// is computed; a divided one takes one at a time.
    ///
    /// # Errors
    /// `BadShape` for another input; `BadArgument` when a divided session is at work; `Device` and `Timeout` from the
    /// adapter; whatever the server answers.
    pub async fn run(&self, input: Tensor) -> Result<(Tensor, Report)> {
        let start = now_millis();
        let mut report = self.report.clone();
        let Client { program, .. } = self.client()?;
        let expected = &self.graph.tensors[self.graph.inputs[0]].shape;
        if input.shape() != expected {
            bail!(BadShape, "expected an input of shape {expected:?}, found {:?}", input.shape());
        }
        let _turn = match self.options.placement {
            Placement::Cut { .. } => Some(Turn::take(&self.divided)?),
            _ => None,
        };
        let made = program.run(0, &[input.data()]).await?;
        report.head_millis = now_millis() - start;
        let output = match &self.options.placement {
            Placement::Cut { name, cut } => {
                let up = self.crossing_up(cut, Some(&input), made)?;
                let down = self.post(name, cut, &up, &mut report).await?;
                self.finish(cut, down, &mut report).await?
            }
            _ => self.tensor(self.graph.outputs[0], only(made)?)?,
        };
        report.total_millis = now_millis() - start;
        Ok((output, report))
    }

    /// The mask, at the session's size, from a server that does everything: in 8 bits, unless the session's
    /// codec is `f32`.
    ///
    /// # Errors
    /// Whatever the server answers.
    pub async fn run_remote(&self, picture: Upload<'_>) -> Result<(Mask, Report)> {
        let mut report = self.report.clone();
        let codec = if self.options.codec == Codec::F32 { Codec::F32 } else { Codec::Alpha8 };
        report.codec = codec.name().to_owned();
        let outputs = self.named(&self.graph.outputs);
        let (tensors, timings) = self.remote()?.infer_image(self.options.size, picture, &outputs, codec).await?;
        report.add(&timings);
        let output = tensors.into_iter().next().ok_or_else(|| error!(BadMessage, "the server sent no mask"))?;
        let sent_as = if codec == Codec::Alpha8 { Postprocess::Alpha } else { self.model.manifest.postprocess };
        Ok((Mask::from_output(&output, sent_as)?, report))
    }

    /// What travels up: what the head made, and the input where it crosses itself and the head did not
    /// hand it on.
    fn crossing_up(&self, cut: &Cut, input: Option<&Tensor>, made: Vec<Vec<f32>>) -> Result<Vec<Tensor>> {
        let mut made = made.into_iter();
        let mut up = Vec::with_capacity(cut.up.len());
        for &id in &cut.up {
            up.push(match input {
                Some(input) if self.graph.inputs.contains(&id) => input.clone(),
                _ => {
                    let values = made.next().ok_or_else(|| error!(Internal, "the head made too few tensors"))?;
                    self.tensor(id, values)?
                }
            });
        }
        Ok(up)
    }

    /// Sends what travels up and gives what comes back.
    async fn post(&self, split: &str, cut: &Cut, up: &[Tensor], report: &mut Report) -> Result<Vec<Tensor>> {
        let inputs: Vec<(&str, &Tensor)> =
            cut.up.iter().map(|&id| self.graph.tensors[id].name.as_str()).zip(up).collect();
        let (down, timings) = self
            .remote()?
            .infer(split, self.options.size, &inputs, self.options.codec, &self.named(&cut.down), self.options.codec)
            .await?;
        report.add(&timings);
        Ok(down)
    }

    /// The tail, where the server did not finish.
    async fn finish(&self, cut: &Cut, down: Vec<Tensor>, report: &mut Report) -> Result<Tensor> {
        if cut.down == self.graph.outputs {
            return down.into_iter().next().ok_or_else(|| error!(BadMessage, "the server sent no mask"));
        }
        let start = now_millis();
        let down: Vec<&[f32]> = down.iter().map(Tensor::data).collect();
        let output = only(self.client()?.program.run(1, &down).await?)?;
        report.tail_millis = now_millis() - start;
        self.tensor(self.graph.outputs[0], output)
    }

    fn client(&self) -> Result<&Client> {
        self.client.as_ref().ok_or_else(|| error!(BadArgument, "a remote session takes a file and no pixels"))
    }

    fn remote(&self) -> Result<&RemoteBody<T>> {
        self.remote
            .as_ref()
            .ok_or_else(|| error!(BadArgument, "split {:?} needs a server", self.options.placement.name()))
    }

    fn named(&self, ids: &[TensorId]) -> Vec<(&str, &[usize])> {
        let tensors = ids.iter().map(|&id| &self.graph.tensors[id]);
        tensors.map(|tensor| (tensor.name.as_str(), tensor.shape.as_slice())).collect()
    }

    fn tensor(&self, id: TensorId, values: Vec<f32>) -> Result<Tensor> {
        Tensor::new(self.graph.tensors[id].shape.clone(), values)
    }
}

/// One picture's way through a divided net.
struct Turn<'a>(&'a AtomicBool);

impl<'a> Turn<'a> {
    fn take(taken: &'a AtomicBool) -> Result<Self> {
        if taken.swap(true, Ordering::Acquire) {
            bail!(BadArgument, "a divided session takes one picture at a time: await its last call first");
        }
        Ok(Self(taken))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// What runs here, in order, and what of it is wanted outside.
pub(crate) fn segments(
    graph: &Graph,
    placement: &Placement,
    division: Option<&Division>,
    pixels: Edge,
) -> Vec<(Graph, Vec<String>)> {
    let names = |ids: &[TensorId]| ids.iter().map(|&id| graph.tensors[id].name.clone()).collect::<Vec<String>>();
    match (placement, division) {
        (Placement::Cut { cut, .. }, Some(division)) => {
            // An input that crosses itself is the host's already, unless it was made on the device.
            let handed_on = |id: &TensorId| pixels == Edge::Device || !graph.inputs.contains(id);
            let made: Vec<TensorId> = cut.up.iter().copied().filter(handed_on).collect();
            let head = (division.head.clone(), names(&made));
            let tail = division.tail.clone().map(|tail| (tail, names(&graph.outputs)));
            std::iter::once(head).chain(tail).collect()
        }
        (Placement::Local, _) => vec![(graph.clone(), names(&graph.outputs))],
        _ => Vec::new(),
    }
}

/// File bytes of the weights of all segments, one that several share counted once.
fn unique_weight_bytes(model: &Model, graphs: &[&Graph]) -> Result<u64> {
    let mut seen = std::collections::HashSet::new();
    let mut all = graphs[0].clone();
    all.weights =
        graphs.iter().flat_map(|graph| &graph.weights).filter(|w| seen.insert(w.name.clone())).cloned().collect();
    model.weight_bytes(&all)
}

fn only(mut tensors: Vec<Vec<f32>>) -> Result<Vec<f32>> {
    match (tensors.pop(), tensors.is_empty()) {
        (Some(values), true) => Ok(values),
        _ => Err(error!(Internal, "expected one output")),
    }
}
