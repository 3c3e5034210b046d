//! Ctrl-C and SIGTERM: the process ends, and leaves no half file.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

/// From now on temporary files are removed before either signal ends the process.
pub(crate) fn watch() {
    // Without, the process ends as any other, and leaves a temporary file at worst.
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            headwater::files::discard_unfinished();
            // As the signal would have done: a shell's loop is to end as well.
            let _ = emulate_default_handler(signal);
        }
    });
}
