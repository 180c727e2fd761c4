"""queues.clean_history: what is past its retention goes, in chunks; what lives or is younger stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from queues import registry
from queues.contract import Done
from queues.engine.context import RunContext
from queues.errors import InvalidParams, RunCancelled
from queues.jobspecs import CleanHistory, clean_history
from queues.ledger import clock, states
from queues.ledger.facts import Claim
from queues.ledger.requests import new_id
from queues.models import (
    Alert,
    AlertEvent,
    EffectRecord,
    HealthSample,
    IdempotencyRecord,
    JobDefinition,
    Run,
    RunEvent,
    RunLogLine,
    WebhookAttempt,
    WebhookDelivery,
)
from queues.registry import NoParams
from queues.watch import history

from .conftest import NOON

Make = Callable[..., Run]


@pytest.fixture(autouse=True)
def kept_ten_days(at_noon: clock.Fake) -> Iterator[None]:
    """The runs' job keeps them for ten days, under its name and an older one."""
    registry.spec("tests.kept", queue="reports", params=NoParams, retention_days=10, aliases=("tests.kept_once",))
    yield
    registry.forget("tests.kept")


@pytest.fixture
def old(run: Make) -> Make:
    """old(days, …): a run that finished so many days ago."""

    def make(days: float, state: str = states.SUCCEEDED, **values: Any) -> Run:
        at = NOON - timedelta(days=days)
        return run("reports", state, **{"job": "tests.kept", "finished_at": at, "started_at": at, **values})

    return make


def clean(**params: Any) -> dict[str, Any]:
    outcome = clean_history.run(context(), CleanHistory(**params))  # type: ignore[misc]
    assert isinstance(outcome, Done)
    return dict(outcome.result or {})


def context() -> RunContext:
    claim = Claim(
        id=uuid4(), token=uuid4(), job=clean_history.name, queue="maintenance", params={}, attempt=0, max_attempts=3,
        crashes=0, timeout_s=60, backoff_base_s=1, backoff_cap_s=1, created_at=NOON, due_at=NOON, claimed_at=NOON,
        definition_id=None,
    )  # fmt: skip
    return RunContext(claim, NOON)


def left() -> set[Any]:
    return set(Run.objects.values_list("pk", flat=True))


def test_finished_runs_go_by_their_jobs_retention_and_live_ones_never(run: Make, old: Make) -> None:
    stay = {old(9.9).pk, run("reports", "pending", due_s=-90 * 86400, job="tests.kept").pk}
    stay |= {run("reports", state, due_s=-90 * 86400, job="tests.kept").pk for state in ("scheduled", "running")}
    for state in states.FINISHED:
        old(10.1, state)
    old(10.1, job="tests.kept_once")
    assert clean()["runs"] == 4
    assert left() == stay


def test_a_definitions_own_retention_goes_before_its_jobs(old: Make) -> None:
    longer = JobDefinition.objects.create(name="longer", job="tests.kept", retention_days=100)
    shorter = JobDefinition.objects.create(name="shorter", job="tests.kept", retention_days=1)
    plain = JobDefinition.objects.create(name="plain", job="tests.kept")
    stay = {old(50, definition=longer).pk, old(0.9, definition=shorter).pk, old(9, definition=plain).pk}
    old(101, definition=longer), old(2, definition=shorter), old(11, definition=plain)
    assert clean()["jobs"] == {"tests.kept": 3}
    assert left() == stay


def test_runs_of_a_job_that_is_gone_are_kept_for_thirty_days(old: Make) -> None:
    stay = {old(29, job="tests.gone").pk}
    old(31, job="tests.gone")
    assert clean()["jobs"] == {"tests.gone": 1}
    assert left() == stay


def test_events_and_log_go_with_their_run_and_effects_stay(old: Make) -> None:
    gone, kept = old(11), old(1)
    for row in (gone, kept):
        RunEvent.objects.create(run=row, at=NOON, kind="retry")
        RunLogLine.objects.create(run=row, at=NOON, attempt=1, message="hello")
    EffectRecord.objects.create(key="invoice:1", run_id=gone.pk, job=gone.job, created_at=NOON)
    clean()
    assert [event.run_id for event in RunEvent.objects.all()] == [kept.pk]
    assert [line.run_id for line in RunLogLine.objects.all()] == [kept.pk]
    assert EffectRecord.objects.count() == 1


