//! What every plan must keep to, checked by playing it through without a GPU.

#![allow(dead_code, reason = "each test file uses its own part")]

use headwater::graph::Graph;
use headwater::graph::cuts::Cut;
use headwater::graph::fuse::fuse;
use headwater::kernels::source::permutations;
use headwater::kernels::{Loads, Matrices, Precision, Tuning};
use headwater::plan::{Edge, Operand, Plan, ValueId, lower, lower_between};
use std::collections::HashMap;

/// How many times the bytes of the widest moment a plan's buffers may take.
pub(crate) const MOST_OVER_WIDEST: f64 = 1.5;

/// How a plan is made besides what it computes.
pub(crate) type Way = (Tuning, Precision);

/// In either precision, every way in which a device may want to read: convolutions all directly, as the tuning that
/// real GPUs start with has them, and Winograd's way wherever it is possible, with products of each width and strips
/// short and long.
pub(crate) fn ways() -> Vec<Way> {
    let of = |loads| {
        let tuning = Tuning { loads, ..Tuning::default() };
        let winograd = |product_rows, strip_bytes| Tuning { transform_macs: 0, product_rows, strip_bytes, ..tuning };
        let direct = Tuning { transform_macs: Tuning::DIRECT, ..tuning };
        let by_workgroup = Tuning { workgroup_memory: true, ..winograd(4, tuning.strip_bytes) };
        [tuning, direct, winograd(4, 1), winograd(8, 1 << 16), winograd(16, tuning.strip_bytes), by_workgroup]
    };
    let tunings = [Loads::Buffers, Loads::Images, Loads::Textures].into_iter().flat_map(of);
    let ways = tunings.flat_map(|tuning| [Precision::F32, Precision::F16].map(|precision| (tuning, precision)));
    let on_matrices = [(8, 8), (16, 32)].map(|(side, subgroup)| {
        let matrices = Some(Matrices { side, subgroup });
        (Tuning { transform_macs: 0, matrices, ..Tuning::default() }, Precision::F16)
    });
    ways.chain(on_matrices).collect()
}

/// The plan of a whole graph, fused, all outputs read back.
pub(crate) fn local(graph: &Graph, (tuning, precision): &Way) -> Plan {
    let fused = fuse(graph);
    lower(&[(&fused, &names(graph, &graph.outputs))], tuning, *precision).unwrap()
}

/// The plan of a cut's head and tail, fused, as a session lowers them.
pub(crate) fn divided(graph: &Graph, cut: &Cut, way: &Way) -> Plan {
    divided_between(graph, cut, way, Edge::Host)
}

/// The same, `pixels` before the head and behind the tail; the mask goes to the host where the server finishes.
pub(crate) fn divided_between(graph: &Graph, cut: &Cut, (tuning, precision): &Way, pixels: Edge) -> Plan {
    let division = graph.divide(cut).unwrap();
    let handed_on = |id: &usize| pixels == Edge::Device || !graph.inputs.contains(id);
    let made: Vec<usize> = cut.up.iter().copied().filter(handed_on).collect();
    let (head, tail) = (fuse(&division.head), division.tail.as_ref().map(fuse));
    let (up, outputs) = (names(graph, &made), names(graph, &graph.outputs));
    let mut segments = vec![(&head, up.as_slice())];
    segments.extend(tail.as_ref().map(|tail| (tail, outputs.as_slice())));
    let behind = if division.tail.is_some() { pixels } else { Edge::Host };
    lower_between(pixels, &segments, behind, tuning, *precision).unwrap()
}

fn names<'a>(graph: &'a Graph, ids: &[usize]) -> Vec<&'a str> {
    ids.iter().map(|&id| graph.tensors[id].name.as_str()).collect()
}

