//! IS-Net itself, on photographs: against ONNX Runtime's masks, and its named splits against no split.
//!
//! Needs `models/isnet.safetensors` (`headwater pull isnet`) or the file that `HEADWATER_MODEL` names.
//! A software adapter must stay quick, so the splits run at 256 on one photograph. With `HEADWATER_FULL=1`
//! everything runs at 512 and 1024 on all of them.

mod adapter;
mod soundness;

use headwater::codec::Codec;
use headwater::gpu::{Gpu, Program};
use headwater::image::Picture;
use headwater::kernels::Precision;
use headwater::model::{ByteSource, Manifest, Model};
use headwater::server::{InProcess, RtenExecutor, ServerConfig, ServerState};
use headwater::session::{Options, Report, Session};
use headwater::split::Placement;
use headwater::tensor::Tensor;
use headwater::wire::client::RemoteBody;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A person, an animal, an object, thin structures.
const PHOTOS: [&str; 4] = ["astronaut", "chelsea", "coffee", "rocket"];

/// Mean absolute error of alpha, and intersection over union at alpha 0.5, against ONNX Runtime in f32: of f32 and of
/// f16, which rounds every activation and every transformed tile to 11 bits.
const LIMITS: [(Precision, f64, f64); 2] = [(Precision::F32, 1e-3, 0.999), (Precision::F16, 3e-3, 0.995)];
/// Greatest difference of alpha between a split with f32 crossing and no split.
const MOST_APART: f64 = 1e-4;
/// Intersection over union between a split with int8 crossing and no split.
const LEAST_INT8_IOU: f64 = 0.995;
/// Of U3's weights in the model file.
const MOST_U3_BYTES: u64 = 7_000_000;
/// On the device for U3's head and tail at 1024 by 1024, weights and uploads on their way included.
const MOST_U3_GPU_BYTES: u64 = 256_000_000;
/// Of everything that is read from the file for U3: header, weights, gaps between them.
const MOST_U3_READ: u64 = 7_500_000;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn full() -> bool {
    let full = std::env::var("HEADWATER_FULL").is_ok_and(|value| value == "1");
    if !full {
        eprintln!("NOT IN FULL: IS-Net runs at small sizes; HEADWATER_FULL=1 adds 1024 and every photograph");
    }
    full
}

fn model_file(what: &str) -> Option<PathBuf> {
    let path = std::env::var_os("HEADWATER_MODEL").map_or_else(|| here("models/isnet.safetensors"), PathBuf::from);
    if !path.exists() {
        let why = format!("{} is not there; `headwater pull isnet` fetches it", path.display());
        adapter::skip(what, &why, "HEADWATER_REQUIRE_MODEL");
        return None;
    }
    Some(path)
}

fn manifest(path: &Path) -> Manifest {
    pollster::block_on(Model::open(&File::open(path).unwrap())).unwrap().manifest
}

fn picture(path: &str) -> Picture {
    Picture::decode(&std::fs::read(here(path)).unwrap()).unwrap()
}

/// The net's input for a photograph, from the very pixels that ONNX Runtime was given: decoders of JPEG
/// differ by a few levels, which moves a mask by more than the arithmetic may (see `make_masks.py`).
fn input(photo: &str, size: usize, manifest: &Manifest) -> Tensor {
    picture(&format!("tests/golden/pixels/{photo}.webp")).to_input([size; 2], &manifest.preprocess).unwrap()
}

/// ONNX Runtime's alpha at the net's size, stored in 12 bits.
fn golden(photo: &str, size: usize) -> Vec<f32> {
    let path = here(&format!("tests/golden/masks/{photo}-{size}.png"));
    let grey = image::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())).into_luma16();
    assert_eq!(grey.dimensions(), (size as u32, size as u32));
    grey.into_raw().into_iter().map(|level| f32::from(level) / 4095.0).collect()
}

/// How two masks differ.
#[derive(Debug, Clone, Copy)]
struct Difference {
    mean: f64,
    most: f64,
    iou: f64,
}

