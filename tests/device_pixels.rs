//! Pictures that are resized on the GPU and masks that are brought to size there, as browsers have it: the
//! same numbers as on the CPU.

mod adapter;
mod mini;

use headwater::ErrorKind;
use headwater::codec::Codec;
use headwater::gpu::{Gpu, Program};
use headwater::graph::cuts::{Cut, plain_cuts, u_cuts};
use headwater::image::{Mask, Picture};
use headwater::kernels::Precision;
use headwater::model::{Model, Postprocess, Preprocess};
use headwater::plan::{Edge, lower_between};
use headwater::server::{InProcess, RtenExecutor, ServerConfig, ServerState};
use headwater::session::{Options, Session, Setup};
use headwater::split::Placement;
use headwater::tensor::Tensor;
use headwater::wire::client::RemoteBody;
use mini::{Builder, Lcg, conv3};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Levels of 255 that two masks may differ by: sums in another order can round another way.
const MOST_LEVELS: u8 = 1;

const PREPROCESS: Preprocess =
    Preprocess { size: [0, 0], mean: [123.675, 116.28, 103.53], scale: [58.395, 57.12, 57.375] };

fn noise_picture(width: usize, height: usize, seed: u64) -> Picture {
    let mut random = Lcg(seed);
    let rgb = (0..3 * width * height).map(|_| ((random.value() + 1.0) * 127.6) as u8).collect();
    Picture::new(width, height, rgb, None).unwrap()
}

/// A program whose first phase gives back its input, and whose mask is that input through a convolution.
fn program(gpu: &Arc<Gpu>, [width, height]: [usize; 2], before: Edge, behind: Edge) -> Program {
    let mut net = Builder::new("picture", &[1, 3, height, width]);
    net.op("mask", conv3(), &["picture"], &[&[1, 3, 3, 3], &[1]]);
    let (graph, weights) = net.finish(&["mask"]);
    let plan =
        lower_between(before, &[(&graph, &["picture"]), (&graph, &["mask"])], behind, &gpu.tuning(), Precision::F32)
            .unwrap();
    pollster::block_on(Program::new(gpu.clone(), plan, &weights)).unwrap()
}

#[test]
fn a_picture_resized_on_the_device_is_the_hosts_to_the_bit() {
    let Some(gpu) = adapter::open("resizing pictures on the device") else { return };
    let sizes = [
        ([61, 20], [32, 32]),
        ([1, 1], [16, 24]),
        ([700, 403], [64, 48]),
        ([33, 65], [257, 129]),
        ([64, 64], [64, 64]),
    ];
    for (seed, (from, to)) in (1..).zip(sizes) {
        let opaque = noise_picture(from[0], from[1], seed);
        // Every alpha with every level, and hidden colour under pixels that are not seen.
        let alpha = noise_picture(from[0], from[1], seed + 100).rgb().iter().step_by(3).copied().collect();
        let clear = Picture::new(from[0], from[1], opaque.rgb().to_vec(), Some(alpha)).unwrap();
        let program = program(&gpu, to, Edge::Device, Edge::Host);
        let intake = pollster::block_on(program.intake(from, &PREPROCESS)).unwrap();
        for picture in [opaque, clear] {
            program.poison();
            intake.write(&gpu, &picture).unwrap();
            let made = pollster::block_on(program.run_between(Some(&intake), 0, &[], None)).unwrap();
            let expected = picture.to_input(to, &PREPROCESS).unwrap();
            let wrong = made.planes[0].iter().zip(expected.data()).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
            assert_eq!((made.planes[0].len(), wrong), (expected.data().len(), 0), "{from:?} to {to:?}");
        }
    }
}

#[test]
fn pictures_that_the_device_cannot_take_are_refused() {
    let Some(gpu) = adapter::open("refusing pictures") else { return };
    let program = program(&gpu, [16, 16], Edge::Device, Edge::Host);
    for size in [[0, 5], [5, gpu.max_picture_side() + 1]] {
        let refused = pollster::block_on(program.intake(size, &PREPROCESS)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::BadImage, "{refused}");
    }
    let intake = pollster::block_on(program.intake([4, 5], &PREPROCESS)).unwrap();
    assert_eq!(intake.write(&gpu, &noise_picture(5, 4, 1)).unwrap_err().kind(), ErrorKind::BadShape);
}

/// The program's mask at `to`, and the CPU's from the same output.
fn masks(gpu: &Arc<Gpu>, from: [usize; 2], to: [usize; 2], postprocess: Postprocess, input: &[f32]) -> [Vec<u8>; 2] {
    let on_device = program(gpu, from, Edge::Host, Edge::Device);
    let outlet = pollster::block_on(on_device.outlet(to, postprocess)).unwrap();
    pollster::block_on(on_device.run(0, &[input])).unwrap();
    let made = pollster::block_on(on_device.run_between(None, 1, &[], Some(&outlet))).unwrap();
    let host = program(gpu, from, Edge::Host, Edge::Host);
    pollster::block_on(host.run(0, &[input])).unwrap();
    let output = pollster::block_on(host.run(1, &[])).unwrap().remove(0);
    let output = Tensor::new(vec![1, 1, from[1], from[0]], output).unwrap();
    let mask = Mask::from_output(&output, postprocess).unwrap().resized(to[0], to[1]).unwrap();
    [made.alpha.unwrap().to_vec(), mask.to_bytes()]
}

