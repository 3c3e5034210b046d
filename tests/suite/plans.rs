//! The suite's problems as plans, played through without a GPU.

use crate::{golden, random_problems, soundness};
use headwater::kernels::source::permutations;
use headwater::plan::{Plan, lower};
use std::collections::BTreeSet;

#[test]
fn plans_of_all_problems_are_sound_fused_and_as_they_stand() {
    let mut fused_away = 0;
    let mut met = BTreeSet::new();
    for problem in golden::cases().into_iter().map(|(problem, _)| problem).chain(random_problems()) {
        let graph = &problem.graph;
        let names: Vec<&str> = graph.outputs.iter().map(|&id| graph.tensors[id].name.as_str()).collect();
        for way in soundness::ways() {
            let plain = lower(&[(graph, &names)], &way.0, way.1).unwrap_or_else(|e| panic!("{}: {e}", problem.name));
            let fused = soundness::local(graph, &way);
            soundness::check(&problem.name, &plain);
            soundness::check(&format!("{}, fused", problem.name), &fused);
            assert!(fused.dispatch_count() <= plain.dispatch_count(), "{}: fusion adds dispatches", problem.name);
            met.extend([&plain, &fused].into_iter().flat_map(keys));
            fused_away += plain.dispatch_count() - fused.dispatch_count();
        }
    }
    assert!(fused_away > 100, "fusion took away {fused_away} dispatches only");
    // Pictures are resized outside of plans, and ceilings are no net's.
    let elsewhere = ["ceiling", "resample"];
    let ours = permutations().filter(|key| !elsewhere.iter().any(|stem| key.shader.starts_with(stem)));
    let unmet: Vec<String> = ours.map(|key| key.to_string()).filter(|key| !met.contains(key)).collect();
    assert!(unmet.is_empty(), "no problem's plan asks for {unmet:?}");
}

fn keys(plan: &Plan) -> impl Iterator<Item = String> {
    plan.phases.iter().flat_map(|phase| &phase.dispatches).map(|dispatch| dispatch.launch.key.to_string())
}