def test_a_dry_run_counts_the_same_and_deletes_nothing(old: Make) -> None:
    old(11), old(11)
    HealthSample.objects.create(queue="email", at=NOON - timedelta(days=15), depth=0, running=0, score=100, grade="A")
    before = left()
    counted = clean(dry_run=True)
    assert left() == before
    assert HealthSample.objects.count() == 1
    assert {**counted, "dry_run": False} == clean()
    assert counted == {
        "dry_run": True,
        "runs": 2,
        "samples": 1,
        "keys": 0,
        "messages": 0,
        "alerts": 0,
        "jobs": {"tests.kept": 2},
    }


def test_old_samples_go_and_young_ones_stay(db: None) -> None:
    for days in (1, 13, 15, 400):
        at = NOON - timedelta(days=days)
        HealthSample.objects.create(queue="email", at=at, depth=0, running=0, score=100, grade="A")
    assert clean(chunk=1)["samples"] == 2
    assert HealthSample.objects.count() == 2
    assert clean(samples_days=2)["samples"] == 1


def test_alerts_that_resolved_long_ago_go_with_what_happened_to_them(db: None) -> None:
    at = NOON - timedelta(days=400)
    same = {"rule": "sla", "queue": "email", "level": "warning", "text": "t", "value": 1, "threshold": 1, "peak": 1}
    for days in (1, 89, 91, 300, None):
        row = Alert.objects.create(
            id=uuid4(), opened_at=at, level_at=at, last_seen_at=at, **same,
            resolved_at=None if days is None else NOON - timedelta(days=days),
        )  # fmt: skip
        AlertEvent.objects.create(alert=row, at=at, kind="opened", level="warning", value=1)
    assert clean(dry_run=True)["alerts"] == 2
    assert clean(chunk=1)["alerts"] == 2
    assert (Alert.objects.count(), AlertEvent.objects.count()) == (3, 3)
    assert Alert.objects.filter(resolved_at__isnull=True).exists()


def test_idempotency_keys_count_for_seven_days_and_then_go_in_chunks(db: None) -> None:
    for number, days in enumerate((0, 6.9, 7.1, 8, 400)):
        IdempotencyRecord.objects.create(
            scope="api:1", key=f"k{number}", fingerprint="f", run_id=uuid4(), created_at=NOON - timedelta(days=days)
        )
    assert clean(dry_run=True)["keys"] == 3
    assert list(history.delete_keys(history.plan(samples_days=14), chunk=2)) == [2, 3]
    assert set(IdempotencyRecord.objects.values_list("key", flat=True)) == {"k0", "k1"}
    assert clean()["keys"] == 0


def test_it_deletes_in_chunks_with_progress_and_goes_on_where_it_was_stopped(old: Make) -> None:
    for _ in range(7):
        old(11)
    stopped = context()
    stopped.stop(RunCancelled)
    with pytest.raises(RunCancelled):
        clean_history.run(stopped, CleanHistory(chunk=3))  # type: ignore[misc]
    assert Run.objects.count() == 4
    assert stopped.last_progress is not None
    assert (stopped.last_progress.done, stopped.last_progress.total) == (3, 7)
    assert list(history.delete_runs(history.plan(samples_days=14), chunk=3)) == [3, 4]


def test_a_run_put_back_to_work_after_it_was_counted_stays(old: Make) -> None:
    row = old(11, states.DEAD)
    plan = history.plan(samples_days=14)
    assert plan.runs == 1
    Run.objects.filter(pk=row.pk).update(state=states.PENDING, finished_at=None)
    assert list(history.delete_runs(plan, chunk=10)) == []
    assert left() == {row.pk}


@pytest.mark.parametrize("wrong", [{"chunk": 0}, {"chunk": 1000}, {"samples_days": 0}, {"older": 1}])
def test_wrong_parameters_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidParams):
        clean_history.validate(wrong)


def test_what_webhooks_were_told_goes_after_thirty_days_with_each_try(db: None) -> None:
    now = clock.now()
    for days in (29, 31, 40):
        told = WebhookDelivery.objects.create(
            id=new_id(), endpoint_id=uuid4(), event="run.dead", key="k", payload="{}", state="pending",
            created_at=now - timedelta(days=days),
        )  # fmt: skip
        WebhookAttempt.objects.create(delivery=told, at=now, duration_ms=1)
    assert clean(dry_run=True)["messages"] == 2
    assert clean(chunk=1)["messages"] == 2
    assert WebhookDelivery.objects.count() == WebhookAttempt.objects.count() == 1
