"""What the measurement of the reads says: which floors hold, how many rows a plan reads, in which turns is asked."""

from __future__ import annotations

from benchmarks.reads.addresses import addresses
from benchmarks.reads.plans import read
from benchmarks.reads.report import Answer, broken, by_name, table, times
from benchmarks.reads.shares import SHARES
from benchmarks.reads.turns import turns

GOOD = {"p95": 20.0, "errors": {}, "addresses": {"status": {"p50": 9.0, "p95": 70.0}}}
MADE = {"ratio_p50": 1.5, "errors": {}}


def test_floors_that_hold_say_nothing() -> None:
    assert broken(GOOD, MADE, {"all": {"rows": 60}}) == []


def test_each_floor_that_is_broken_is_said() -> None:
    assert "p95" in broken({**GOOD, "p95": 51.0}, MADE, {})[0]
    assert "status" in broken({**GOOD, "addresses": {"status": {"p50": 51.0}}}, MADE, {})[0]
    assert "500" in broken({**GOOD, "errors": {"500": 1}}, MADE, {})[0]
    assert "bare" in broken(GOOD, {**MADE, "ratio_p50": 3.1}, {})[0]
    assert "rare queue" in broken(GOOD, MADE, {"rare queue": {"rows": 90_000}})[0]


def test_answers_are_told_by_address_with_their_errors() -> None:
    found = by_name([Answer("a", "200", 1.0), Answer("a", "500", 3.0), Answer("b", "200", 2.0)])
    assert (found["a"]["n"], found["a"]["errors"], found["a"]["max"]) == (2, {"500": 1}, 3.0)
    assert table(found, {}).splitlines()[1].startswith("a")


def test_a_percentile_is_a_time_that_was_measured() -> None:
    assert times([float(n) for n in range(1, 101)]) == {
        "p50": 50.5,
        "p95": 96.0,
        "p99": 100.0,
        "max": 100.0,
        "mean": 50.5,
    }


def test_a_plan_reads_what_its_scans_have_looked_at_in_every_loop() -> None:
    inner = {"Node Type": "Index Scan", "Actual Loops": 3, "Actual Rows": 2, "Rows Removed by Filter": 5}
    outer = {"Node Type": "Seq Scan", "Relation Name": "t", "Actual Loops": 1, "Actual Rows": 4}
    of_cte = {"Node Type": "CTE Scan", "Actual Loops": 1, "Actual Rows": 9}
    plan = {"Node Type": "Nested Loop", "Actual Loops": 1, "Actual Rows": 6, "Plans": [outer, inner, of_cte]}
    assert read(plan) == 4 + 21


def test_every_address_comes_once_in_each_turn_and_in_the_same_order_again() -> None:
    paths = {"a": ["/1", "/2"], "b": ["/3"], "c": ["/4"]}
    found = turns(paths, 6)
    assert sorted(found[:3]) == [("a", "/1"), ("b", "/3"), ("c", "/4")]
    assert sorted(found[3:]) == [("a", "/2"), ("b", "/3"), ("c", "/4")]
    assert turns(paths, 6) == found


def test_the_shares_of_both_halves_are_a_thousand() -> None:
    for half in (1, 2):
        assert round(sum(share[half] for share in SHARES.values()), 6) == 1000


def test_every_read_address_of_the_api_is_asked() -> None:
    from django.urls import get_resolver

    asked = ("api/v1/", "api/admin/")
    apart = {"api-run-stream", "api-run"}  # it stays open; the same read as `api-run-by-id`
    apart |= {
        "api-alert",
        "api-webhook",
        "api-webhook-deliveries",
        "api-webhook-delivery",
    }  # of few rows, whatever the runs
    facts = {"moments": {"old": "o", "older": "e", "kept": "1"}, "runs": [NIL], "failed": [NIL], "logged": [NIL]}
    paths = addresses({**facts, "definitions": [1], "schedules": [1]})
    reached = {get_resolver().resolve(path.partition("?")[0]).url_name for each in paths.values() for path in each}
    for pattern in get_resolver("queues.urls").url_patterns:
        view = getattr(pattern.callback, "view_class", None)
        if str(pattern.pattern).startswith(asked) and hasattr(view, "get") and pattern.name not in apart:
            assert pattern.name in reached, pattern.name


NIL = "00000000-0000-0000-0000-000000000000"
