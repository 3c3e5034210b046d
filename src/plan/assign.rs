//! Which buffer each value lives in.
//!
//! Values are taken from the largest to the smallest; each goes to the tightest buffer in which no value
//! lives at the same time, or to a new one ("greedy by size", Pisarchyk and Lee,
//! <https://arxiv.org/abs/2001.03288>). Buffers are shared whole, not by offset, because WebGPU forbids
//! one buffer to be read and written in the same dispatch.

use super::{Operand, Phase, Value};

/// First and last step at which a value must be there; steps count uploads, dispatches and readbacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lifetime {
    first: usize,
    last: usize,
}

/// Sets every value's buffer. Returns the buffers' bytes and the widest moment's.
pub(super) fn assign(values: &mut [Value], phases: &[Phase]) -> (Vec<u64>, u64) {
    let lifetimes = lifetimes(values.len(), phases);
    let rank = |id: usize| (std::cmp::Reverse(values[id].bytes()), lifetimes[id].first, id);
    let mut order: Vec<usize> = Vec::with_capacity(values.len());
    for id in 0..values.len() {
        // Put in one by one: a sort of its own is 3 kB of Wasm.
        order.insert(order.partition_point(|&other| rank(other) < rank(id)), id);
    }
    let mut buffers: Vec<u64> = Vec::new();
    let mut tenants: Vec<Vec<Lifetime>> = Vec::new();
    for id in order {
        let life = lifetimes[id];
        let free = |buffer: &usize| tenants[*buffer].iter().all(|t| t.last < life.first || life.last < t.first);
        let tightest = (0..buffers.len()).filter(free).min_by_key(|&buffer| buffers[buffer]);
        let buffer = tightest.unwrap_or_else(|| {
            buffers.push(values[id].bytes());
            tenants.push(Vec::new());
            buffers.len() - 1
        });
        tenants[buffer].push(life);
        values[id].buffer = buffer;
    }
    let last = lifetimes.iter().map(|life| life.last + 1).max().unwrap_or(0);
    let mut alive = vec![0u64; last];
    for (value, life) in values.iter().zip(&lifetimes) {
        alive[life.first..=life.last].iter_mut().for_each(|bytes| *bytes += value.bytes());
    }
    (buffers, alive.into_iter().max().unwrap_or(0))
}

fn lifetimes(count: usize, phases: &[Phase]) -> Vec<Lifetime> {
    let mut lives: Vec<Option<Lifetime>> = vec![None; count];
    let mut step = 0;
    let mut touch = |id: usize, step: usize| {
        let life = lives[id].get_or_insert(Lifetime { first: step, last: step });
        life.last = step;
    };
    for phase in phases {
        // All that comes from outside is written before a phase's first dispatch.
        phase.uploads.iter().chain(&phase.given).for_each(|&id| touch(id, step));
        step += 1;
        for dispatch in &phase.dispatches {
            for read in &dispatch.reads {
                if let Operand::Value(id) = read {
                    touch(*id, step);
                }
            }
            touch(dispatch.output, step);
            step += 1;
        }
        // What goes outside is read after the last dispatch, all in one go.
        phase.readbacks.iter().chain(&phase.results).for_each(|&id| touch(id, step));
        step += 1;
    }
    lives.into_iter().map(|life| life.unwrap_or(Lifetime { first: 0, last: 0 })).collect()
}
