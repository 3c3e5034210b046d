//! Runs the net that it was built around on files of f32: `FOLDER/input.f32` and `FOLDER/down.f32` in,
//! `FOLDER/mask.f32` and `FOLDER/up.f32` out. Prints each run's milliseconds, one number a part.
//!
//!     headwater-bench-burn FOLDER RUNS SECONDS INPUT_SHAPE [DOWN_SHAPE]

use burn::prelude::*;
use burn::tensor::TensorData;
use std::path::{Path, PathBuf};
use std::time::Instant;

include!(concat!(env!("OUT_DIR"), "/run.rs"));

/// What one run made.
struct Made {
    millis: Vec<f64>,
    mask: Vec<f32>,
    up: Option<Vec<f32>>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, runs, seconds, input, down @ ..] = arguments.as_slice() else {
        panic!("usage: headwater-bench-burn FOLDER RUNS SECONDS INPUT_SHAPE [DOWN_SHAPE]");
    };
    let folder = PathBuf::from(folder);
    let (runs, seconds): (usize, f64) = (runs.parse().unwrap(), seconds.parse().unwrap());
    let input = read(&folder.join("input.f32"), input);
    let down = down.first().map(|shape| read(&folder.join("down.f32"), shape));
    let device = Device::default();
    let mut run = nets(&device);
    let began = Instant::now();
    let mut times: Vec<Vec<f64>> = Vec::new();
    loop {
        let made = run(&input, down.as_ref());
        println!("{}", made.millis.iter().map(f64::to_string).collect::<Vec<_>>().join(" "));
        times.push(made.millis);
        // As the other contenders.
        let over = began.elapsed().as_secs_f64() >= seconds;
        if times.len() > runs || (over && (times.len() > 1 || times[0].iter().sum::<f64>() >= 1000.0 * seconds)) {
            write(&folder.join("mask.f32"), &made.mask);
            made.up.iter().for_each(|up| write(&folder.join("up.f32"), up));
            return;
        }
    }
}

fn read(path: &Path, shape: &str) -> TensorData {
    let shape: Vec<usize> = shape.split('x').map(|side| side.parse().unwrap()).collect();
    let bytes = std::fs::read(path).unwrap();
    let values = bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect::<Vec<_>>();
    TensorData::new(values, shape)
}

fn write(path: &Path, values: &[f32]) {
    std::fs::write(path, values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>()).unwrap();
}

fn place(data: &TensorData, device: &Device) -> Tensor<4> {
    Tensor::from_data(data.clone(), device)
}

/// Waits for the device.
fn values(tensor: Tensor<4>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

fn millis(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}
