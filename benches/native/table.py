"""The result for people."""


def shown(bench):
    whole = bench["graph"] == "whole"
    ours = bench["contenders"][0]
    columns = {
        "": lambda one: one["name"],
        "first ms": lambda one: f"{one['first_millis']:.0f}",
    }
    if not whole:
        columns["head ms"] = lambda one: f"{one['part_millis'][0]:.0f}"
        columns["tail ms"] = lambda one: f"{one['part_millis'][1]:.0f}"
    columns["later ms (runs)" if whole else "both, later ms (runs)"] = later
    columns["/ headwater"] = lambda one: ratio(one["median_millis"] / ours["median_millis"])
    if not whole:
        columns["up apart"] = lambda one: f"{one['up_error']:.1e}"
    columns["MAE"] = lambda one: f"{one['mae']:.1e}"
    columns["IoU"] = lambda one: f"{one['iou']:.4f}"
    rows = [list(columns), *([cell(one) for cell in columns.values()] for one in bench["contenders"])]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    load = {when: " ".join(f"{number:.2f}" for number in bench[f"load_{when}"]) for when in ("before", "after")}
    what = "IS-Net" if whole else f"head and tail of IS-Net's {bench['graph']}"
    driver = f" by {bench['driver_file']}" if bench["driver_file"] else ""
    return "\n".join(
        [
            f"{what} at {bench['size']}x{bench['size']}, {bench['photo']}, {bench['date']}, commit {bench['commit']}",
            f"adapter {bench['adapter']}{driver}; {bench['cores']} cores of {bench['cpu']}",
            ", ".join(f"{name} {version}" for name, version in bench["versions"].items() if version),
            f"load of the machine before {load['before']}, after {load['after']}",
            "",
            *(line(row, widths) for row in rows),
            *(f"SKIPPED: {name}: {reason}" for name, reason in bench["skipped"].items()),
        ]
    )


def line(row, widths):
    first, *rest = zip(row, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]).rstrip()


def later(one):
    """`(first)` where there was no time for a second run."""
    return f"{one['median_millis']:.0f} ({one['later_runs'] or 'first'})"


def ratio(value):
    return f"{value:.0f}x" if value >= 10 else f"{value:.2g}x"
