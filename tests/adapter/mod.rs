//! The graphics adapter of the tests, and skips that cannot be overlooked.

#![allow(dead_code, reason = "each test file uses its own part")]

use headwater::gpu::{ADAPTER_VARIABLE, Choice, Gpu};
use std::sync::Arc;

/// Says on stderr that `what` was not tested and why. Where the environment sets `required`, as continuous
/// integration does, that is a failure.
pub(crate) fn skip(what: &str, why: &str, required: &str) {
    assert!(std::env::var_os(required).is_none(), "{required} is set, and {what} cannot be tested: {why}");
    eprintln!("SKIPPED: {what}: {why}");
}

/// The adapter that the environment names, or the first there is.
pub(crate) fn open(what: &str) -> Option<Arc<Gpu>> {
    let choice = Choice { name: std::env::var(ADAPTER_VARIABLE).ok() };
    match pollster::block_on(Gpu::open(&choice)) {
        Ok(gpu) => Some(Arc::new(gpu)),
        Err(e) => {
            skip(what, &e.to_string(), "HEADWATER_REQUIRE_ADAPTER");
            None
        }
    }
}
