//! Numbers for Prometheus, in its text format.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

/// Upper ends of the histogram's buckets, in seconds.
const BUCKETS: [f64; 9] = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0];

#[derive(Default)]
pub(super) struct Metrics {
    /// Inference answers by the hundred of their status: 2xx, 4xx, 5xx.
    answers: [AtomicU64; 6],
    /// Requests turned away for want of room; also counted among the 5xx.
    pub(super) busy: AtomicU64,
    /// Requests whose client went away while they waited or were at work.
    pub(super) left: AtomicU64,
    /// Requests that were not done at their time limit.
    pub(super) late: AtomicU64,
    pub(super) received_bytes: AtomicU64,
    pub(super) sent_bytes: AtomicU64,
    pub(super) server: Histogram,
    pub(super) queue: Histogram,
}

/// Durations, summed and sorted into [`BUCKETS`].
#[derive(Default)]
pub(super) struct Histogram {
    counts: [AtomicU64; BUCKETS.len()],
    count: AtomicU64,
    micros: AtomicU64,
}

impl Histogram {
    pub(super) fn record(&self, millis: f64) {
        for (count, end) in self.counts.iter().zip(BUCKETS) {
            if millis <= end * 1e3 {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add((millis * 1e3) as u64, Ordering::Relaxed);
    }

    fn write(&self, text: &mut String, name: &str, help: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} histogram");
        for (count, end) in self.counts.iter().zip(BUCKETS) {
            let _ = writeln!(text, "{name}_bucket{{le=\"{end}\"}} {}", count.load(Ordering::Relaxed));
        }
        let count = self.count.load(Ordering::Relaxed);
        let seconds = self.micros.load(Ordering::Relaxed) as f64 / 1e6;
        let _ = writeln!(text, "{name}_bucket{{le=\"+Inf\"}} {count}\n{name}_sum {seconds}\n{name}_count {count}");
    }
}

impl Metrics {
    pub(super) fn answered(&self, status: u16) {
        if let Some(count) = self.answers.get(usize::from(status / 100)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// `waiting`: requests in the queue or at work; `held_bytes`: memory that requests hold.
    pub(super) fn text(&self, waiting: usize, held_bytes: usize) -> String {
        let mut text = String::from("# HELP headwater_inferences_total Inference answers.\n");
        text.push_str("# TYPE headwater_inferences_total counter\n");
        for (class, count) in self.answers.iter().enumerate().skip(2) {
            let count = count.load(Ordering::Relaxed);
            let _ = writeln!(text, "headwater_inferences_total{{status=\"{class}xx\"}} {count}");
        }
        for (name, help, value) in [
            ("headwater_busy_total", "Requests turned away for want of room.", &self.busy),
            ("headwater_abandoned_total", "Requests whose client left while they waited or were at work.", &self.left),
            ("headwater_late_total", "Requests that were not done at their time limit.", &self.late),
            ("headwater_received_bytes_total", "Bytes of inference requests.", &self.received_bytes),
            ("headwater_sent_bytes_total", "Bytes of inference answers.", &self.sent_bytes),
        ] {
            let value = value.load(Ordering::Relaxed);
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {value}");
        }
        for (gauge, help, value) in [
            ("headwater_requests_in_progress", "Requests waiting or at work.", waiting),
            ("headwater_held_bytes", "Memory reserved for bodies and for answers that are not yet sent.", held_bytes),
        ] {
            let _ = writeln!(text, "# HELP {gauge} {help}\n# TYPE {gauge} gauge\n{gauge} {value}");
        }
        self.server.write(&mut text, "headwater_server_seconds", "Decoding, computing and encoding.");
        self.queue.write(&mut text, "headwater_queue_seconds", "Waiting for a worker.");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_counts_in_every_bucket_that_holds_it() {
        let histogram = Histogram::default();
        histogram.record(20.0);
        histogram.record(500_000.0);
        let mut text = String::new();
        histogram.write(&mut text, "t", "Times.");
        assert!(text.contains("t_bucket{le=\"0.01\"} 0\nt_bucket{le=\"0.03\"} 1\n"), "{text}");
        assert!(text.ends_with("t_bucket{le=\"+Inf\"} 2\nt_sum 500.02\nt_count 2\n"), "{text}");
    }
}