impl Difference {
    fn of(a: &[f32], b: &[f32]) -> Self {
        assert_eq!(a.len(), b.len());
        let (mut sum, mut most, mut both, mut either) = (0.0, 0f64, 0u32, 0u32);
        for (&a, &b) in a.iter().zip(b) {
            let apart = f64::from((a - b).abs());
            // A NaN is worse than any difference.
            most = most.max(if apart.is_nan() { f64::INFINITY } else { apart });
            sum += apart;
            both += u32::from(a > 0.5 && b > 0.5);
            either += u32::from(a > 0.5 || b > 0.5);
        }
        assert!(either as usize > a.len() / 100, "a mask of nothing agrees with anything");
        Self { mean: sum / a.len() as f64, most, iou: f64::from(both) / f64::from(either) }
    }
}

/// A file that counts what is read from it.
struct Counted {
    file: File,
    read_bytes: AtomicU64,
}

impl ByteSource for Counted {
    fn len(&self) -> u64 {
        ByteSource::len(&self.file)
    }

    async fn read(&self, range: Range<u64>) -> headwater::Result<Vec<u8>> {
        self.read_bytes.fetch_add(range.end - range.start, Ordering::Relaxed);
        self.file.read(range).await
    }
}

/// A GPU here, a server there, one model on both.
struct Bench {
    path: PathBuf,
    manifest: Manifest,
    gpu: Arc<Gpu>,
    server: Arc<ServerState>,
}

impl Bench {
    fn open(what: &str) -> Option<Self> {
        let path = model_file(what)?;
        let gpu = adapter::open(what)?;
        println!("adapter: {}", gpu.info().name);
        let server = ServerState::new(&path, Arc::new(RtenExecutor::new()), ServerConfig::default()).unwrap();
        Some(Self { manifest: manifest(&path), path, gpu, server })
    }

    /// A session, and the bytes that opening it read.
    fn session(&self, split: &str, size: usize, codec: Codec) -> (Session<InProcess>, u64) {
        self.session_in(Precision::F32, split, size, codec)
    }

    fn session_in(&self, precision: Precision, split: &str, size: usize, codec: Codec) -> (Session<InProcess>, u64) {
        let placement = Placement::parse(split, &self.manifest).unwrap();
        let remote = (placement != Placement::Local).then(|| {
            let server = InProcess::new(self.server.clone()).unwrap();
            RemoteBody::new(server, self.manifest.name.clone(), self.manifest.sha256.clone())
        });
        let source = Counted { file: File::open(&self.path).unwrap(), read_bytes: AtomicU64::new(0) };
        let options = Options { placement, size: [size; 2], codec, precision };
        let session = pollster::block_on(Session::open(&source, options, Some(self.gpu.clone()), remote)).unwrap();
        (session, source.read_bytes.into_inner())
    }
}

fn run(session: &Session<InProcess>, input: &Tensor, segments: usize) -> (Tensor, Report) {
    let (alpha, report) = pollster::block_on(session.run(input.clone())).unwrap();
    assert_eq!((report.gpu_submits, report.gpu_readbacks), (segments, segments), "submits, readbacks: {report:?}");
    (alpha, report)
}

/// What the masks' test leaves out: that our decoder sees in the JPEG files what libjpeg sees.
#[test]
fn photographs_are_decoded_as_libjpeg_does_but_for_rounding() {
    for photo in PHOTOS {
        let (ours, theirs) =
            (picture(&format!("tests/photos/{photo}.jpg")), picture(&format!("tests/golden/pixels/{photo}.webp")));
        assert_eq!((ours.width(), ours.height()), (theirs.width(), theirs.height()));
        let apart: Vec<u8> = ours.rgb().iter().zip(theirs.rgb()).map(|(a, b)| a.abs_diff(*b)).collect();
        let mean = apart.iter().map(|&levels| f64::from(levels)).sum::<f64>() / apart.len() as f64;
        let most = apart.iter().max();
        // Chroma is stored at half the size, and each decoder rounds on its own way back.
        assert!(mean <= 0.3 && most <= Some(&8), "{photo}: {mean:.3} levels on average, {most:?} at most");
    }
}

