//! Where the layers run.

use super::Arguments;
use headwater::gpu::Gpu;
use headwater::model::Manifest;
use headwater::split::{Circumstances, Placement, choose};
use headwater::{Error, ErrorKind};
use std::sync::Arc;

/// A placement that this machine can do.
pub(super) struct Placed {
    pub(super) placement: Placement,
    /// What runs the client's layers.
    pub(super) gpu: Option<Arc<Gpu>>,
    /// Why it is not what was asked for.
    pub(super) fallback: Option<String>,
}

/// The placement asked for, with the adapter that it needs; where there is no adapter, all on the server.
pub(super) fn place(arguments: &Arguments, manifest: &Manifest) -> anyhow::Result<Placed> {
    let asked = match arguments.split.as_str() {
        "auto" => None,
        name => Some(Placement::parse(name, manifest)?),
    };
    if asked == Some(Placement::Remote) {
        return Ok(Placed { placement: Placement::Remote, gpu: None, fallback: None });
    }
    let gpu = match arguments.adapter.as_deref() {
        Some("none") => Err(Error::new(ErrorKind::NoAdapter, "--adapter none")),
        name => crate::device::open(name),
    };
    let gpu = match gpu {
        Ok(gpu) => Some(Arc::new(gpu)),
        // A name that no adapter has is a mistake to point out, not a machine without a GPU.
        Err(e) if e.kind() == ErrorKind::NoAdapter && !named(arguments) => {
            eprintln!(
                "headwater: {e}: {}",
                if arguments.server.is_some() { "the server does it all" } else { "this machine's CPU does it all" }
            );
            return Ok(Placed { placement: Placement::Remote, gpu: None, fallback: Some(e.to_string()) });
        }
        Err(e) => return Err(e.into()),
    };
    if let Some(placement) = asked {
        return Ok(Placed { placement, gpu, fallback: None });
    }
    let hardware = gpu.as_ref().is_some_and(|gpu| gpu.info().kind != "cpu");
    let circumstances = Circumstances { adapter: gpu.is_some(), hardware, server: arguments.server.is_some() };
    let (placement, reason) = choose(manifest, circumstances)?;
    if !arguments.json {
        eprintln!("split {}: {reason}", placement.name());
    }
    let gpu = gpu.filter(|_| placement != Placement::Remote);
    Ok(Placed { placement, gpu, fallback: None })
}

fn named(arguments: &Arguments) -> bool {
    arguments.adapter.as_deref().is_some_and(|name| name != "none")
}
