//! What one small request can do to everybody: a real `headwater serve` that is given 2 GB, and requests that ask
//! for far more than they bring. It must answer or refuse each, take at most 256 MB for a request of 1 MB, and be
//! well afterwards.
//!
//! The 2 GB are `RLIMIT_DATA` (`ulimit -d`), which on Linux counts all private writable memory that a process has
//! asked for, touched or not. What a request takes is the growth of the peak of resident memory (`VmHWM` in
//! `/proc/PID/status`, set back through `/proc/PID/clear_refs`). Elsewhere these tests have nothing to measure with.
#![cfg(target_os = "linux")]

#[path = "../adapter/mod.rs"]
mod adapter;
mod isnet;
#[path = "../mini/mod.rs"]
mod mini;
mod net;
mod pictures;
mod requests;
mod served;
mod sockets;

use served::Served;

/// The most that one request of at most 1 MB may take.
const REQUEST_BYTES: usize = 256_000_000;