#[test]
fn masks_are_those_of_onnx_runtime() {
    let Some(bench) = Bench::open("IS-Net against ONNX Runtime") else { return };
    let sizes: &[usize] = if full() { &[512, 1024] } else { &[512] };
    let mut wrong = Vec::new();
    for (&size, (precision, most_error, least_iou)) in sizes.iter().flat_map(|size| LIMITS.map(|limits| (size, limits)))
    {
        let (session, _) = bench.session_in(precision, "local", size, Codec::F32);
        for photo in PHOTOS {
            let (alpha, report) = run(&session, &input(photo, size, &bench.manifest), 1);
            let in_half = precision == Precision::F16 && bench.gpu.info().f16;
            assert_eq!(report.adapter.unwrap().f16, in_half, "{:?}", report.fallback);
            let found = Difference::of(alpha.data(), &golden(photo, size));
            let line = format!(
                "{photo:10} {size:5} {}  MAE {:.2e}  max {:.2e}  IoU {:.6}  {:.0} ms, {} bytes",
                precision.name(),
                found.mean,
                found.most,
                found.iou,
                report.total_millis,
                report.gpu_peak_bytes
            );
            println!("{line}");
            if found.mean > most_error || found.iou < least_iou {
                wrong.push(line);
            }
        }
    }
    assert!(wrong.is_empty(), "expected {LIMITS:?}, found\n{}", wrong.join("\n"));
}

#[test]
fn named_splits_are_what_no_split_is() {
    let Some(bench) = Bench::open("IS-Net's named splits") else { return };
    let (sizes, photos): (&[usize], &[&str]) = if full() { (&[512, 1024], &PHOTOS) } else { (&[256], &PHOTOS[..1]) };
    for &size in sizes {
        let (local, _) = bench.session("local", size, Codec::F32);
        let photos: Vec<(&str, Tensor)> =
            photos.iter().map(|&photo| (photo, input(photo, size, &bench.manifest))).collect();
        let expected: Vec<Tensor> = photos.iter().map(|(_, input)| run(&local, input, 1).0).collect();
        drop(local);
        for split in &bench.manifest.splits {
            for codec in [Codec::F32, Codec::Int8] {
                let (session, read_bytes) = bench.session(&split.name, size, codec);
                for ((photo, input), expected) in photos.iter().zip(&expected) {
                    let (alpha, report) = run(&session, input, 2);
                    let found = Difference::of(alpha.data(), expected.data());
                    let place = format!("{photo} at {size}, {}, {codec}", split.name);
                    println!(
                        "{place}: max {:.2e}, IoU {:.6}, {} bytes up, {} down, {} of weights, {:.0} ms",
                        found.most,
                        found.iou,
                        report.up_bytes,
                        report.down_bytes,
                        report.client_weight_bytes,
                        report.total_millis
                    );
                    match codec {
                        Codec::F32 => assert!(found.most <= MOST_APART, "{place}: {found:?}"),
                        _ => assert!(found.iou >= LEAST_INT8_IOU, "{place}: {found:?}"),
                    }
                    assert!(read_bytes >= report.client_weight_bytes, "{place}: read {read_bytes} bytes");
                    if split.name == "U3" {
                        assert!(report.client_weight_bytes <= MOST_U3_BYTES, "{place}: {report:?}");
                        assert!(read_bytes <= MOST_U3_READ, "{place}: read {read_bytes} bytes of the file");
                    }
                }
            }
        }
    }
}