#[test]
fn a_mask_resized_on_the_device_is_the_hosts_but_for_rounding() {
    let Some(gpu) = adapter::open("resizing masks on the device") else { return };
    let sizes =
        [([32, 32], [61, 23]), ([16, 8], [1, 1]), ([64, 48], [640, 481]), ([65, 33], [20, 7]), ([32, 32], [32, 32])];
    for (seed, (from, to)) in (1..).zip(sizes) {
        let input = Lcg(seed).tensor(&[1, 3, from[1], from[0]]);
        // Large enough for the net to tell its inputs apart, whatever its bias.
        for (postprocess, scale) in [(Postprocess::Alpha, 8.0), (Postprocess::Logit, 8.0)] {
            let input: Vec<f32> = input.data().iter().map(|value| value * scale).collect();
            let [device, host] = masks(&gpu, from, to, postprocess, &input);
            assert_eq!(device.len(), host.len());
            let worst = device.iter().zip(&host).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            assert!(worst <= MOST_LEVELS, "{from:?} to {to:?}, {postprocess:?}: {worst} levels apart");
            // A constant mask would agree whatever was done to it.
            let spread = host.iter().max().unwrap() - host.iter().min().unwrap();
            assert!(spread > 20 || to == [1, 1], "{from:?} to {to:?}: a flat mask");
        }
    }
}

#[test]
fn a_mask_of_no_numbers_is_an_error() {
    let Some(gpu) = adapter::open("masks of no numbers") else { return };
    let program = program(&gpu, [16, 16], Edge::Host, Edge::Device);
    let outlet = pollster::block_on(program.outlet([40, 30], Postprocess::Alpha)).unwrap();
    let run = |value: f32| {
        pollster::block_on(program.run(0, &[&[value; 3 * 256]])).unwrap();
        pollster::block_on(program.run_between(None, 1, &[], Some(&outlet))).map(|made| made.alpha.unwrap().to_vec())
    };
    assert_eq!(run(f32::NAN).unwrap_err().kind(), ErrorKind::Device);
    // The next run starts afresh.
    assert_eq!(run(0.25).unwrap().len(), 40 * 30);
}

/// A mini net in a file, with a server for it.
struct Bench<'a> {
    file: &'a Path,
    gpu: Arc<Gpu>,
    server: Arc<ServerState>,
}

impl Bench<'_> {
    fn session(&self, placement: Placement, pixels: Edge) -> Session<InProcess> {
        let source = File::open(self.file).unwrap();
        let model = pollster::block_on(Model::open(&source)).unwrap();
        let sha256 = model.manifest.sha256.clone();
        let remote = RemoteBody::new(InProcess::new(self.server.clone()).unwrap(), "mini", sha256);
        let options = Options { placement, size: [32, 32], codec: Codec::F32, precision: Precision::F32 };
        let mut told = Vec::new();
        let mut tell = |done: usize, total: usize| {
            told.push((done, total));
            Ok(())
        };
        let setup = Setup { pixels, tell: &mut tell };
        let session = Session::with_model(model, &source, options, Some(self.gpu.clone()), Some(remote), setup);
        let session = pollster::block_on(session).unwrap();
        assert!(told.is_sorted() && told.last().is_none_or(|(done, total)| done == total), "{told:?}");
        session
    }
}

#[test]
fn every_split_gives_the_same_mask_with_the_pixels_on_the_device() {
    let Some(gpu) = adapter::open("splits with the pixels on the device") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mini.safetensors");
    mini::write_unet(&file);
    let server = ServerState::new(&file, Arc::new(RtenExecutor::default()), ServerConfig::default()).unwrap();
    let bench = Bench { file: &file, gpu: gpu.clone(), server };
    let graph = mini::unet().0;
    let cut = |cut: Cut| Placement::Cut { name: "cut".to_owned(), cut };
    let cuts = u_cuts(&graph).into_iter().chain(plain_cuts(&graph)).map(cut);
    let before = gpu.allocated_bytes();
    for (placement, size) in std::iter::once(Placement::Local).chain(cuts).zip([[48, 37], [90, 31]].into_iter().cycle())
    {
        let picture = noise_picture(size[0], size[1], 5);
        let (expected, _) = pollster::block_on(bench.session(placement.clone(), Edge::Host).segment(&picture)).unwrap();
        let session = bench.session(placement.clone(), Edge::Device);
        // Twice: the second picture finds what the first one left.
        for run in 0..2 {
            let made = session.segment_on_device(size, |gpu, intake| intake.write(gpu, &picture), size);
            let made = pollster::block_on(made).unwrap();
            let Placement::Cut { cut, .. } = &placement else {
                assert_eq!((made.report.gpu_submits, made.report.gpu_readbacks), (1, 1));
                continue;
            };
            let place = format!("{:?}, run {run}", cut);
            let crossed = [made.crossing.up.len(), made.crossing.down.len()];
            assert_eq!(crossed, [cut.up.len(), cut.down.len()], "{place}");
            assert_eq!(made.report.gpu_submits, made.report.gpu_readbacks, "{place}");
            let alpha = made.alpha.into_vec();
            let expected = expected.to_bytes();
            let worst = alpha.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            assert!(alpha.len() == expected.len() && worst <= MOST_LEVELS, "{place}: {worst} levels apart");
        }
        assert!(gpu.allocated_bytes() > before);
        drop(session);
        assert_eq!(gpu.allocated_bytes(), before, "memory of {placement:?} was not given back");
    }
}

#[test]
fn a_device_has_a_rate() {
    let Some(gpu) = adapter::open("measuring the device") else { return };
    let gflops = pollster::block_on(gpu.measure()).unwrap();
    assert!(gflops.is_finite() && gflops > 0.1, "{gflops}");
}
