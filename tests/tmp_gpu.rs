use headwater::gpu::{Choice, Gpu, Program};
use headwater::graph::*;
use headwater::model::{Weight, Weights};
use headwater::plan;
use std::sync::Arc;
fn rnd(n: usize, seed: u64) -> Vec<f32> {
    let mut s = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    (0..n).map(|_| { s = s.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407); ((s >> 40) as f32 / (1u64 << 24) as f32) - 0.5 }).collect()
}
#[test]
fn conv_speed() {
    let gpu = Arc::new(pollster::block_on(Gpu::open(&Choice::default())).unwrap());
    println!("{:?}", gpu.info());
    for (ci, co, size, k, s, d) in [(64, 64, 128, 3, 1, 1), (128, 64, 128, 3, 1, 1), (3, 64, 256, 3, 2, 1), (32, 32, 256, 3, 1, 1), (512, 512, 16, 3, 1, 1), (64, 1, 256, 3, 1, 1), (256, 256, 32, 3, 1, 2)] {
        let conv = Conv { groups: 1, strides: [s; 2], dilations: [d; 2], pads: [d; 4], epilogue: Default::default() };
        let mut g = Graph { tensors: vec![TensorSpec { name: "x".into(), shape: vec![1, ci, size, size] }, TensorSpec { name: "y".into(), shape: vec![1] }],
            weights: vec![WeightSpec { name: "w".into(), shape: vec![co, ci, k, k] }, WeightSpec { name: "b".into(), shape: vec![co] }],
            nodes: vec![Node { name: "c".into(), op: Op::Conv(conv), inputs: vec![0], weights: vec![0, 1], output: 1 }], inputs: vec![0], outputs: vec![1] };
        g.infer_shapes().unwrap();
        let mut w = Weights::default();
        w.insert("w", Weight::from_f32(vec![co, ci, k, k], &rnd(co * ci * k * k, 1)).unwrap());
        w.insert("b", Weight::from_f32(vec![co], &rnd(co, 2)).unwrap());
        let plan = plan::lower(&[(&g, &["y"])]).unwrap();
        let p = pollster::block_on(Program::new(gpu.clone(), plan, &w)).unwrap();
        let x = rnd(ci * size * size, 3);
        let out = pollster::block_on(p.run(0, &[&x])).unwrap();
        if size <= 32 || ci == 3 {
            let r = headwater::reference::run(&g, &w, &[headwater::tensor::Tensor::new(vec![1, ci, size, size], x.clone()).unwrap()]).unwrap();
            let e = r[0].data().iter().zip(&out[0]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            println!("err {e}");
        }
        let mut best = f64::MAX;
        for _ in 0..5 { let t = pollster::block_on(p.time(0, &[&x])).unwrap(); best = best.min(t[1].micros); }
        println!("{ci}->{co} @{size} k{k} s{s} d{d}: {:.2} ms {:.1} GFLOP/s", best / 1e3, 2.0 * g.macs() as f64 / best / 1e3);
    }
}
