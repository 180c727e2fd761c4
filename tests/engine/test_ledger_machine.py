"""Two workers, a clock and crashes at will: whatever they do, nothing is lost and nothing counts twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from queues import registry
from queues.contract import Actor, Effect, RunRequest
from queues.errors import WrongState
from queues.ledger import clock, runs, states
from queues.ledger.facts import Batch, Claim, Ending
from queues.ledger.queue_settings import ensure_queues
from queues.models import EffectRecord, Queue, Run, Slot, Worker

from .conftest import QUEUE, Number

LIMIT = 2
ACTOR = Actor.system("machine")


class Ledger(RuleBasedStateMachine):
    """`held` is what each worker believes it holds; a worker that crashed may still try to write."""

    def __init__(self) -> None:
        super().__init__()
        self.time = clock.Fake(datetime(2026, 3, 1, tzinfo=UTC))
        self._clock = clock.using(self.time)
        self._clock.__enter__()
        self._atomic = transaction.atomic()
        self._atomic.__enter__()
        ensure_queues()
        Queue.objects.filter(name=QUEUE).update(concurrency=LIMIT)
        self.workers = [self.birth(), self.birth()]
        self.held: list[tuple[UUID, Batch, list[Claim]]] = []
        self.made: set[UUID] = set()
        self.accepted: set[UUID] = set()

    def teardown(self) -> None:
        self.drain()
        transaction.set_rollback(True)
        self._atomic.__exit__(None, None, None)
        self._clock.__exit__(None, None, None)

    def birth(self) -> UUID:
        now, worker = self.time.now(), uuid4()
        Worker.objects.create(id=worker, name="m", host="h", pid=1, started_at=now, beat_at=now)
        return worker

    @rule(later=st.booleans(), count=st.integers(1, 4))
    def enqueue(self, later: bool, count: int) -> None:
        at = self.time.now() + timedelta(seconds=5) if later else None
        request = RunRequest(job="machine.job", params={"n": 1}, actor=ACTOR, at=at)
        self.made |= {ref.id for ref in runs.create([runs.new_run(request) for _ in range(count)])}

    @rule(who=st.integers(0, 1), slots=st.integers(1, 3))
    def claim(self, who: int, slots: int) -> None:
        ids = list(Run.objects.filter(state=states.PENDING).values_list("id", flat=True))
        for batch in runs.claim(QUEUE, ids, worker_id=self.workers[who], slots=slots).batches:
            self.held.append((self.workers[who], batch, list(batch.claims)))

    @precondition(lambda self: self.held)
    @rule(
        pick=st.integers(0, 99),
        how=st.sampled_from([states.SUCCEEDED, states.SCHEDULED, states.DEAD]),
        again=st.booleans(),
    )
    def finish(self, pick: int, how: str, again: bool) -> None:
        worker, batch, left = self.held[pick % len(self.held)]
        claim, now = left.pop(0), self.time.now()
        ending = Ending(
            claim=claim, state=how, started_at=now, finished_at=now, effects=[Effect(f"done:{claim.id}")] if how == states.SUCCEEDED else (),
            retry_at=now + timedelta(seconds=2) if how == states.SCHEDULED else None, error_message="no" if how != states.SUCCEEDED else "",
        )  # fmt: skip
        taken = runs.finish([ending], slots=[batch.token] if not left else [])
        if again:
            assert runs.finish([ending]) == []
        if taken:
            assert worker in self.workers, "an ending of a lost worker was accepted"
            if how == states.SUCCEEDED:
                assert claim.id not in self.accepted, "a run succeeded twice"
                self.accepted.add(claim.id)
        self.held = [entry for entry in self.held if entry[2]]

    @precondition(lambda self: self.held)
    @rule(pick=st.integers(0, 99))
    def give_back(self, pick: int) -> None:
        entry = self.held.pop(pick % len(self.held))
        runs.give_back(entry[2], slots=[entry[1].token])

    @rule(who=st.integers(0, 1))
    def crash(self, who: int) -> None:
        lost = self.workers[who]
        assert runs.declare_lost(lost, Worker.objects.get(pk=lost).renewals)
        runs.rescue(lost)
        assert not runs.renew(lost, busy=0, rss_mb=0)
        self.workers[who] = self.birth()

    @rule(who=st.integers(0, 1))
    def beat(self, who: int) -> None:
        assert runs.renew(self.workers[who], busy=0, rss_mb=0)

    @rule(seconds=st.integers(1, 10))
    def time_passes(self, seconds: int) -> None:
        self.time.advance(seconds)
        runs.promote()

    @precondition(lambda self: self.made)
    @rule(pick=st.integers(0, 999), verb=st.sampled_from([runs.request_cancel, runs.requeue]))
    def somebody_acts(self, pick: int, verb: object) -> None:
        try:
            verb(sorted(self.made)[pick % len(self.made)], actor=ACTOR)  # type: ignore[operator]
        except WrongState:
            pass

    @invariant()
    def no_run_is_lost(self) -> None:
        assert set(Run.objects.values_list("id", flat=True)) == self.made

    @invariant()
    def the_limit_holds(self) -> None:
        assert Slot.objects.filter(queue=QUEUE).count() <= LIMIT

    @invariant()
    def every_running_run_is_held_by_a_slot_of_its_worker(self) -> None:
        tokens = {slot.token: slot.worker_id for slot in Slot.objects.all()}
        for run in Run.objects.filter(state=states.RUNNING):
            assert run.lease_token is not None and tokens[run.lease_token] == run.worker_id

    @invariant()
    def every_success_has_its_effect_once(self) -> None:
        done = set(Run.objects.filter(state=states.SUCCEEDED).values_list("id", flat=True))
        assert done == self.accepted
        assert set(EffectRecord.objects.values_list("key", flat=True)) == {f"done:{run_id}" for run_id in done}

    def drain(self) -> None:
        """After all that, two healthy workers bring everything to an end."""
        for who in (0, 1):
            self.crash(who)
        self.held.clear()
        for _ in range(60):
            self.time_passes(10)
            self.claim(0, 3)
            while self.held:
                self.finish(0, states.SUCCEEDED, False)
            if not Run.objects.filter(state__in=states.LIVE).exists():
                return
        raise AssertionError("some runs never ended")


@pytest.mark.django_db
def test_no_sequence_of_acts_loses_or_doubles_a_run() -> None:
    spec = registry.spec("machine.job", queue=QUEUE, params=Number)
    try:
        run_state_machine_as_test(
            Ledger,
            settings=settings(
                max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
    finally:
        registry.forget(spec.name)
