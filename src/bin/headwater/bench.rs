//! `headwater bench`: kernels and segments against this adapter's measured ceilings.

use crate::segment::open_model;
use headwater::bench::{Ceilings, SegmentTime, ceilings, kernels, segment};
use headwater::gpu::{ADAPTER_VARIABLE, Choice, Gpu};
use headwater::model::Model;
use headwater::split::Placement;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;

/// Time kernels and segments against this adapter's measured ceilings
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Model file whose segments are timed; without the file only kernels are
    #[arg(long, default_value = "models/isnet.safetensors", env = "HEADWATER_MODEL")]
    model: PathBuf,
    /// Sides, or WIDTHxHEIGHT, that segments run at
    #[arg(long, value_delimiter = ',', default_value = "512,1024", value_parser = crate::parse_size)]
    size: Vec<[usize; 2]>,
    /// The split whose head and tail are timed beside the whole net
    #[arg(long, default_value = "U3")]
    split: String,
    /// A part of the graphics adapter's name
    #[arg(long, env = ADAPTER_VARIABLE)]
    adapter: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let gpu = Arc::new(pollster::block_on(Gpu::open(&Choice { name: arguments.adapter.clone() }))?);
    let ceilings = ceilings(&gpu)?;
    let say = |line: String| if arguments.json { Ok(()) } else { crate::print(&(line + "\n")) };
    let info = gpu.info();
    say(format!("{} ({}, {}), {}", info.name, info.kind, info.backend, info.driver))?;
    say(format!("ceilings: {:.1} GFLOP/s f32, {:.1} GB/s\n", ceilings.f32_gflops, ceilings.gbytes_per_s))?;
    say(format!(
        "{:24} {:28} {:>11} {:>9} {:>8} {:>6}  bound",
        "kernel", "shape", "micros", "GFLOP/s", "GB/s", "share"
    ))?;
    let kernels = kernels(&gpu, &ceilings, |time| {
        // A reader that went away is noticed at the next table.
        let _ = say(format!(
            "{:24} {:28} {:>11.0} {:>9.1} {:>8.1} {:>5.0}%  {}",
            time.kernel,
            time.shape,
            time.micros,
            time.gflops,
            time.gbytes_per_s,
            100.0 * time.share_of_ceiling,
            time.bound
        ));
    })?;
    let segments = if arguments.model.exists() { segments(arguments, &gpu, &ceilings)? } else { Vec::new() };
    if arguments.json {
        let all = json!({ "adapter": info, "ceilings": ceilings, "kernels": kernels, "segments": segments });
        return crate::print(&(serde_json::to_string(&all)? + "\n"));
    }
    say(format!(
        "\n{:20} {:>10} {:>10} {:>11} {:>9} {:>6} {:>10} {:>9}",
        "segment", "size", "wall ms", "kernels ms", "GFLOP/s", "share", "dispatches", "MiB"
    ))?;
    for time in segments {
        let bytes = time.activation_bytes + time.weight_bytes;
        say(format!(
            "{:20} {:>10} {:>10.0} {:>11.0} {:>9.1} {:>5.0}% {:>10} {:>9.1}",
            time.segment,
            format!("{}x{}", time.size[0], time.size[1]),
            time.wall_millis,
            time.kernels_millis,
            time.gflops,
            100.0 * time.share_of_ceiling,
            time.dispatches,
            bytes as f64 / f64::from(1 << 20),
        ))?;
    }
    Ok(())
}

/// The whole net and both client parts of the split, at every size.
fn segments(arguments: &Arguments, gpu: &Arc<Gpu>, ceilings: &Ceilings) -> anyhow::Result<Vec<SegmentTime>> {
    let source = open_model(&arguments.model)?;
    let model = pollster::block_on(Model::open(&source))?;
    let manifest = &model.manifest;
    let mut times = Vec::new();
    for &[width, height] in &arguments.size {
        let graph = manifest.graph.with_input_size(height, width)?;
        let mut parts = vec![(format!("{} local", manifest.name), graph.clone())];
        if let Placement::Cut { name, cut } = Placement::parse(&arguments.split, manifest)? {
            let division = graph.divide(&cut)?;
            parts.push((format!("{} {name} head", manifest.name), division.head));
            parts.extend(division.tail.map(|tail| (format!("{} {name} tail", manifest.name), tail)));
        }
        for (name, graph) in parts {
            let weights = pollster::block_on(model.load(&source, &[&graph]))?;
            times.push(segment(gpu, ceilings, name, [width, height], &graph, &weights)?);
        }
    }
    Ok(times)
}
