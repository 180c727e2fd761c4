"""Rows → bar charts as SVG, readable on light and dark pages. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from benchmarks.rows import Rows, is_ours
from benchmarks.tables import LEVELS, number

WIDTH, LABEL, RIGHT, BAR, GAP, TOP = 760, 210, 90, 18, 8, 46  # pixels
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f } .head { font-weight: 600; font-size: 15px } .dim { fill: #57606a }
.peer { fill: #8c959f } .floor { fill: #d0d7de } .ours { fill: #1a7f37 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .dim { fill: #9198a1 }
.peer { fill: #6e7681 } .floor { fill: #3d444d } .ours { fill: #3fb950 } }
"""


@dataclass(frozen=True)
class Bar:
    """`kind`: "ours", "peer", or "floor" for the bare loops without a library."""

    label: str
    value: float
    kind: str


@dataclass(frozen=True)
class Chart:
    """Which figure of which test; `down`: less is better."""

    name: str
    test: str
    figure: str
    title: str
    down: bool = False


CHARTS = (
    Chart("drain", "drain", "jobs_s", "No-op jobs a second, one worker process"),
    Chart("drain-cpu", "drain", "cpu_s_1k", "CPU of the worker, seconds a 1,000 jobs", down=True),
    Chart("drain2", "drain2", "jobs_s", "No-op jobs a second, best use of two cores"),
    Chart("single", "single", "p50", "Enqueue one job, p50, ms", down=True),
    Chart("bulk", "bulk", "jobs_s", "Enqueue 10,000 jobs, jobs a second"),
    Chart("latency", "latency", "p50", "Idle worker: enqueue to first line of the job, p50, ms", down=True),
    Chart("io100", "io100", "of_limit", "300 ms jobs at concurrency 100, share of the physical limit"),
    Chart("scaling", "scaling", "jobs_s", "No-op jobs a second by worker processes"),
)


def chart(rows: Rows, wanted: Chart) -> str:
    """The SVG; "" where nothing was measured. The best comes first."""
    bars = []
    for config in rows.configs(wanted.test):
        value = rows.median(wanted.test, config, wanted.figure)
        if value is not None:
            kind = "ours" if is_ours(config) else "floor" if config.startswith("raw") else "peer"
            bars.append(Bar(config, value, kind))
    if wanted.test != "scaling":
        bars.sort(key=lambda bar: bar.value, reverse=not wanted.down)
    return drawn(wanted.title + (" (less is better)" if wanted.down else ""), bars)


def depth_chart(rows: Rows) -> str:
    """Cost of a job by how many wait and how many are finished."""
    bars = []
    for level, title in LEVELS.items():
        value = rows.median("depth", "roundsman", f"levels.{level}.cost_s_1k")
        if value is not None:
            bars.append(Bar(title, value, "ours"))
    return drawn("Cost of a job: CPU seconds a 1,000, worker, PostgreSQL and Redis (less is better)", bars)


def drawn(title: str, bars: Sequence[Bar]) -> str:
    """Horizontal bars with their labels and values; "" for none."""
    if not bars:
        return ""
    most = max(bar.value for bar in bars) or 1.0
    height = TOP + len(bars) * (BAR + GAP) + 6
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="{escape(title)}"><style>{STYLE}</style>',
        f'<text class="head" x="0" y="20">{escape(title)}</text>',
    ]
    for index, bar in enumerate(bars):
        y = TOP + index * (BAR + GAP)
        width = max(1.0, (WIDTH - LABEL - RIGHT) * bar.value / most)
        middle = y + BAR - 4
        parts += [
            f'<text x="{LABEL - 8}" y="{middle}" text-anchor="end">{escape(bar.label)}</text>',
            f'<rect class="{bar.kind}" x="{LABEL}" y="{y}" width="{width:.1f}" height="{BAR}" rx="2"/>',
            f'<text class="dim" x="{LABEL + width + 6:.1f}" y="{middle}">{number(bar.value)}</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"
