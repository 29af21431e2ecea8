# SPDX-License-Identifier: MIT
"""The medians of a run as lines: IOPS and latency over queue depth and over sessions, as SVG. The scale of the axis below is
that of the points, each as far from the next; the other one begins at zero."""

from xml.sax.saxutils import escape

import tables
from matrix import OVER_DEPTH, OVER_SESSIONS

WIDTH, HEIGHT = 420, 260  # of a panel
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 34, 44
COLOURS = ("#0b6e4f", "#c1440e", "#2b4c9b", "#8a5a9e", "#7a7a7a", "#b8860b")
PANELS = (
    ("IOPS over queue depth", "queue depth, 1 session", OVER_DEPTH, "iops"),
    ("p50 latency over queue depth, us", "queue depth, 1 session", OVER_DEPTH, "p50_us"),
    ("IOPS over sessions", "sessions, queue depth 32 each", OVER_SESSIONS, "iops"),
    ("p99.9 latency over sessions, us", "sessions, queue depth 32 each", OVER_SESSIONS, "p99.9_us"),
)


def lines_of(runs, cells, key):
    """{target: [(place, value)]} of what was measured."""
    lines = {}
    for place, cell in enumerate(cells.values()):
        for target, done in runs.get(cell.name, {}).items():
            value = tables.median(done, key)
            if value is not None:
                lines.setdefault(target, []).append((place, value))
    return lines


def step_of(top):
    """A round number: four or five of it reach the top."""
    magnitude = 10 ** (len(str(int(max(top, 1)))) - 1)
    return next(m * magnitude / 2 for m in (0.4, 0.5, 1, 2, 4, 5) if 5 * m * magnitude / 2 >= top)


def text(x, y, words, anchor="middle", size=11):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(words)}</text>'


def panel(title, below, ticks, lines, colours):
    """In coordinates of its own."""
    top = max((v for points in lines.values() for _, v in points), default=1)
    step = step_of(top)
    scale = (HEIGHT - TOP - BOTTOM) / (5 * step)
    floor = HEIGHT - BOTTOM

    def x(place):
        return LEFT + (WIDTH - LEFT - RIGHT) * (place + 0.5) / len(ticks)

    out = [text(WIDTH / 2, 18, title, size=13), text(WIDTH / 2, HEIGHT - 8, below)]
    for i in range(6):
        y = floor - i * step * scale
        out.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#ddd"/>')
        out.append(text(LEFT - 6, y + 4, f"{i * step:,.6g}", "end"))
    out += [text(x(place), floor + 16, str(tick)) for place, tick in enumerate(ticks)]
    for target, points in lines.items():
        path = " ".join(f"{x(place):.1f},{floor - value * scale:.1f}" for place, value in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colours[target]}" stroke-width="2"/>')
        out += [f'<circle cx="{p.split(",")[0]}" cy="{p.split(",")[1]}" r="3" fill="{colours[target]}"/>'
                for p in path.split()]
    return "\n".join(out)


def legend(colours):
    return "\n".join(f'<rect x="{LEFT + 130 * i}" y="8" width="14" height="4" fill="{colour}"/>'
                     + text(LEFT + 130 * i + 20, 15, target, "start") for i, (target, colour) in enumerate(colours.items()))


def svg(runs):
    """runs: {cell: {target: [run]}}"""
    drawn = [(title, below, list(cells), lines_of(runs, cells, key)) for title, below, cells, key in PANELS]
    names = list(dict.fromkeys(name for *_, lines in drawn for name in lines))
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}
    height = 2 * HEIGHT + 24
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} {height}" width="{2 * WIDTH}" '
           f'height="{height}" font-family="sans-serif" fill="#222">',
           f'<rect width="{2 * WIDTH}" height="{height}" fill="white"/>', legend(colours)]
    for i, parts in enumerate(drawn):
        out.append(f'<g transform="translate({i % 2 * WIDTH},{24 + i // 2 * HEIGHT})">')
        out.append(panel(*parts, colours) + "</g>")
    return "\n".join(out) + "\n</svg>\n"
