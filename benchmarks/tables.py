"""Rows → Markdown tables, one a test. Pure. Medians over the rounds; ratios are of medians."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.rows import Rows, is_ours


@dataclass(frozen=True)
class Column:
    """`over`: the configuration whose median this one's is divided by; "" for the median itself."""

    head: str
    figure: str
    over: str = ""


C = Column
DRAIN = (
    C("jobs/s", "jobs_s"), C("× huey", "jobs_s", "huey w4"), C("worker CPU s/1,000", "cpu_s_1k"), C("server CPU s/1,000", "db_cpu_s_1k"),
    C("largest process MB", "one_mb"), C("PSS MB", "pss_mb"), C("Redis commands/job", "cmds"), C("not run", "missing"), C("run twice", "dup"),
)  # fmt: skip
BOTH = tuple(column for column in DRAIN if column.over == "")
SLEEP = (
    C("jobs/s", "jobs_s"), C("of the limit", "of_limit"), C("CPU s/1,000", "cpu_s_1k"), C("largest process MB", "one_mb"),
    C("PSS MB", "pss_mb"), C("processes", "procs"), C("not run", "missing"),
)  # fmt: skip
TIMES = (C("p50 ms", "p50"), C("p95", "p95"), C("p99", "p99"), C("max", "max"))
COLUMNS: dict[str, tuple[Column, ...]] = {
    "drain": DRAIN,
    "drain2": BOTH,
    "scaling": BOTH,
    "single": (
        *TIMES, C("calls/s", "ops_s"), C("client CPU s/1,000", "cpu_s_1k"), C("server CPU s/1,000", "db_cpu_s_1k"),
        C("Redis commands", "cmds"), C("bytes to Redis", "wire_in"),
    ),
    "bulk": (
        C("jobs/s", "jobs_s"), C("× bare loop", "jobs_s", "raw-state"), C("client CPU s/1,000", "cpu_s_1k"),
        C("Redis bytes/job", "mem_per_job"),
    ),
    "io50": SLEEP,
    "io100": SLEEP,
    "latency": (*TIMES, C("× huey", "p50", "huey w1"), C("worker CPU %", "cpu_pct")),
    "at": (*TIMES, C("earliest", "min"), C("not run", "missing"), C("worker CPU %", "cpu_pct")),
    "crash": (
        C("jobs", "n"), C("running at the kill", "in_flight"), C("lost", "lost"), C("of them running", "lost_were_running"),
        C("started twice", "started_twice"), C("completed twice", "completed_twice"), C("running ones again after s", "again_after_s"),
        C("all done after s", "recovered_after_s"),
    ),
    "memory": (
        C("MB after 10,000", "after_few_mb"), C("after 100,000", "after_many_mb"), C("growth MB", "growth_mb"),
        C("growth with helpers (PSS)", "tree_growth_mb"),
    ),
    "footprint": (
        C("bytes of a waiting job", "bytes_per_job"), C("keys left of 200 finished", "keys_left"), C("bytes left of each", "bytes_left_per_job"),
    ),
    "flow": (C("commands/job", "cmds_per_job"), C("commands/s when idle", "idle_cmds_s"), C("p50 ms", "p50"), C("p99 ms", "p99")),
    "fairness": (C("p50 s", "p50_s"), C("max s", "max_s"), C("still waiting of 100,000", "waiting")),
    "api": (*TIMES, C("share of errors", "error_share"), C("requests/s", "requests_s"), C("web CPU s/1,000", "web_cpu_s_1k")),
    "reads": (
        *TIMES, C("web CPU ms a read", "cpu_ms"), C("slowest address, p95", "slowest_p95"), C("most rows read by a list", "rows_read"),
        C("creation p50 ms", "creation.ours.p50"), C("bare view p50", "creation.bare.p50"), C("creation × bare", "creation.ratio_p50"),
    ),
    "commit": TIMES,
}  # fmt: skip
LEVELS = {
    "1000": "1,000 waiting", "100000": "100,000 waiting", "1000000": "1,000,000 waiting",
    "finished_1000000": "1,000 waiting, 1,000,000 finished", "1000 again": "1,000 waiting, again",
}  # fmt: skip
COSTS = (
    C("CPU s/1,000", "cost_s_1k"), C("worker", "worker_s_1k"), C("PostgreSQL", "database_s_1k"), C("Redis", "redis_s_1k"),
    C("topping up (apart)", "feed_s_1k"), C("jobs/s", "jobs_s"),
)  # fmt: skip


def table(rows: Rows, test: str) -> str:
    """The table of a test; "" where nothing of it was measured."""
    if test == "depth":
        return _depth(rows)
    lines = []
    for config in rows.configs(test):
        measured = rows.of(test, config)
        cells = [number(_cell(rows, test, config, column)) for column in COLUMNS[test]]
        name = f"**{config}**" if is_ours(config) else config
        lines.append([name, str(len(measured)), *cells] if measured else [name, "failed", *["–"] * len(COLUMNS[test])])
    return _markdown(["configuration", "rounds", *[column.head for column in COLUMNS[test]]], lines)


def _cell(rows: Rows, test: str, config: str, column: Column) -> float | None:
    if column.over:
        return rows.ratio(test, config, column.over, column.figure)
    return rows.median(test, config, column.figure)


def _depth(rows: Rows) -> str:
    lines = []
    for config in rows.configs("depth"):
        for level, title in LEVELS.items():
            cells = [number(rows.median("depth", config, f"levels.{level}.{column.figure}")) for column in COSTS]
            lines.append([title, *cells])
    return _markdown(["level", *[column.head for column in COSTS]], lines)


def number(value: float | None) -> str:
    """Three significant digits and more for a person: 12,345 · 123 · 12.3 · 1.23 · 0.0123."""
    if value is None:
        return "–"
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    if not lines:
        return ""
    ruled = ["| " + " | ".join(cells) + " |" for cells in [head, *lines]]
    return "\n".join([ruled[0], "|---" + "|---:" * (len(head) - 1) + "|", *ruled[1:]])
