//! The same with the real model: the requests that were found to take gigabytes.

use super::net::pixel;
use super::{REQUEST_BYTES, Served, adapter};
use headwater::codec::Codec;
use headwater::model::Model;
use headwater::wire::{Encoded, InferRequest, Input, RequestParameters, Upload, WantedOutput};
use std::path::PathBuf;

#[test]
fn the_largest_tensors_of_the_real_net_are_refused_or_bounded() {
    let path = std::env::var_os("HEADWATER_MODEL").map_or_else(|| "models/isnet.safetensors".into(), PathBuf::from);
    if !path.exists() {
        let why = format!("{} is not there; `headwater pull isnet` fetches it", path.display());
        return adapter::skip("the bombs with the real model", &why, "HEADWATER_REQUIRE_MODEL");
    }
    let graph = pollster::block_on(Model::open(&std::fs::File::open(&path).unwrap())).unwrap().manifest.graph;
    let mut tensors: Vec<_> = graph.nodes.iter().map(|node| &graph.tensors[node.output]).collect();
    tensors.sort_by_key(|tensor| std::cmp::Reverse(tensor.shape.iter().product::<usize>()));
    let largest: Vec<&str> = tensors.iter().take(63).map(|tensor| tensor.name.as_str()).collect();
    let served = Served::start(&path, "isnet", &[]);
    let picture = pixel();
    let at = |side: usize, count: usize, binary| -> Encoded {
        let wanted = |name: &&str| WantedOutput { name: (*name).to_owned(), codec: Codec::F32, binary };
        let upload = Upload { content_type: "image/png".to_owned(), bytes: picture.as_slice().into() };
        let request = InferRequest {
            parameters: RequestParameters { size: Some([side, side]), ..RequestParameters::default() },
            input: Input::Picture(upload),
            outputs: largest[..count].iter().map(wanted).collect(),
        };
        request.encode().unwrap()
    };
    for (count, binary) in [(63, true), (8, true), (63, false), (4, false), (1, false)] {
        let (status, said) = served.post(&at(1024, count, binary));
        assert_eq!(status, 413, "{count} outputs, binary: {binary}: {said:.500}");
        served.assert_well("a bomb at 1024");
    }
    served.post(&at(256, 1, true));
    let (usual, _) = served.peak(|| served.post(&at(256, 1, true)));
    for (count, binary) in [(63, true), (8, true), (3, false)] {
        let (peak, (status, said)) = served.peak(|| served.post(&at(256, count, binary)));
        assert_eq!(status, 200, "{said:.500}");
        let more = peak.saturating_sub(usual);
        eprintln!("{count} outputs at 256, binary: {binary}: {} MB more than one", more / 1_000_000);
        assert!(more <= REQUEST_BYTES, "{count} outputs, binary: {binary}: {more} bytes");
        served.assert_well("outputs at 256");
    }
}
