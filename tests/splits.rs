//! Every legal split of small nets gives what the unsplit net gives: head and tail on the GPU, the body on
//! the server's executor, everything between them through the wire.

mod adapter;
mod mini;
mod soundness;

use headwater::ErrorKind;
use headwater::codec::Codec;
use headwater::gpu::Gpu;
use headwater::graph::cuts::{Cut, named_splits, plain_cuts, u_cuts};
use headwater::graph::{Graph, TensorId};
use headwater::kernels::Precision;
use headwater::model::Weights;
use headwater::plan::Edge;
use headwater::reference;
use headwater::server::{InProcess, RtenExecutor, ServerConfig, ServerState};
use headwater::session::{Options, Report, Session};
use headwater::split::Placement;
use headwater::tensor::Tensor;
use headwater::wire::client::RemoteBody;
use mini::Lcg;
use mini::nets::Form;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// The greatest difference between a split and the unsplit net.
const TOLERANCE: f32 = 1e-4;

/// Random forms beside the three that are named.
const RANDOM_FORMS: u64 = 8;

fn nets() -> Vec<(String, Graph, Weights)> {
    let (graph, weights) = mini::unet();
    let mut nets = vec![("U-net".to_owned(), graph, weights)];
    let forms = [Form::RESIDUAL, Form::CHAIN].into_iter().chain((0..RANDOM_FORMS).map(Form::random));
    for form in forms {
        let (graph, weights) = form.build();
        nets.push((format!("{form:?}"), graph, weights));
    }
    nets
}

fn legal_cuts(graph: &Graph) -> impl Iterator<Item = Cut> {
    u_cuts(graph).into_iter().chain(plain_cuts(graph))
}

fn described(name: &str, graph: &Graph, cut: &Cut) -> String {
    let names = |ids: &[TensorId]| ids.iter().map(|&id| graph.tensors[id].name.as_str()).collect::<Vec<_>>().join("+");
    format!("{name}, {} -> {}", names(&cut.up), names(&cut.down))
}

/// One net in a file, with a GPU here and a server there.
struct Bench<'a> {
    file: &'a Path,
    gpu: Arc<Gpu>,
    server: Arc<ServerState>,
}

impl Bench<'_> {
    fn run(&self, placement: Placement, input: &Tensor) -> (Tensor, Report) {
        let remote = match placement {
            Placement::Local => None,
            _ => {
                let sha256 = self.server.manifest().sha256.clone();
                Some(RemoteBody::new(InProcess::new(self.server.clone()).unwrap(), "mini", sha256))
            }
        };
        let options = Options { placement, size: [32, 32], codec: Codec::F32, precision: Precision::F32 };
        let source = File::open(self.file).unwrap();
        let session = pollster::block_on(Session::open(&source, options, Some(self.gpu.clone()), remote)).unwrap();
        pollster::block_on(session.run(input.clone())).unwrap()
    }
}

fn difference(a: &Tensor, b: &Tensor) -> f32 {
    assert_eq!(a.shape(), b.shape());
    // A NaN is worse than any difference.
    let apart = |(a, b): (&f32, &f32)| if (a - b).is_nan() { f32::INFINITY } else { (a - b).abs() };
    a.data().iter().zip(b.data()).map(apart).fold(0.0, f32::max)
}

#[test]
fn every_legal_split_gives_what_the_unsplit_net_gives() {
    let Some(gpu) = adapter::open("splits of small nets") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (mut count, mut worst) = (0, 0f32);
    for (name, graph, weights) in nets() {
        let file = folder.path().join("net.safetensors");
        mini::write_net(&file, &graph, &weights, Vec::new());
        let server = ServerState::new(&file, Arc::new(RtenExecutor::default()), ServerConfig::default()).unwrap();
        let bench = Bench { file: &file, gpu: gpu.clone(), server };
        let input = Lcg(7).tensor(&[1, 3, 32, 32]);
        let (local, report) = bench.run(Placement::Local, &input);
        assert_eq!((report.client_macs, report.server_macs, report.up_bytes), (graph.macs(), 0, 0), "{name}");
        let expected = reference::run(&graph, &weights, std::slice::from_ref(&input)).unwrap();
        assert!(difference(&local, &expected[0]) <= TOLERANCE, "{name}: local is not what the reference gives");
        // A mask of one value would hide whatever a split did to it.
        let (least, most) = local.data().iter().fold((1f32, 0f32), |(a, b), &x| (a.min(x), b.max(x)));
        assert!(most - least > 0.1, "{name}: the mask runs from {least} to {most} only");
        for cut in legal_cuts(&graph) {
            let place = described(&name, &graph, &cut);
            let (split, report) = bench.run(Placement::Cut { name: "cut".to_owned(), cut: cut.clone() }, &input);
            let apart = difference(&split, &local);
            assert!(apart <= TOLERANCE, "{place}: {apart} from local");
            let values = graph.cut_cost(&cut).unwrap();
            assert!(report.up_bytes as u64 >= 4 * values.up_values, "{place}: {} bytes up", report.up_bytes);
            assert!(report.down_bytes as u64 >= 4 * values.down_values, "{place}: {} bytes down", report.down_bytes);
            count += 1;
            worst = worst.max(apart);
        }
    }
    assert!(count > 300, "{count} splits are too few to speak of every");
    println!("{count} splits, at most {worst:.1e} from local");
}

