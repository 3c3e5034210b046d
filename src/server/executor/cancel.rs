//! Ending a run that nobody waits for any more.

use crate::error::{Result, bail};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Whether a run is still wanted. Executors ask between operators, as often as that is cheap.
#[derive(Debug, Default)]
pub struct Cancel {
    cancelled: AtomicBool,
    deadline: Option<Instant>,
}

impl Cancel {
    /// Until `deadline`; for ever without one.
    pub fn new(deadline: Option<Instant>) -> Self {
        Self { cancelled: AtomicBool::new(false), deadline }
    }

    /// The run is wanted no more.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// # Errors
    /// `Aborted` after [`Self::cancel`], `Timeout` after the deadline.
    pub fn check(&self) -> Result<()> {
        if self.cancelled.load(Ordering::Relaxed) {
            bail!(Aborted, "the client has gone");
        }
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            bail!(Timeout, "the run was ended at its time limit");
        }
        Ok(())
    }
}