#[test]
fn the_named_splits_are_the_five_between_the_stages() {
    let Some(path) = model_file("IS-Net's named splits") else { return };
    let manifest = manifest(&path);
    let graph = &manifest.graph;
    assert_eq!((graph.weight_values(), graph.macs()), (44_004_737, 159_601_655_808));
    let expected: [(&str, [usize; 4]); 5] = [
        ("U1", [1, 64, 256, 256]),
        ("U2", [1, 128, 128, 128]),
        ("U3", [1, 256, 64, 64]),
        ("U4", [1, 512, 32, 32]),
        ("U5", [1, 512, 16, 16]),
    ];
    assert_eq!(manifest.splits.len(), expected.len());
    for (split, (name, shape)) in manifest.splits.iter().zip(expected) {
        let cut = graph.named_cut(split).unwrap();
        let shapes = [&cut.up, &cut.down].map(|ids| ids.iter().map(|&id| &graph.tensors[id].shape[..]).collect());
        assert_eq!((split.name.as_str(), shapes), (name, [vec![shape.as_slice()], vec![shape.as_slice()]]));
    }
    // What the client computes, in percent, as far as two digits tell.
    let shares: Vec<u64> = manifest
        .splits
        .iter()
        .map(|split| {
            let cost = graph.cut_cost(&graph.named_cut(split).unwrap()).unwrap();
            assert_eq!(cost.client_macs + cost.server_macs, graph.macs());
            (100.0 * cost.client_macs as f64 / graph.macs() as f64).round() as u64
        })
        .collect();
    assert_eq!(shares, [34, 51, 67, 84, 98]);
}

#[test]
fn plans_of_local_and_of_the_named_splits_are_sound_and_narrow() {
    let Some(path) = model_file("IS-Net's plans") else { return };
    let manifest = manifest(&path);
    let ways = soundness::ways().into_iter().flat_map(|way| [1024, 512].map(|size| (size, way)));
    for (size, way) in ways {
        let graph = manifest.graph.with_input_size(size, size).unwrap();
        let mut plans = vec![("local", soundness::local(&graph, &way))];
        for split in &manifest.splits {
            plans.push((&split.name, soundness::divided(&graph, &manifest.graph.named_cut(split).unwrap(), &way)));
        }
        for (name, plan) in plans {
            let name = format!("{name} at {size}, {way:?}");
            let (peak, widest) = (plan.activation_bytes() as f64, plan.widest_bytes as f64);
            println!(
                "{name}: {} dispatches, {} phases, activations {:.1} MB, {:.3} times the widest moment, weights {:.1} MB",
                plan.dispatch_count(),
                plan.phases.len(),
                peak / 1e6,
                peak / widest,
                plan.weight_bytes() as f64 / 1e6
            );
            soundness::check(&name, &plan);
            soundness::check_peak(&name, &plan);
            assert!(plan.phases.iter().all(|phase| phase.readbacks.len() == 1), "{name}: more crosses than has to");
        }
    }
}

/// The device's memory by its allocator's own count: once everything is there, and after a run of the head.
#[test]
fn u3_at_1024_takes_at_most_256_megabytes_of_the_device() {
    let Some(path) = model_file("U3's memory") else { return };
    let Some(gpu) = adapter::open("U3's memory") else { return };
    let file = File::open(&path).unwrap();
    let model = pollster::block_on(Model::open(&file)).unwrap();
    let graph = model.manifest.graph.with_input_size(1024, 1024).unwrap();
    let Placement::Cut { cut, .. } = Placement::parse("U3", &model.manifest).unwrap() else { panic!("U3 is a cut") };
    let division = graph.divide(&cut).unwrap();
    let tail = division.tail.unwrap();
    let weights = pollster::block_on(model.load(&file, &[&division.head, &tail])).unwrap();
    let plan = soundness::divided(&graph, &cut, &(gpu.tuning(), Precision::F32));
    let before = gpu.allocator_bytes();
    let program = pollster::block_on(Program::new(gpu.clone(), plan, &weights)).unwrap();
    let own = program.allocated_bytes();
    assert!(own <= MOST_U3_GPU_BYTES, "{own} bytes");
    let Some(before) = before else {
        eprintln!("SKIPPED: this adapter's allocator does not count");
        return;
    };
    let count = || gpu.allocator_bytes().unwrap() - before;
    let ready = count();
    pollster::block_on(program.run(0, &[input("coffee", 1024, &model.manifest).data()])).unwrap();
    let run = count();
    eprintln!("U3 at 1024: {own} bytes asked for, {ready} by the allocator when ready, {run} after a run");
    assert!(ready.max(run) <= MOST_U3_GPU_BYTES, "{ready} bytes when ready, {run} after a run");
    assert!(run >= own, "the allocator counts {run} bytes, less than the {own} asked for");
}
