//! Pictures that are on their way at the same time.

mod adapter;
mod mini;

use headwater::ErrorKind;
use headwater::codec::Codec;
use headwater::graph::cuts::u_cuts;
use headwater::kernels::Precision;
use headwater::server::{InProcess, RtenExecutor, ServerConfig, ServerState};
use headwater::session::{Options, Session};
use headwater::split::Placement;
use headwater::tensor::Tensor;
use headwater::wire::client::RemoteBody;
use mini::Lcg;
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const PICTURES: usize = 24;
const THREADS: usize = 3;

fn options(placement: Placement) -> Options {
    Options { placement, size: [32, 32], codec: Codec::F32, precision: Precision::F32 }
}

fn inputs() -> Vec<Tensor> {
    (0..PICTURES as u64).map(|seed| Lcg(seed).tensor(&[1, 3, 32, 32])).collect()
}

#[test]
fn a_local_session_gives_each_of_several_threads_its_own_masks() {
    let Some(gpu) = adapter::open("overlapping runs") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("net.safetensors");
    let (graph, weights) = mini::unet();
    mini::write_net(&file, &graph, &weights, Vec::new());
    let source = File::open(&file).unwrap();
    let opened = Session::<InProcess>::open(&source, options(Placement::Local), Some(gpu.clone()), None);
    let session = pollster::block_on(opened).unwrap();
    let inputs = inputs();
    let mask = |input: &Tensor| pollster::block_on(session.run(input.clone())).unwrap().0;
    let expected: Vec<Tensor> = inputs.iter().map(mask).collect();
    assert!(expected.windows(2).all(|pair| pair[0] != pair[1]), "a mask that is the same for all pictures");
    let before = gpu.allocated_bytes();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (inputs, expected, mask) = (&inputs, &expected, &mask);
            scope.spawn(move || {
                for picture in (thread..PICTURES).step_by(THREADS) {
                    assert_eq!(mask(&inputs[picture]), expected[picture], "picture {picture}");
                }
            });
        }
    });
    // At most a readback for each thread besides the first one's.
    let mask_bytes = 4 * 32 * 32;
    let grown = gpu.allocated_bytes() - before;
    assert!(grown <= (THREADS as u64 - 1) * mask_bytes, "{grown} bytes more");
    drop(session);
    assert_eq!(gpu.allocated_bytes(), 0);
}

#[test]
fn a_divided_session_refuses_a_second_picture_and_finishes_the_first() {
    let Some(gpu) = adapter::open("a busy session") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("net.safetensors");
    let (graph, weights) = mini::unet();
    mini::write_net(&file, &graph, &weights, Vec::new());
    let cut = u_cuts(&graph).into_iter().find(|cut| cut.down != graph.outputs).expect("a cut with a tail");
    let server = ServerState::new(&file, Arc::new(RtenExecutor::default()), ServerConfig::default()).unwrap();
    let sha256 = server.manifest().sha256.clone();
    let remote = RemoteBody::new(InProcess::new(server).unwrap(), "mini", sha256);
    let source = File::open(&file).unwrap();
    let placement = Placement::Cut { name: "cut".to_owned(), cut };
    let session =
        pollster::block_on(Session::open(&source, options(placement), Some(gpu.clone()), Some(remote))).unwrap();
    let inputs = inputs();
    let expected: Vec<Tensor> =
        inputs.iter().map(|input| pollster::block_on(session.run(input.clone())).unwrap().0).collect();
    let (made, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for (input, expected) in inputs.iter().zip(&expected) {
                    match pollster::block_on(session.run(input.clone())) {
                        Ok((mask, _)) => {
                            assert_eq!(mask, *expected);
                            made.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(e) => {
                            assert_eq!(e.kind(), ErrorKind::BadArgument, "{e}");
                            refused.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    let (made, refused) = (made.into_inner(), refused.into_inner());
    assert_eq!(made + refused, THREADS * PICTURES);
    assert!(made > 0 && refused > 0, "{made} made, {refused} refused");
}
