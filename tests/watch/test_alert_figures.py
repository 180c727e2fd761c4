"""From what the watch has seen to the figure of each rule."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queues import catalogue, registry
from queues.engine.pool_facts import PoolFacts
from queues.ledger import clock
from queues.models import HealthSample, JobDefinition, Queue
from queues.registry import NoParams
from queues.watch import alert_look, health, pools
from queues.watch.alert_figures import Seen, figures
from queues.watch.alert_rules import RULES, Figure, judge, lines_of
from queues.watch.look import WorkerLook

from .conftest import NOON


def sample(queue: str = "billing", **values: Any) -> HealthSample:
    plain = {"at": NOON, "depth": 0, "running": 0, "score": 100, "grade": "A"}
    return HealthSample(queue=queue, **{**plain, **values})


def seen(*samples: HealthSample, **values: Any) -> Seen:
    return Seen(at=NOON, samples={each.queue: each for each in samples}, **values)


def figure(rule: str, of: Seen, queue: str = "billing") -> Figure:
    found = figures(of)[rule, queue]
    assert found is not None
    return found


def test_every_rule_has_a_place_for_every_queue_or_for_the_house() -> None:
    wanted = {(r.name, queue) for r in RULES for queue in (catalogue.NAMES if r.per_queue else ("",))}
    assert set(figures(seen())) == wanted


def test_what_nobody_measured_is_unknown_and_no_trouble_is_none() -> None:
    found = figures(seen())
    assert found["queue_wait", "billing"] is None
    assert found["throughput", ""] is None
    assert found["pool_use", ""] is None
    assert found["worker_use", ""] == Figure(None)  # no worker lives, and none is overworked


def test_the_figures_of_a_queue() -> None:
    s = sample(
        depth=60, oldest_wait_s=90.0, rate_per_min=0.5, workers=2, succeeded=97, failed=3, dead=4,
        mean_wait_s=31.0, mean_processing_s=0.8,
    )  # fmt: skip
    of = seen(s, late={"billing": (7, 50)}, lost={"billing": (1, 400)})
    assert figure("queue_wait", of) == Figure(90.0, "The oldest due run has waited 1 min 30 s")
    assert figure("mean_wait", of).value == 31.0
    assert figure("backlog", of) == Figure(60, "60 runs are due and waiting")
    assert figure("stalled", of) == Figure(0.5, "60 due, 0.5 finished in the last minute; 2 workers serve it")
    assert figure("processing_latency", of) == Figure(800.0, "Runs take 0.8 s on average", 100)
    assert figure("mean_processing", of).value == 0.8
    assert figure("failure_rate", of) == Figure(
        3.0, "3 of 100 of the runs that finished in five minutes are dead letters", 3
    )
    assert figure("sla", of) == Figure(14.0, "7 of 50 of the newest runs took longer than their SLA allows", 7)
    assert figure("dead_letters", of) == Figure(
        0.25, "0.25 % of the last hour's runs are dead letters, and 4 lie there", 4
    )


def test_a_queue_that_somebody_paused_waits_without_an_alert_and_fails_with_one() -> None:
    s = sample(depth=9000, oldest_wait_s=9999.0, mean_wait_s=99.0, succeeded=1, failed=9)
    of = seen(s, held=frozenset({"billing"}))
    for rule in ("queue_wait", "mean_wait", "backlog", "stalled"):
        assert figure(rule, of) == Figure(None)
    assert figure("failure_rate", of).value == 90.0
    assert figure("throughput", of, "") == Figure(None)  # nothing that may run is waiting


def test_what_has_just_fallen_due_is_no_standstill() -> None:
    assert figure("stalled", seen(sample(depth=5, oldest_wait_s=59.0))) == Figure(None)


def test_long_runs_are_no_standstill_unless_a_backlog_waits_behind_them() -> None:
    values = {"oldest_wait_s": 90.0, "running": 2, "rate_per_min": 0.0}
    assert figure("stalled", seen(sample(depth=3, **values))) == Figure(None)
    assert figure("stalled", seen(sample(depth=51, **values))).value == 0.0


def test_throughput_speaks_only_while_there_is_a_backlog() -> None:
    assert figure("throughput", seen(sample(depth=50, rate_per_min=1)), "") == Figure(None)
    of = seen(sample(depth=50, rate_per_min=10), sample("email", depth=1, rate_per_min=20))
    assert figure("throughput", of, "").value == 1800.0


def test_the_figures_of_the_house() -> None:
    workers = (WorkerLook("a", (), 10, 9, 480.0), WorkerLook("b", (), 10, 8, 512.0))
    told = {"web 1": [PoolFacts("cache", peak=3, most=20)], "b": [PoolFacts("queue", peak=19, in_use=2, most=20)]}
    of = seen(workers=workers, pools=told)
    assert figure("worker_use", of, "") == Figure(85.0, "17 of 20 slots are busy")
    assert figure("worker_memory", of, "") == Figure(512.0, "The worker b uses 512 MB")
    assert figure("pool_use", of, "") == Figure(95.0, "b used 19 of 20 connections for queue at once")


@given(st.integers(0, 500), st.integers(0, 500))
def test_shares_are_between_0_and_100(failed: int, succeeded: int) -> None:
    found = figure("failure_rate", seen(sample(failed=failed, succeeded=succeeded)))
    assert found.value is not None and 0 <= found.value <= 100


# --- the questions to the ledger ---


def test_the_look_finds_what_the_watch_knows(server: Any, at_noon: clock.Fake, run: Any, worker: Any) -> None:
    run("billing", "pending", due_s=-42)
    run("billing", "succeeded")
    run("email", "pending")
    worker("billing")
    Queue.objects.filter(pk="email").update(enabled=False)
    Queue.objects.filter(pk="reports").update(drain_at=NOON)
    health.sample_all()
    pools.publish("w", alert_look.broker.connection("metrics"), NOON, [PoolFacts("queue", most=5)])
    found = alert_look.look(clock.now())
    assert set(found.samples) == set(catalogue.NAMES)
    assert found.samples["billing"].depth == 1
    assert found.held == {"email", "reports"}
    assert [each.name for each in found.workers] == ["host.1"]
    assert found.pools is not None and set(found.pools) == {"w"}
    assert found.lost["billing"] == (0, 1)


def test_an_old_sample_tells_nothing_of_now(server: Any, at_noon: clock.Fake, queues_exist: None) -> None:
    health.sample_all()
    at_noon.advance(61)
    assert alert_look.newest_samples(clock.now()) == {}


def test_of_several_samples_the_newest_counts(db: None) -> None:
    for age_s, depth in ((5, 2), (50, 1), (30, 3)):
        sample(at=NOON - timedelta(seconds=age_s), depth=depth).save()
    assert alert_look.newest_samples(NOON)["billing"].depth == 2


def test_pools_are_unknown_while_redis_is_away(no_server: None, at_noon: clock.Fake, queues_exist: None) -> None:
    assert alert_look.look(clock.now()).pools is None


@pytest.fixture
def promised(db: None) -> Any:
    """Jobs with an SLA of their own and without one, and a definition with a longer one."""
    registry.spec("tests.quick", queue="billing", params=NoParams, sla_warning_s=1, sla_critical_s=2)
    yield JobDefinition.objects.create(name="Patient", job="tests.quick", sla_critical_s=500)
    registry.forget("tests.quick")


def test_a_run_is_late_by_its_definitions_sla_else_its_jobs_else_the_settings(
    server: Any, at_noon: clock.Fake, run: Any, promised: JobDefinition
) -> None:
    run("billing", "succeeded", job="tests.quick", due_s=-3)  # late: 2 s are promised
    run("billing", "succeeded", job="tests.quick", due_s=-3, definition=promised)
    run("billing", "dead", job="tests.gone", due_s=-31)  # late: 30 s by the settings
    run("billing", "succeeded", job="tests.gone", due_s=-29)
    run("billing", "cancelled", job="tests.quick", due_s=-99)
    run("email", "succeeded", job="tests.gone", due_s=-1)
    assert alert_look._late(["billing", "email", "reports"], NOON) == {"billing": (2, 4), "email": (0, 1)}


def test_what_was_asked_for_a_later_time_is_promised_from_then_on(server: Any, at_noon: clock.Fake, run: Any) -> None:
    row = run("billing", "succeeded", due_s=-1)
    type(row).objects.update(created_at=NOON - timedelta(days=1), attempt=1)
    assert alert_look._late(["billing"], NOON) == {"billing": (0, 1)}
    type(row).objects.update(
        created_at=NOON - timedelta(minutes=3), attempt=2
    )  # retried: its first due time is not known
    assert alert_look._late(["billing"], NOON) == {"billing": (1, 1)}


def test_lines_stretch_with_the_most_patient_job_of_a_queue() -> None:
    registry.spec("tests.patient", queue="email", params=NoParams, sla_warning_s=60)
    try:
        found = alert_look.stretches()
    finally:
        registry.forget("tests.patient")
    assert (found["email"], found["data-sync"]) == (6.0, 1.0)
    waits = next(each for each in RULES if each.name == "queue_wait")
    assert judge(waits, lines_of(waits, stretch=found["email"]), Figure(29.0)) is None
