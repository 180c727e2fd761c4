"""The figures are ratios of medians of what was measured, and null where nothing was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.figures import figures
from benchmarks.rows import Rows, read
from benchmarks.targets import TARGETS, judged


def row(test: str, config: str, number: int = 0, **values: Any) -> dict[str, Any]:
    return {"test": test, "config": config, "round": number, "redis": "mem", **values}


def test_a_ratio_is_median_over_median_of_the_rounds() -> None:
    ours = [row("drain", "roundsman", n, jobs_s=speed) for n, speed in enumerate([100.0, 900.0, 300.0])]
    huey = [row("drain", "huey w4", n, jobs_s=speed) for n, speed in enumerate([100.0, 150.0, 10.0])]
    assert figures(Rows(ours + huey))["drain_x_huey"] == 3.0


def test_what_was_not_measured_is_none() -> None:
    assert set(figures(Rows([])).values()) == {None}


def test_a_failed_row_counts_nowhere() -> None:
    rows = [row("drain", "roundsman", 0, jobs_s=10.0), row("drain", "roundsman", 1, error="it broke", jobs_s=1.0)]
    assert figures(Rows(rows))["drain_jobs_s"] == 10.0


def test_the_best_peer_is_neither_ours_nor_a_bare_loop() -> None:
    speeds = {"raw-state": 1000.0, "streaq": 50.0, "saq": 20.0, "roundsman embedded": 500.0, "roundsman": 100.0}
    rows = [row("bulk", config, jobs_s=speed) for config, speed in speeds.items()]
    assert figures(Rows(rows))["bulk_x_best_peer"] == 2.0


def test_the_best_use_of_both_cores_is_our_best_configuration() -> None:
    speeds = {"raw-state x2": 9000.0, "huey process w2": 100.0, "roundsman x2": 300.0, "roundsman children 2": 90.0}
    rows = [row("drain2", config, jobs_s=speed) for config, speed in speeds.items()]
    assert figures(Rows(rows))["drain2_x_best_peer"] == 3.0


def test_the_share_of_the_limit_is_that_of_the_worse_executor() -> None:
    rows = [row("io50", "roundsman", of_limit=0.99), row("io50", "roundsman asyncio", of_limit=0.95)]
    assert figures(Rows(rows))["io50_of_limit"] == 0.95


def test_lost_jobs_of_any_round_show() -> None:
    rows = [row("crash", "crash roundsman", n, lost=lost) for n, lost in enumerate([0, 3, 0])]
    assert figures(Rows(rows))["crash_lost"] == 3


def test_the_latency_allowed_is_twice_hueys_and_two_commits() -> None:
    rows = [
        row("latency", "roundsman", p50=3.0),
        row("latency", "huey w1", p50=1.0),
        row("commit", "roundsman", p50=2.0),
    ]
    assert figures(Rows(rows))["latency_p50_of_allowed"] == 0.5


def test_rows_of_the_other_redis_are_left_out() -> None:
    rows = [row("drain", "roundsman", jobs_s=10.0), row("drain", "roundsman", 1, jobs_s=2.0) | {"redis": "aof"}]
    assert figures(Rows(rows))["drain_jobs_s"] == 10.0


def test_a_repeated_row_replaces_the_first(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row("drain", "roundsman", jobs_s=speed)) for speed in (1.0, 2.0)))
    assert [kept["jobs_s"] for kept in read(path)] == [2.0]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.figure)
def test_a_target_is_about_a_figure_there_is(target: Any) -> None:
    assert target.figure in figures(Rows([]))


def test_a_target_that_is_missed_says_so() -> None:
    told = judged({"single_p99_ms": 21.0, "rss_mb": 120.0, "drain_x_huey": 2.5, "fairness_start_s": None})
    lines = {line.split("`")[1]: line for line in told.splitlines()[2:]}
    assert "**not met**" in lines["single_p99_ms"]
    assert "| met |" in lines["rss_mb"] and "| met |" in lines["drain_x_huey"]
    assert "not measured" in lines["fairness_start_s"]
