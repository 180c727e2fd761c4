"""The plan and the load of a chaos run: pure, from the seed."""

from __future__ import annotations

import itertools
import math

import pytest

from project.chaos import plan
from project.chaos.orders import asks


def test_the_same_seed_gives_the_same_plan_and_another_seed_another() -> None:
    assert plan.plan(1, 2000, "postgres", 5.0) == plan.plan(1, 2000, "postgres", 5.0)
    assert plan.plan(1, 2000, "postgres", 5.0) != plan.plan(2, 2000, "postgres", 5.0)


@pytest.mark.parametrize("seed", range(1, 6))
def test_ten_thousand_jobs_meet_at_least_what_was_asked_for(seed: int) -> None:
    acts = plan.plan(seed, 10_000, "postgres", 5.0)
    times = {kind: sum(act.kind == kind for act in acts) for kind in plan.LEAST}
    assert times["sigkill"] >= 50
    assert times["sigstop"] >= 10
    assert times["redis_kill"] >= 5
    assert times["flushall"] >= 2
    assert times["database_stop"] >= 3
    assert times["scheduler_kill"] >= 2
    assert times["freeze_redis"] + times["freeze_database"] >= 2


@pytest.mark.parametrize("jobs", [1, 300, 2000])
def test_a_smaller_run_has_its_part_and_every_kind_once(jobs: int) -> None:
    counts = plan.counts(jobs, "postgres")
    assert all(count >= max(1, plan.LEAST[kind] * jobs / plan.WHOLE) for kind, count in counts.items())
    assert set(counts) == set(plan.LEAST)


def test_sqlite_is_no_server_that_could_be_stopped() -> None:
    assert not {"database_stop", "freeze_database"} & set(plan.counts(2000, "embedded"))


def test_acts_come_in_order_within_the_load_and_stops_outlast_the_lease() -> None:
    acts = plan.plan(3, 10_000, "postgres", 5.0)
    assert [act.at_s for act in acts] == sorted(act.at_s for act in acts)
    assert all(plan.QUIET_S <= act.at_s <= plan.length_s(10_000) for act in acts)
    assert all(act.lasts_s > 5.0 for act in acts if act.kind == "sigstop")
    assert any(
        math.isinf(act.lasts_s) for act in plan.plan(1, 10_000, "postgres", 5.0) if act.kind.startswith("freeze")
    )


def test_outages_of_one_server_do_not_meet() -> None:
    for kind in ("database_stop", "redis_kill"):
        acts = [act for act in plan.plan(1, 10_000, "postgres", 5.0) if act.kind == kind]
        assert all(one.at_s + one.lasts_s < following.at_s for one, following in itertools.pairwise(acts))


@pytest.mark.parametrize("jobs", [7, 300, 2000, 10_000])
def test_the_helpings_add_up_to_the_jobs(jobs: int) -> None:
    helpings = plan.helpings(plan.plan(1, jobs, "postgres", 5.0), jobs)
    assert sum(helping.count for helping in helpings) == jobs
    assert all(helping.count >= 0 for helping in helpings)
    assert [helping.at_s for helping in helpings] == sorted(helping.at_s for helping in helpings)


def test_asks_are_numbered_without_a_gap_and_the_same_for_the_same_seed() -> None:
    some = list(itertools.islice(asks(4), 500))
    assert some == list(itertools.islice(asks(4), 500))
    assert all(one.first + one.count == following.first for one, following in itertools.pairwise(some))
    assert {ask.way for ask in some} == {"alone", "ordered", "rolled_back", "many", "later"}
    assert {ask.kind for ask in some} == {"report", "document", "invoice", "keyed"}
    assert all(bool(ask.key) == (ask.kind == "keyed") for ask in some)
