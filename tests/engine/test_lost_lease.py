"""A worker that was found lost goes on for a while: whatever it tries on a run that another one holds, nothing comes of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from queues.contract import Actor, Effect, RunRequest
from queues.engine.context import RunContext
from queues.errors import LeaseLost
from queues.ledger import clock, runs, states
from queues.ledger.facts import Claim, Ending, Progress
from queues.models import EffectRecord, Run, RunEvent, RunLogLine, Slot, Worker

from .conftest import QUEUE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("queues_exist")]


def worker() -> UUID:
    now = clock.now()
    return Worker.objects.create(id=uuid4(), name="w", host="h", pid=1, started_at=now, beat_at=now).pk


def claimed(by: UUID) -> Claim:
    (batch,) = runs.claim(QUEUE, worker_id=by, slots=1).batches
    (claim,) = batch.claims
    return claim


@pytest.fixture
def stale(job: Callable[..., Any]) -> Claim:
    """What a lost worker believes it holds: its run was rescued, and is held by another one."""
    declared, lost = job(lambda ctx, params: None), worker()
    runs.create([runs.new_run(RunRequest(job=declared.name, params={}, actor=Actor.system()))])
    mine = claimed(lost)
    assert runs.declare_lost(lost, renewals=0)
    assert runs.rescue(lost) == [(QUEUE, mine.id)]
    assert claimed(worker()).id == mine.id
    return mine


def ending(claim: Claim, state: str, **told: Any) -> Ending:
    now = clock.now()
    retry_at = now + timedelta(seconds=2) if state == states.SCHEDULED else None
    return Ending(claim=claim, state=state, started_at=now, finished_at=now, retry_at=retry_at, **told)


def still_held(run_id: UUID) -> bool:
    """By the other worker, as it was when that one claimed it."""
    run, slot = Run.objects.get(pk=run_id), Slot.objects.get()
    as_claimed = (run.state, run.lease_token, run.attempt, run.crashes, run.started_at, run.progress_done)
    return as_claimed == (states.RUNNING, slot.token, 1, 1, None, None)


def test_its_success_is_refused(stale: Claim) -> None:
    assert runs.finish([ending(stale, states.SUCCEEDED, effects=[Effect("late")])], slots=[stale.token]) == []
    assert still_held(stale.id) and not EffectRecord.objects.exists()


@pytest.mark.parametrize("state", [states.SCHEDULED, states.DEAD, states.CANCELLED])
def test_its_failure_is_refused(stale: Claim, state: str) -> None:
    assert runs.finish([ending(stale, state, error_message="no")]) == []
    assert still_held(stale.id)
    assert RunEvent.objects.get().kind == RunEvent.Kind.CRASHED, "of the rescue alone"


def test_the_crash_of_its_child_is_refused(stale: Claim) -> None:
    assert runs.finish([ending(stale, states.PENDING, crashed=True)]) == []
    assert still_held(stale.id)


def test_it_gives_nothing_back(stale: Claim) -> None:
    assert runs.give_back([stale], slots=[stale.token]) == []
    assert still_held(stale.id)


def test_it_marks_nothing_as_started(stale: Claim) -> None:
    runs.mark_started([(stale, clock.now())])
    assert still_held(stale.id)


def test_its_progress_is_not_shown(stale: Claim) -> None:
    runs.note_progress([Progress(stale.id, stale.token, 1.0, 2.0, "half")])
    assert still_held(stale.id)


def test_its_effect_is_refused_before_anything_is_written(stale: Claim) -> None:
    context = RunContext(stale, clock.now())
    with pytest.raises(LeaseLost), context.effect("late"):
        RunLogLine.objects.create(run_id=stale.id, at=clock.now(), attempt=1, message="charged")
    assert not RunLogLine.objects.exists() and not EffectRecord.objects.exists()
    assert still_held(stale.id)


def test_its_heartbeat_does_not_bring_it_back(stale: Claim) -> None:
    lost = Worker.objects.get(lost_at__isnull=False)
    assert not runs.renew(lost.pk, busy=1, rss_mb=1)
    assert Worker.objects.get(pk=lost.pk).renewals == 0


def test_the_one_that_holds_the_run_ends_it(stale: Claim) -> None:
    run = Run.objects.get(pk=stale.id)
    holder = Claim(**{**{name: getattr(stale, name) for name in Claim.__slots__}, "token": run.lease_token, "attempt": 1, "crashes": 1})  # fmt: skip
    assert runs.finish([ending(stale, states.DEAD)]) == []
    assert len(runs.finish([ending(holder, states.SUCCEEDED, effects=[Effect("late")])], slots=[holder.token])) == 1
    assert Run.objects.get(pk=stale.id).state == states.SUCCEEDED and EffectRecord.objects.count() == 1