/// Plays the plan through over buffers that remember which value they hold.
///
/// A value that is read must still be what its buffer holds: it was written before, and no other value
/// has taken the buffer since. Only the dispatches of one node write a value. No dispatch may see one buffer both for reading and for writing. The widest
/// moment is summed anew from what was seen. Every pipeline is one that the shader tests validate.
pub(crate) fn check(name: &str, plan: &Plan) {
    let known: Vec<_> = permutations().collect();
    let mut played = Played {
        plan,
        name,
        holds: HashMap::new(),
        writers: HashMap::new(),
        lives: vec![None; plan.values.len()],
        step: 0,
    };
    for phase in &plan.phases {
        phase.uploads.iter().chain(&phase.given).for_each(|&id| played.write(id, "upload"));
        played.step += 1;
        for dispatch in &phase.dispatches {
            let node = &dispatch.node;
            assert!(known.contains(&dispatch.launch.key), "{name}, {node}: {} is in no table", dispatch.launch.key);
            let textures = &dispatch.launch.textures;
            assert!(textures.iter().all(|&at| at < dispatch.reads.len()), "{name}, {node}: textures {textures:?}");
            let target = plan.values[dispatch.output].buffer;
            for read in &dispatch.reads {
                match *read {
                    Operand::Value(id) => {
                        assert_ne!(plan.values[id].buffer, target, "{name}, {node}: reads the buffer that it writes");
                        played.read(id, node);
                    }
                    Operand::Weight(id) => assert!(id < plan.weights.len(), "{name}, {node}: no weight {id}"),
                }
            }
            if dispatch.launch.key.defines.contains(&"IN_PLACE") {
                // What was there is read, and what is there from now on is this node's.
                played.read(dispatch.output, node);
                played.writers.insert(dispatch.output, node);
            }
            played.write(dispatch.output, node);
            played.step += 1;
        }
        phase.readbacks.iter().chain(&phase.results).for_each(|&id| played.read(id, "readback"));
        played.step += 1;
    }
    let widest = played.widest();
    assert_eq!(plan.widest_bytes, widest, "{name}: the widest moment");
    assert!(plan.activation_bytes() >= widest, "{name}: less than the widest moment cannot do");
}

/// Holds a plan's buffers to [`MOST_OVER_WIDEST`].
pub(crate) fn check_peak(name: &str, plan: &Plan) {
    let share = plan.activation_bytes() as f64 / plan.widest_bytes as f64;
    assert!(share <= MOST_OVER_WIDEST, "{name}: {share:.3} times the widest moment's {} bytes", plan.widest_bytes);
}

struct Played<'a> {
    plan: &'a Plan,
    name: &'a str,
    /// By buffer.
    holds: HashMap<usize, ValueId>,
    /// By value.
    writers: HashMap<ValueId, &'a str>,
    /// First and last step at which each value was seen.
    lives: Vec<Option<(usize, usize)>>,
    step: usize,
}

impl<'a> Played<'a> {
    fn write(&mut self, id: ValueId, node: &'a str) {
        let value = &self.plan.values[id];
        let room = self.plan.buffers[value.buffer];
        assert!(value.bytes() <= room, "{}: {:?} takes {} bytes of {room}", self.name, value.name, value.bytes());
        let writer = *self.writers.entry(id).or_insert(node);
        assert_eq!(writer, node, "{}: {:?} has two writers", self.name, value.name);
        if let Some((_, last)) = &mut self.lives[id] {
            *last = self.step;
            assert_eq!(self.holds[&value.buffer], id, "{}: {:?} was lost between its writes", self.name, value.name);
        } else {
            self.lives[id] = Some((self.step, self.step));
            self.holds.insert(value.buffer, id);
        }
    }

    fn read(&mut self, id: ValueId, node: &str) {
        let value = &self.plan.values[id];
        let Some((_, last)) = &mut self.lives[id] else {
            panic!("{}, {node}: reads {:?} before it is written", self.name, value.name)
        };
        *last = self.step;
        let held = self.holds[&value.buffer];
        let holder = &self.plan.values[held].name;
        assert_eq!(held, id, "{}, {node}: wants {:?}, its buffer holds {holder:?}", self.name, value.name);
    }

    fn widest(&self) -> u64 {
        let alive = |step: usize| {
            let lives = self.lives.iter().zip(&self.plan.values);
            let there = lives.filter(|(life, _)| life.is_some_and(|(first, last)| (first..=last).contains(&step)));
            there.map(|(_, value)| value.bytes()).sum()
        };
        (0..self.step).map(alive).max().unwrap_or(0)
    }
}
