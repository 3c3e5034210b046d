//! `headwater tune`: what suits this device, found by a few timed convolutions and kept.

use crate::device::kept_in;
use anyhow::Context;
use headwater::gpu::{ADAPTER_VARIABLE, Choice, Gpu};
use headwater::trial::{self, Candidate, Kept};
use serde_json::json;
use std::sync::Arc;

/// Time a few convolutions on this device and keep what suits it best
///
/// Later runs on the same adapter and driver use it. Without, each kind of device has a default.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A part of the graphics adapter's name
    #[arg(long, env = ADAPTER_VARIABLE)]
    adapter: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let path = kept_in().context("there is no folder for caches: name a file in HEADWATER_TUNING")?;
    let gpu = Arc::new(pollster::block_on(Gpu::open(&Choice { name: arguments.adapter.clone() }))?);
    let outcome = trial::run(&gpu)?;
    // A file that was damaged is no reason not to write a good one.
    let mut kept = match Kept::read(&path) {
        Ok(kept) => kept,
        Err(e) if e.kind() == headwater::ErrorKind::BadArgument => Kept::empty(&path),
        Err(e) => return Err(e.into()),
    };
    kept.keep(gpu.info(), outcome.tuning)?;
    if arguments.json {
        let all = json!({ "adapter": gpu.info(), "outcome": outcome, "path": path });
        return crate::print(&(serde_json::to_string(&all)? + "\n"));
    }
    let tuning = outcome.tuning;
    let rows = outcome.candidates.iter().map(row).collect::<String>();
    crate::print(&format!(
        "{}\n{:10} {:10} {:>5} {:>9} {:>11}\n{rows}kept: reads {:?}, {}, a transform is {} multiply-adds, a direct one {}%\n{}\n",
        gpu.info().name,
        "way",
        "reads",
        "rows",
        "micros",
        "transforms",
        tuning.loads,
        if tuning.workgroup_memory { "workgroup memory".to_owned() } else { format!("{} rows", tuning.product_rows) },
        tuning.transform_macs,
        tuning.direct_percent,
        path.display()
    ))
}

fn row(candidate: &Candidate) -> String {
    let Candidate { way, tuning, micros, transform_micros } = candidate;
    let loads = format!("{:?}", tuning.loads);
    let rows = match *way {
        "direct" => "-".to_owned(),
        _ if tuning.workgroup_memory => "64x64".to_owned(),
        _ => tuning.product_rows.to_string(),
    };
    format!("{way:10} {loads:10} {rows:>5} {micros:>9.0} {transform_micros:>11.0}\n")
}
