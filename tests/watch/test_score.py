"""The score: in range, explained to the last point, and never better for something worse."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queues.watch.score import DEAD_RAMP, FAILURE_RAMP, QueueFacts, grade_of, judge, ramp, seconds

counts = st.integers(min_value=0, max_value=200_000)
waits = st.floats(min_value=0, max_value=1e6, allow_nan=False)
slas = st.floats(min_value=0, max_value=3600, allow_nan=False)
facts = st.builds(
    QueueFacts,
    queue=st.just("billing"),
    depth=counts,
    oldest_wait_s=waits,
    scheduled=counts,
    running=st.integers(0, 60),
    dead=counts,
    slots_busy=st.integers(0, 60),
    concurrency=st.integers(1, 50),
    succeeded=counts,
    failed=counts,
    rate_per_min=waits,
    workers=st.integers(0, 5),
    paused=st.booleans(),
    enabled=st.booleans(),
    redis_up=st.booleans(),
    sla_warning_s=slas,
    sla_critical_s=slas,
)


@given(facts)
def test_a_score_is_between_0_and_100_and_its_reasons_add_up_to_what_was_lost(f: QueueFacts) -> None:
    verdict = judge(f)
    assert 0 <= verdict.score <= 100
    assert sum(reason.points for reason in verdict.reasons) == 100 - verdict.score
    assert all(reason.points > 0 and reason.text and reason.code for reason in verdict.reasons)
    assert (verdict.grade, verdict.word) == grade_of(verdict.score)
    assert len({reason.code for reason in verdict.reasons}) == len(verdict.reasons)


@pytest.mark.parametrize("field", ["depth", "oldest_wait_s", "failed", "dead"])
@given(f=facts, more=st.integers(1, 100_000))
def test_more_of_a_bad_thing_never_betters_the_score(field: str, f: QueueFacts, more: int) -> None:
    assert judge(replace(f, **{field: getattr(f, field) + more})).score <= judge(f).score


WORSE: list[dict[str, Any]] = [{"workers": 0}, {"redis_up": False}, {"sla_warning_s": 0.0, "sla_critical_s": 0.0}]


@pytest.mark.parametrize("worse", [*WORSE, {"succeeded": 0}, {"rate_per_min": 0.0}], ids=lambda w: next(iter(w)))
@given(f=facts)
def test_less_of_a_good_thing_never_betters_the_score(worse: dict[str, Any], f: QueueFacts) -> None:
    assert judge(replace(f, **worse)).score <= judge(f).score


@given(f=facts, depth=st.integers(1, 1000))
def test_due_runs_that_nobody_serves_are_an_f(f: QueueFacts, depth: int) -> None:
    verdict = judge(replace(f, depth=depth, workers=0, paused=False, enabled=True))
    assert (verdict.grade, verdict.word) == ("F", "critical")
    assert "rqworker billing" in next(r.text for r in verdict.reasons if r.code == "unserved")


def test_an_idle_queue_with_a_worker_is_perfect() -> None:
    verdict = judge(QueueFacts("billing", workers=1, succeeded=100))
    assert (verdict.score, verdict.grade, verdict.word, verdict.reasons) == (100, "A", "excellent", ())


@pytest.mark.parametrize("held", [{"paused": True}, {"enabled": False}], ids=["paused", "off"])
@given(depth=st.integers(1, 100_000), wait_s=waits, workers=st.integers(0, 3))
def test_a_held_queue_with_a_backlog_is_warned_of_and_not_critical(
    held: dict[str, bool], depth: int, wait_s: float, workers: int
) -> None:
    verdict = judge(QueueFacts("billing", depth=depth, oldest_wait_s=wait_s, workers=workers, **held))
    assert verdict.word == "warning"
    assert len(verdict.reasons) == 1


def test_a_retry_that_heals_costs_nothing_and_one_failure_among_few_is_not_a_catastrophe() -> None:
    one_of_one = judge(QueueFacts("email", workers=1, failed=1))
    one_of_five = judge(QueueFacts("email", workers=1, failed=1, succeeded=4))
    assert one_of_one.score == one_of_five.score > 40


def test_reasons_speak_with_numbers() -> None:
    f = QueueFacts(
        "billing", workers=1, depth=2_000, oldest_wait_s=185, failed=3, succeeded=97, dead=1, rate_per_min=20
    )
    verdict = judge(f)
    told = {r["code"]: r["text"] for r in verdict.told()}
    assert told["failures"] == "3 of 100 runs that finished in the last five minutes went to the dead letters."
    assert told["wait"] == "The oldest due run has waited 3 min 5 s (warning at 10 s, critical at 30 s)."
    assert told["backlog"] == "2,000 runs are due and waiting."
    assert told["dead_letters"].startswith("1 dead letter lies here")  # type: ignore[attr-defined]
    assert "stalled" not in told
    assert "stalled" in {r.code for r in judge(replace(f, rate_per_min=0.0)).reasons}


def test_where_points_add_up_to_more_than_there_are_the_smallest_reasons_are_cut() -> None:
    verdict = judge(QueueFacts("billing", depth=5_000, oldest_wait_s=5_000, failed=100, dead=100, redis_up=False))
    assert verdict.score == 0
    assert [(r.code, r.points) for r in verdict.reasons] == [("unserved", 70), ("failures", 30)]


def test_a_ramp_goes_through_its_points_and_is_flat_outside() -> None:
    assert [ramp(x, DEAD_RAMP) for x in (-1, 0, 1, 10, 100, 10**9)] == [0, 0, 2, 6, 10, 10]
    assert ramp(0.035, FAILURE_RAMP) == round(10 + 15 / 2)
    assert ramp(5, ((5, 1), (5, 9), (5, 9))) == 9


@pytest.mark.parametrize(
    ("value", "told"), [(0.42, "0.4 s"), (9.99, "10.0 s"), (12.4, "12 s"), (185, "3 min 5 s"), (7800, "2 h 10 min")]
)
def test_durations_read_as_words(value: float, told: str) -> None:
    assert seconds(value) == told
