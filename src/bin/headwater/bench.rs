//! `headwater bench`: kernels and segments against this adapter's measured ceilings.

mod table;

use crate::model_file::open_model;
use headwater::bench::{Ceilings, KernelTime, Kernels, SegmentTime, Set, ceilings, parts, segment};
use headwater::gpu::{ADAPTER_VARIABLE, Gpu};
use headwater::kernels::Precision;
use headwater::model::Model;
use headwater::split::Placement;
use headwater::{Error, ErrorKind};
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
    /// Nets whose kernels are timed: isnet, mobilenet, vit
    #[arg(long = "set", value_name = "SET", value_delimiter = ',', default_value = "isnet,mobilenet,vit")]
    sets: Vec<Set>,
    /// Leave the segments out
    #[arg(long)]
    kernels_only: bool,
    /// How kernels and segments keep numbers: f32 or f16
    #[arg(long, default_value = "f32")]
    precision: Precision,
    /// A part of the graphics adapter's name
    #[arg(long, env = ADAPTER_VARIABLE)]
    adapter: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// For people; JSON comes in one piece at the end.
    fn say(&self, lines: &str) -> anyhow::Result<()> {
        if self.json { Ok(()) } else { crate::print(&format!("{lines}\n")) }
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let gpu = Arc::new(crate::device::open(arguments.adapter.as_deref())?);
    let info = gpu.info();
    if arguments.precision == Precision::F16 && !info.f16 {
        return Err(Error::new(ErrorKind::AdapterLimit, format!("the shaders of {:?} have no f16", info.name)).into());
    }
    arguments.say(&format!("{} ({}, {}), {}", info.name, info.kind, info.backend, info.driver))?;
    let ceilings = ceilings(&gpu)?;
    arguments.say(&table::ceilings(&ceilings))?;
    let kernels = kernels(arguments, &gpu, &ceilings)?;
    let segments = if arguments.kernels_only || !arguments.model.exists() {
        Vec::new()
    } else {
        segments(arguments, &gpu, &ceilings)?
    };
    if arguments.json {
        let all = json!({ "adapter": info, "ceilings": ceilings, "kernels": kernels, "segments": segments });
        return crate::print(&(serde_json::to_string(&all)? + "\n"));
    }
    Ok(())
}

/// Every operator of the sets that the adapter has room for.
fn kernels(arguments: &Arguments, gpu: &Arc<Gpu>, ceilings: &Ceilings) -> anyhow::Result<Vec<KernelTime>> {
    arguments.say(&table::kernel_head())?;
    let mut kernels = Kernels::new(gpu, ceilings, arguments.precision);
    let mut times = Vec::new();
    for case in arguments.sets.iter().flat_map(|set| set.cases()) {
        match kernels.time(&case) {
            Ok(time) => {
                arguments.say(&table::kernel(&time))?;
                times.push(time);
            }
            Err(e) if e.kind() == ErrorKind::AdapterLimit => eprintln!("SKIPPED: {} {}: {e}", case.net, case.shape),
            Err(e) => return Err(e.into()),
        }
    }
    Ok(times)
}

/// The whole net and the client's parts of the split, at every size.
fn segments(arguments: &Arguments, gpu: &Arc<Gpu>, ceilings: &Ceilings) -> anyhow::Result<Vec<SegmentTime>> {
    let source = open_model(&arguments.model)?;
    let model = pollster::block_on(Model::open(&source))?;
    let manifest = &model.manifest;
    let placement = Placement::parse(&arguments.split, manifest)?;
    arguments.say(&table::segment_head())?;
    let mut times = Vec::new();
    for &[width, height] in &arguments.size {
        let graph = manifest.graph.with_input_size(height, width)?;
        for part in parts(&manifest.name, &graph, &placement)? {
            let weights = pollster::block_on(model.load(&source, &part.graphs()))?;
            let time = segment(gpu, ceilings, &part, [width, height], &weights, arguments.precision)?;
            arguments.say(&table::segment(&time))?;
            times.push(time);
        }
    }
    Ok(times)
}