#[test]
fn a_division_covers_every_node_and_every_multiply_add_once() {
    for (name, graph, _) in nets() {
        for cut in legal_cuts(&graph) {
            let place = described(&name, &graph, &cut);
            let cost = graph.cut_cost(&cut).unwrap();
            assert_eq!(cost.client_macs + cost.server_macs, graph.macs(), "{place}");
            let division = graph.divide(&cut).unwrap();
            let tail = division.tail.as_ref();
            let mut names: Vec<&str> = [Some(&division.head), Some(&division.body), tail]
                .into_iter()
                .flatten()
                .flat_map(|part| part.nodes.iter().map(|node| node.name.as_str()))
                .collect();
            let mut all: Vec<&str> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
            names.sort_unstable();
            all.sort_unstable();
            assert_eq!(names, all, "{place}");
            assert_eq!(division.body.macs(), cost.server_macs, "{place}");
            assert_eq!(division.head.macs() + tail.map_or(0, Graph::macs), cost.client_macs, "{place}");
        }
    }
}

/// The body of a cut by the words of its definition: the nodes from which `down` is made, given `up`.
/// `None` where it would need the picture, or where anything else of the net needs what lies inside.
fn body_by_definition(graph: &Graph, up: TensorId, down: TensorId) -> Option<BTreeSet<usize>> {
    let maker = |id: TensorId| graph.nodes.iter().position(|node| node.output == id);
    let mut body = BTreeSet::new();
    let mut wanted = vec![down];
    while let Some(id) = wanted.pop().filter(|_| up != down) {
        if id != up && body.insert(maker(id)?) {
            wanted.extend(&graph.nodes[maker(id)?].inputs);
        }
    }
    let inside = |id: TensorId| id != down && maker(id).is_some_and(|index| body.contains(&index));
    let leaks = (0..graph.nodes.len())
        .filter(|index| !body.contains(index))
        .any(|index| graph.nodes[index].inputs.iter().any(|&id| inside(id)));
    (!body.is_empty() && !leaks && !graph.outputs.iter().any(|&id| inside(id))).then_some(body)
}

#[test]
fn a_cut_by_two_tensors_is_legal_exactly_where_the_definition_says() {
    let (mut legal, mut refused) = (0, 0);
    for (name, graph, _) in nets() {
        let enumerated = u_cuts(&graph);
        for up in 0..graph.tensors.len() {
            for down in 0..graph.tensors.len() {
                let cut = Cut { up: vec![up], down: vec![down] };
                let place = described(&name, &graph, &cut);
                let body = body_by_definition(&graph, up, down);
                match (graph.divide(&cut), &body) {
                    (Ok(_), Some(_)) => legal += 1,
                    (Err(e), None) => {
                        assert_eq!(e.kind(), ErrorKind::UnknownSplit, "{place}: {e}");
                        refused += 1;
                    }
                    (made, _) => panic!("{place}: legal by definition {}, found {made:?}", body.is_some()),
                }
                let works = body.iter().flatten().any(|&index| graph.node_macs(&graph.nodes[index]) > 0);
                let inner = !graph.inputs.contains(&up) && !graph.outputs.contains(&down);
                assert_eq!(enumerated.contains(&cut), works && inner, "{place}: enumerated");
            }
        }
    }
    assert!(legal > 300 && refused > 3000, "{legal} legal, {refused} refused");
}

#[test]
fn cuts_that_name_nothing_are_refused() {
    let (graph, _) = mini::unet();
    let id = |name: &str| graph.tensor(name).unwrap();
    let refused = |up: &[&str], down: &[&str]| {
        let ids = |names: &[&str]| names.iter().map(|name| id(name)).collect();
        let error = graph.divide(&Cut { up: ids(up), down: ids(down) }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownSplit, "{error}");
        error.message().to_owned()
    };
    refused(&[], &["mask"]);
    refused(&["up"], &[]);
    refused(&["up", "down"], &["down"]);
    // The tail reads `middle` as well, which the server would keep to itself.
    assert!(refused(&["up"], &["bottom"]).contains("middle"));
    // The server would need the skip.
    assert!(refused(&["up"], &["mask"]).contains("picture"));
    assert_eq!(graph.tensor("nowhere").unwrap_err().kind(), ErrorKind::UnknownSplit);
}

#[test]
fn named_splits_are_legal_nested_and_of_one_shape_each_way() {
    let mut seen = 0;
    for (name, graph, _) in nets() {
        let mut outer: Option<BTreeSet<usize>> = None;
        for (number, split) in (1..).zip(named_splits(&graph)) {
            let place = format!("{name}, {split:?}");
            assert_eq!(split.name, format!("U{number}"));
            let cut = graph.named_cut(&split).unwrap();
            let (up, down) = (cut.up[0], cut.down[0]);
            assert_eq!((cut.up.len(), cut.down.len()), (1, 1), "{place}");
            assert_eq!(graph.tensors[up].shape, graph.tensors[down].shape, "{place}");
            let body = body_by_definition(&graph, up, down).unwrap_or_else(|| panic!("{place}: not legal"));
            if let Some(outer) = outer.replace(body.clone()) {
                assert!(body.is_subset(&outer) && body != outer, "{place}: not inside the one before");
            }
            seen += 1;
        }
    }
    assert!(seen >= 8, "only {seen} named splits in all nets");
}

#[test]
fn plans_of_every_split_are_sound() {
    for (name, graph, _) in nets() {
        for way in soundness::ways() {
            let mut plans = vec![(format!("{name}, local"), soundness::local(&graph, &way))];
            plans.extend(legal_cuts(&graph).flat_map(|cut| {
                [Edge::Host, Edge::Device].map(|pixels| {
                    let place = format!("{}, pixels by {pixels:?}", described(&name, &graph, &cut));
                    (place, soundness::divided_between(&graph, &cut, &way, pixels))
                })
            }));
            for (place, plan) in plans {
                let place = format!("{place}, {way:?}");
                soundness::check(&place, &plan);
                soundness::check_peak(&place, &plan);
            }
        }
    }
}
