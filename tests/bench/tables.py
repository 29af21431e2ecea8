# SPDX-License-Identifier: MIT
"""Medians, ratios with their spread, and tables of both as plain text or markdown."""

import statistics

METRICS = [  # key, heading, digits
    ("iops", "IOPS", 0),
    ("mb_per_s", "MB/s", 0),
    ("p50_us", "p50 us", 1),
    ("p99_us", "p99 us", 1),
    ("p99.9_us", "p99.9 us", 1),
    ("server_cpu_us_per_io", "server us/IO", 2),
    ("client_cpu_us_per_io", "client us/IO", 2),
]
RATIOS = ["iops", "p50_us", "p99.9_us", "server_cpu_us_per_io"]
WITHIN_RATIOS = ["iops", "p50_us", "p99_us", "server_cpu_us_per_io"]
HEADINGS = {key: heading for key, heading, _ in METRICS}


def metric(result, key):
    """None where it is not known: iperf3 tells throughput only."""
    return result["all"][key] if key in result["all"] else result.get(key)


def median(runs, key):
    """Of the undisturbed runs of one target in one cell; None without any."""
    values = [v for r in runs if not r["disturbed"] and (v := metric(r["result"], key)) is not None]
    return statistics.median(values) if values else None


def ratio(ours, theirs, key):
    """(median, min, max) of ours divided by theirs, run by run within the same round."""
    by_round = {r["round"]: r for r in theirs if not r["disturbed"]}
    pairs = [(metric(r["result"], key), metric(by_round[r["round"]]["result"], key))
             for r in ours if not r["disturbed"] and r["round"] in by_round]
    values = [a / b for a, b in pairs if a is not None and b]
    return (statistics.median(values), min(values), max(values)) if values else None


def number(value, digits):
    return "-" if value is None else f"{value:,.{digits}f}"


def spread(values):
    return "-" if values is None else "{:.2f} ({:.2f}..{:.2f})".format(*values)


def medians_table(runs):
    """runs: {cell: {target: [run]}}"""
    rows = [["work", "target"] + [heading for _, heading, _ in METRICS] + ["runs", "dropped"]]
    for cell, targets in runs.items():
        for target, done in targets.items():
            bad = sum(1 for r in done if r["disturbed"])
            failed = any(r["result"] is None for r in done)
            rows.append([cell, target]
                        + [number(median(done, key), digits) for key, _, digits in METRICS]
                        + [str(len(done) - bad), "failed" if failed else str(bad)])
    return rows


def ratios_table(runs, ours):
    """Ours over each other target: speed above 1 and time below 1 are in our favour."""
    rows = [["work", f"{ours} over"] + [f"{HEADINGS[key]} ratio" for key in RATIOS]]
    for cell, targets in runs.items():
        for target, done in targets.items():
            if target != ours and ours in targets:
                rows.append([cell, target]
                            + [spread(ratio(targets[ours], done, key)) for key in RATIOS])
    return rows


def within_table(runs, target, pairs):
    """One target's cells over other cells of its own."""
    rows = [["work", "over"] + [f"{HEADINGS[key]} ratio" for key in WITHIN_RATIOS]]
    for cell, base in pairs:
        ours, theirs = (runs.get(name, {}).get(target) for name in (cell, base))
        if ours and theirs:
            rows.append([cell, base] + [spread(ratio(ours, theirs, key)) for key in WITHIN_RATIOS])
    return rows


def _widths(rows):
    return [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]


def _cells(row, widths):
    """Words to the left, numbers to the right."""
    return [cell.ljust(w) if i < 2 else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(row, widths))]


def text(rows):
    widths = _widths(rows)
    return "\n".join("  ".join(_cells(row, widths)).rstrip() for row in rows) + "\n"


def markdown(rows):
    widths = _widths(rows)
    rule = ["-" * w if i < 2 else "-" * (w - 1) + ":" for i, w in enumerate(widths)]
    lines = [_cells(rows[0], widths), rule] + [_cells(row, widths) for row in rows[1:]]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
