//! The graphics device, tuned as it was found to be best.

use headwater::gpu::{Choice, Gpu};
use headwater::trial::Kept;
use std::path::PathBuf;

/// The environment variable that names the file in which tunings are kept.
const TUNING_VARIABLE: &str = "HEADWATER_TUNING";

/// Opens an adapter, with what `headwater tune` has kept for it.
pub(crate) fn open(name: Option<&str>) -> headwater::Result<Gpu> {
    let mut gpu = pollster::block_on(Gpu::open(&Choice { name: name.map(str::to_owned) }))?;
    let Some(path) = kept_in() else { return Ok(gpu) };
    match Kept::read(&path) {
        Ok(kept) => {
            if let Some(tuning) = kept.tuning(gpu.info()) {
                gpu.tune(tuning);
            }
        }
        // Nothing but speed depends on it.
        Err(e) => eprintln!("headwater: {e}: going on without"),
    }
    Ok(gpu)
}

/// The file in which tunings are kept, in the folder where this system has its users' caches.
pub(crate) fn kept_in() -> Option<PathBuf> {
    let named = |variable: &str| std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = named(TUNING_VARIABLE) {
        return Some(path);
    }
    let caches = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
    let folder = named("XDG_CACHE_HOME")
        .or_else(|| named("LOCALAPPDATA"))
        .or_else(|| std::env::home_dir().map(|home| home.join(caches)))?;
    Some(folder.join("headwater").join("tuning.json"))
}
