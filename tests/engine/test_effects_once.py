"""An effect happens once, whoever brings it and however often. What a handler writes with it is counted in a table that
has no unique constraint: a doubling would be seen there."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connections

from queues.contract import Actor, Effect, RunRequest
from queues.engine.context import RunContext
from queues.errors import LeaseLost
from queues.ledger import clock, runs, states
from queues.ledger.facts import Claim, Ending
from queues.models import EffectRecord, RunLogLine, Worker

from .conftest import QUEUE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("queues_exist")]
KEY = "charge:1"


def worker() -> UUID:
    now = clock.now()
    return Worker.objects.create(id=uuid4(), name="w", host="h", pid=1, started_at=now, beat_at=now).pk


def claimed(count: int = 1, by: UUID | None = None) -> list[Claim]:
    """So many pending runs, each in a slot of its own."""
    batches = runs.claim(QUEUE, worker_id=by or worker(), slots=count, share=1).batches
    claims = [claim for batch in batches for claim in batch.claims]
    assert len(claims) == count
    return claims


@pytest.fixture
def made(job: Callable[..., Any]) -> Callable[[int], None]:
    declared = job(lambda ctx, params: None)

    def make(count: int) -> None:
        request = RunRequest(job=declared.name, params={}, actor=Actor.system())
        runs.create([runs.new_run(request) for _ in range(count)])

    return make


def charge(claim: Claim, result: int) -> Any:
    """What a handler does: it charges unless somebody has. Returns the charge that stands."""
    with RunContext(claim, clock.now()).effect(KEY) as slip:
        if slip.fresh:
            RunLogLine.objects.create(run_id=claim.id, at=clock.now(), attempt=1, message=f"charged {result}")
            slip.keep({"charge": result})
    return slip.result


def finish(claim: Claim, state: str = states.SUCCEEDED, *effects: Effect) -> None:
    now = clock.now()
    retry_at = now if state == states.SCHEDULED else None
    done = Ending(claim=claim, state=state, started_at=now, finished_at=now, retry_at=retry_at, effects=effects)
    assert runs.finish([done], slots=[claim.token])


def charges() -> list[str]:
    return list(RunLogLine.objects.values_list("message", flat=True))


def test_two_runs_with_the_same_effect_charge_once_and_tell_the_same(made: Callable[[int], None]) -> None:
    made(2)
    one, two = claimed(2)
    assert charge(one, 1) == charge(two, 2) == {"charge": 1}
    assert charges() == ["charged 1"] and EffectRecord.objects.count() == 1


def test_an_attempt_after_a_failed_one_does_not_charge_again(made: Callable[[int], None]) -> None:
    made(1)
    (first,) = claimed()
    charge(first, 1)
    finish(first, states.SCHEDULED)
    assert runs.promote() == [(QUEUE, first.id)]
    (second,) = claimed()
    assert charge(second, 2) == {"charge": 1}
    assert charges() == ["charged 1"] and EffectRecord.objects.count() == 1


def test_what_fails_inside_leaves_nothing_and_is_done_by_the_next_attempt(made: Callable[[int], None]) -> None:
    made(1)
    (claim,) = claimed()
    with pytest.raises(ValueError, match="no"), RunContext(claim, clock.now()).effect(KEY) as slip:
        RunLogLine.objects.create(run_id=claim.id, at=clock.now(), attempt=1, message="half")
        slip.keep({"charge": 0})
        raise ValueError("no")
    assert charges() == [] and not EffectRecord.objects.exists()
    assert charge(claim, 1) == {"charge": 1} and charges() == ["charged 1"]


def test_of_many_in_one_transaction_each_that_is_new_happens_and_the_others_tell_the_first(
    made: Callable[[int], None],
) -> None:
    made(2)
    one, two = claimed(2)
    charge(one, 1)
    with RunContext(two, clock.now()).effects(["charge:3", KEY, "charge:2"]) as slips:
        assert {key: slip.fresh for key, slip in slips.items()} == {"charge:3": True, KEY: False, "charge:2": True}
        slips["charge:2"].keep({"charge": 2})
    kept = dict(EffectRecord.objects.values_list("pk", "result"))
    assert kept == {KEY: {"charge": 1}, "charge:2": {"charge": 2}, "charge:3": {}} and slips[KEY].result == {
        "charge": 1
    }


def test_of_many_of_which_one_fails_none_happens(made: Callable[[int], None]) -> None:
    made(1)
    (claim,) = claimed()
    with pytest.raises(ValueError, match="no"), RunContext(claim, clock.now()).effects(["a", "b"]) as slips:
        slips["a"].keep({"charge": 0})
        raise ValueError("no")
    assert not EffectRecord.objects.exists()


def test_the_same_effect_of_two_endings_is_recorded_once(made: Callable[[int], None]) -> None:
    made(2)
    for number, claim in enumerate(claimed(2)):
        finish(claim, states.SUCCEEDED, Effect(KEY, {"charge": number}))
    assert [record.result for record in EffectRecord.objects.all()] == [{"charge": 0}]


def test_an_ending_with_an_effect_that_a_handler_did_adds_nothing(made: Callable[[int], None]) -> None:
    made(2)
    one, two = claimed(2)
    charge(one, 1)
    finish(two, states.SUCCEEDED, Effect(KEY, {"charge": 2}))
    assert [record.result for record in EffectRecord.objects.all()] == [{"charge": 1}]


# --- at the same time ---


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_runs_at_the_same_moment_charge_once(made: Callable[[int], None]) -> None:
    made(2)
    gate, told = threading.Barrier(2), []

    def handler(claim: Claim, number: int) -> None:
        try:
            gate.wait(10)
            told.append(charge(claim, number))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=handler, args=(claim, n)) for n, claim in enumerate(claimed(2))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(charges()) == EffectRecord.objects.count() == 1
    assert told == [EffectRecord.objects.get().result] * 2


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_run_whose_effect_is_open_is_not_rescued_until_it_is_through(made: Callable[[int], None]) -> None:
    made(1)
    mine = worker()
    (claim,) = claimed(by=mine)
    inside, go_on, outside, go_further, refused = *(threading.Event() for _ in range(4)), list[LeaseLost]()

    def handler() -> None:
        context = RunContext(claim, clock.now())
        try:
            with context.effect(KEY) as slip:
                inside.set()
                assert go_on.wait(20)
                RunLogLine.objects.create(run_id=claim.id, at=clock.now(), attempt=1, message="charged 1")
                slip.keep({"charge": 1})
            outside.set()
            assert go_further.wait(20)
            with context.effect("charge:2"):
                RunLogLine.objects.create(run_id=claim.id, at=clock.now(), attempt=1, message="charged 2")
        except LeaseLost as error:
            refused.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=handler)
    thread.start()
    assert inside.wait(10)
    assert runs.declare_lost(mine, renewals=0)
    rescued_inside = runs.rescue(mine)
    go_on.set()
    assert outside.wait(10)
    rescued_outside = runs.rescue(mine)
    go_further.set()
    thread.join(20)
    assert (rescued_inside, rescued_outside) == ([], [(QUEUE, claim.id)])
    assert len(refused) == 1 and charges() == ["charged 1"]
    (again,) = claimed()
    assert charge(again, 2) == {"charge": 1} and charges() == ["charged 1"]
