//! What needs no adapter.

use super::kernels::node_bytes;
use super::segments::gaps_millis;
use super::verify::{off, pipelines, tolerance};
use super::*;
use crate::kernels::{Precision, Tuning};
use std::collections::HashSet;

#[test]
fn every_case_is_a_plan_whose_dispatches_carry_its_name() {
    for set in Set::ALL {
        let cases = set.cases();
        let names: HashSet<(&str, &str)> = cases.iter().map(|case| (case.net, case.shape.as_str())).collect();
        assert_eq!(names.len(), cases.len(), "two cases of {set:?} have one name");
        for case in cases {
            let (graph, _) = case.graph(case.size).unwrap();
            let plan = plan::lower(&[(&graph, &[Case::OUTPUT])], &Tuning::default(), Precision::F32).unwrap();
            assert!(!pipelines(&plan, &case.shape).is_empty(), "{case:?}");
            let macs = |dispatch: &crate::plan::Dispatch| if dispatch.node == case.shape { dispatch.macs } else { 0 };
            assert_eq!(plan.phases[0].dispatches.iter().map(macs).sum::<u64>(), graph.macs(), "{case:?}");
            assert_eq!(plan.phases[0].uploads.len(), case.inputs.len());
        }
    }
}

#[test]
fn a_node_of_several_dispatches_moves_each_tensor_once() {
    let case = Set::Vit.cases().into_iter().find(|case| case.shape.contains("384->1536")).unwrap();
    let (graph, _) = case.graph(case.size).unwrap();
    let mut plan = plan::lower(&[(&graph, &[Case::OUTPUT])], &Tuning::default(), Precision::F32).unwrap();
    let bytes = node_bytes(&plan, &case.shape);
    assert_eq!(bytes, 4 * (384 * 196 + 1536 * 196 + 384 * 1536 + 1536));
    // As two strips of the output, with a third dispatch behind them that reads it.
    let dispatches = &mut plan.phases[0].dispatches;
    let one = dispatches.iter().position(|dispatch| dispatch.node == case.shape).unwrap();
    dispatches.insert(one, dispatches[one].clone());
    dispatches[one + 2].node.clone_from(&case.shape);
    assert_eq!(node_bytes(&plan, &case.shape), bytes);
}

#[test]
fn sets_are_known_by_their_names() {
    for set in Set::ALL {
        assert_eq!(set.name().parse::<Set>().unwrap(), set);
    }
    assert!("resnet".parse::<Set>().unwrap_err().to_string().contains("isnet, mobilenet, vit"));
}

#[test]
fn what_binds_is_the_nearer_ceiling_unless_the_dispatch_is_most_of_it() {
    let ceilings = Ceilings {
        f32_gflops: 100.0,
        f16_gflops: None,
        gbytes_per_s: 10.0,
        dispatch_micros: 2.0,
        submit_micros: 20.0,
        readback_micros: 30.0,
        readback_gbytes_per_s: 1.0,
    };
    // 2,500,000 multiply-adds in 100 microseconds are 50 GFLOP/s, 250,000 bytes are 2.5 GB/s.
    let (share, bound) = ceilings.bound(2_500_000, 250_000, 1, 100.0);
    assert!((share - 0.5).abs() < 1e-9 && bound == "arithmetic");
    let (share, bound) = ceilings.bound(500_000, 250_000, 1, 100.0);
    assert!((share - 0.25).abs() < 1e-9 && bound == "memory");
    assert_eq!(ceilings.bound(2_500_000, 250_000, 26, 100.0).1, "dispatch");
    assert_eq!(ceilings.bound(0, 16, 1, 3.0).1, "dispatch");
}

#[test]
fn what_is_wrong_or_missing_is_beyond_any_tolerance() {
    let right = [0.5, -0.25, 1.0];
    assert_eq!(off(&right, &right), 0.0);
    assert_eq!(off(&right, &[0.5, f32::NAN, 1.0]), f64::INFINITY);
    assert_eq!(off(&right, &right[..2]), f64::INFINITY);
    // One product too few, of the widest case that there is.
    let terms = Set::ALL.iter().flat_map(|set| set.cases()).map(|case| case.terms()).max().unwrap();
    assert!(off(&right, &[0.5, -0.25, 1.0 - 1.0 / 16.0]) > 7.0 * tolerance(terms, Precision::F32), "{terms}");
    assert!(tolerance(terms, Precision::F32) > tolerance(1, Precision::F32));
}

#[test]
fn gaps_lie_between_dispatches() {
    let dispatch = |start_micros: f64, micros: f64| DispatchTime {
        node: String::new(),
        kernel: String::new(),
        macs: 0,
        bytes: 0,
        micros,
        start_micros,
    };
    let phase = [dispatch(0.0, 1000.0), dispatch(1500.0, 500.0), dispatch(1999.0, 1.0), dispatch(4000.0, 1.0)];
    assert!((gaps_millis(&phase) - 2.5).abs() < 1e-9);
    assert_eq!(gaps_millis(&phase[..1]), 0.0);
}

#[test]
fn an_even_run_of_slow_things_still_has_a_median() {
    let mut calls = 0;
    let runs = repeated(1, || {
        calls += 1;
        Ok(f64::from(calls))
    });
    // The first is not counted.
    assert_eq!(runs.unwrap(), [2.0, 3.0, 4.0]);
    assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
}
