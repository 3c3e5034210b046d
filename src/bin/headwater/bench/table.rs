//! What `headwater bench` prints for people.

use headwater::bench::{Ceilings, KernelTime, SegmentTime};

pub(super) fn ceilings(ceilings: &Ceilings) -> String {
    let half = ceilings.f16_gflops.map_or_else(|| "no f16".to_owned(), |rate| format!("{rate:.1} GFLOP/s f16"));
    format!(
        "ceilings: {:.1} GFLOP/s f32, {half}, memory {:.1} GB/s, readback {:.1} GB/s\n\
         overheads: dispatch {:.1} us, submit {:.0} us, readback {:.0} us",
        ceilings.f32_gflops,
        ceilings.gbytes_per_s,
        ceilings.readback_gbytes_per_s,
        ceilings.dispatch_micros,
        ceilings.submit_micros,
        ceilings.readback_micros,
    )
}

pub(super) fn kernel_head() -> String {
    format!(
        "\n{:14} {:24} {:>11} {:>9} {:>7} {:>6}  {:10}  kernel",
        "net", "shape", "micros", "GFLOP/s", "GB/s", "share", "bound"
    )
}

pub(super) fn kernel(time: &KernelTime) -> String {
    let many = if time.dispatches == 1 { String::new() } else { format!(", {} dispatches", time.dispatches) };
    format!(
        "{:14} {:24} {:>11.0} {:>9.1} {:>7.1} {:>5.0}%  {:10}  {}{many}",
        time.net,
        time.shape,
        time.micros,
        time.gflops,
        time.gbytes_per_s,
        100.0 * time.share_of_ceiling,
        time.bound,
        time.kernel,
    )
}

pub(super) fn segment_head() -> String {
    format!(
        "\n{:18} {:>9} {:>8} {:>8} {:>8} {:>10} {:>7} {:>7} {:>6} {:>15} {:>8} {:>11} {:>9} {:>7}",
        "segment",
        "size",
        "setup ms",
        "wall ms",
        "two, ms",
        "kernels ms",
        "gaps ms",
        "GFLOP/s",
        "share",
        "dis/subm/readb",
        "peak MiB",
        "activations",
        "at widest",
        "weights",
    )
}

pub(super) fn segment(time: &SegmentTime) -> String {
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    format!(
        "{:18} {:>9} {:>8.0} {:>8.1} {:>8} {:>10.1} {:>7.1} {:>7.1} {:>5.0}% {:>15} {:>8.1} {:>11.1} {:>9.1} {:>7.1}",
        time.segment,
        format!("{}x{}", time.size[0], time.size[1]),
        time.setup_millis,
        time.wall_millis,
        time.overlapped_millis.map_or_else(|| "-".to_owned(), |millis| format!("{millis:.1}")),
        time.kernels_millis,
        time.gaps_millis,
        time.gflops,
        100.0 * time.share_of_ceiling,
        format!("{} / {} / {}", time.dispatches, time.submits, time.readbacks),
        mib(time.peak_bytes),
        mib(time.activation_bytes),
        mib(time.widest_bytes),
        mib(time.weight_bytes),
    )
}
