"""Two workers, a clock, crashes and people at will: whatever they do, what the ledger promises holds.

LEDGER_MACHINE=2000 tries so many sequences instead of the usual ones.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule, run_state_machine_as_test

from queues import registry
from queues.contract import Effect, RunRequest
from queues.engine.context import RunContext
from queues.errors import LeaseLost, WrongState
from queues.ledger import runs, states
from queues.ledger.crashes import MAX_LOSSES
from queues.ledger.facts import Claim, Ending, Progress
from queues.ledger.requests import new_row
from queues.models import EffectRecord, Queue, Run, RunEvent, RunLogLine, Worker

from .conftest import QUEUE, Number
from .ledger_promises import ACTOR, KEY_LIMITS, LIMITS, OTHER, RATES, Charged, Held, Promises

picks = st.integers(0, 99)
somebody_works = precondition(lambda self: self.living)
queues = st.sampled_from([QUEUE, QUEUE, OTHER])
kinds = st.sampled_from(["plain", "plain", "alike", "keyed", "keyed", "defined", "defined", "deduped"])
HOWS = [states.SUCCEEDED, states.SUCCEEDED, states.SCHEDULED, states.DEAD, states.CANCELLED, "crashed"]


class Ledger(Promises):
    """The acts of workers, of the lost among them, and of people."""

    # --- runs come ---

    @initialize(
        rate=st.sampled_from(sorted(RATES)), kinds=st.lists(kinds, min_size=2, max_size=4), share=st.integers(1, 3)
    )
    def begin(self, rate: str, kinds: list[str], share: int) -> None:
        """Some runs are there, and both workers have claimed some."""
        self.rate = rate
        Queue.objects.filter(name=QUEUE).update(rate_limit=rate)
        for kind in kinds:
            for queue in LIMITS:
                self.enqueue(queue, later=False, count=4, kind=kind, which="two")
        for who in (0, 1):
            self.claim(who, QUEUE, slots=1 + 2 * who, share=share, some=False)

    @rule(
        queue=queues,
        later=st.booleans(),
        count=st.integers(1, 4),
        kind=kinds,
        which=st.sampled_from(sorted(KEY_LIMITS)),
    )
    def enqueue(self, queue: str, later: bool, count: int, kind: str, which: str) -> None:
        options: dict[str, Any] = {
            "keyed": {"job": f"machine.{which}", "concurrency_key": which},
            "defined": {"definition_id": self.definition.pk},
            "deduped": {"dedupe_key": which},
        }.get(kind, {})
        at = self.time.now() + timedelta(seconds=5) if later else None
        request = RunRequest(**{"job": "machine.job", "params": {"n": 1}, "actor": ACTOR, "at": at, "queue": queue, **options})  # fmt: skip
        live = Run.objects.filter(dedupe_key=which, state__in=states.LIVE).first() if kind == "deduped" else None
        if kind == "alike":
            refs = runs.create_alike(new_row(request), ['{"n":1}'] * count)
        else:
            refs = runs.create([runs.new_run(request) for _ in range(count)])
        assert len(refs) == count
        if kind == "deduped":
            assert [ref.created for ref in refs] == [live is None] + [False] * (count - 1)
            assert {ref.id for ref in refs} == {live.id if live else refs[0].id}
        self.charged |= {ref.id: Charged() for ref in refs if ref.created}

    @rule(seconds=st.sampled_from([0.2, 0.5, 1.0, 3.0, 10.0]))
    def time_passes(self, seconds: float) -> None:
        self.time.advance(seconds)
        runs.promote()

    @rule(queue=queues, drains=st.booleans())
    def drain_or_resume(self, queue: str, drains: bool) -> None:
        Queue.objects.filter(name=queue).update(drain_at=self.time.now() if drains else None)
        self.time.advance(0.1)

    # --- a worker's life ---

    @rule(who=st.integers(0, 1), queue=queues, slots=st.integers(1, 4), share=st.integers(1, 4), some=st.booleans())
    def claim(self, who: int, queue: str, slots: int, share: int, some: bool) -> None:
        ids = list(Run.objects.filter(state=states.PENDING, queue=queue).values_list("id", flat=True))[::2]
        answer = runs.claim(queue, ids if some else None, worker_id=self.workers[who], slots=slots, share=share)
        drain_at = Queue.objects.values_list("drain_at", flat=True).get(pk=queue)
        claims = [claim for batch in answer.batches for claim in batch.claims]
        assert len(answer.batches) <= slots and all(0 < len(batch.claims) <= share for batch in answer.batches)
        assert all(drain_at is None or claim.created_at <= drain_at for claim in claims)
        assert set(answer.refused) == (set(ids) - {claim.id for claim in claims} if some else set())
        for batch in answer.batches:
            assert len(batch.claims) == 1 or not any(claim.crashes for claim in batch.claims), "not alone after a crash"
            self.held.append(Held(self.workers[who], batch, list(batch.claims)))
        if queue == QUEUE and claims:
            self.starts.append((self.time.now(), len(claims)))

    @somebody_works
    @rule(pick=picks, how=st.sampled_from(HOWS), shared=st.booleans(), again=st.booleans())
    def finish(self, pick: int, how: str, shared: bool, again: bool) -> None:
        one = self.living[pick % len(self.living)]
        claim = one.left.pop(0)
        keys = [f"done:{claim.id}", *["shared"] * shared] if how == states.SUCCEEDED else []
        cancelled = Run.objects.filter(pk=claim.id, cancel_requested_at__isnull=False).exists()
        ending = self.ending(claim, how, keys)
        taken = runs.finish([ending], slots=[] if one.left else [one.batch.token])
        if again:
            assert runs.finish([ending]) == []
        assert len(taken) == 1, "an ending was refused"
        self.held = [other for other in self.held if other.left]
        crashes = claim.crashes + (how == "crashed")
        self.charged[claim.id] = self.charged[claim.id]._replace(attempts=claim.attempt + 1, crashes=crashes)
        self.facts = {**{key: {"by": str(claim.id)} for key in keys}, **self.facts}
        if how == states.SUCCEEDED:
            assert claim.id not in self.succeeded, "a run succeeded twice"
            self.succeeded.add(claim.id)
        becomes = {"crashed": states.DEAD if crashes == runs.MAX_CRASHES else states.PENDING}.get(how, how)
        if cancelled and how in ("crashed", states.SCHEDULED):
            becomes = states.CANCELLED
        assert Run.objects.get(pk=claim.id).state == taken[0].state == becomes

    @somebody_works
    @rule(pick=picks, count=st.integers(1, 4), shared=st.booleans())
    def work_through(self, pick: int, count: int, shared: bool) -> None:
        """Some of a batch, one after the other."""
        for _ in range(min(count, len(self.living[pick % len(self.living)].left))):
            self.finish(pick, states.SUCCEEDED, shared=shared, again=False)

    def ending(self, claim: Claim, how: str, keys: list[str]) -> Ending:
        now, failed = self.time.now(), how != states.SUCCEEDED
        return Ending(
            claim=claim, state=states.PENDING if how == "crashed" else how, started_at=now, finished_at=now,
            retry_at=now + timedelta(seconds=2) if how == states.SCHEDULED else None, crashed=how == "crashed",
            effects=[Effect(key, {"by": str(claim.id)}) for key in keys], error_message="no" if failed else "",
        )  # fmt: skip

    @somebody_works
    @rule(pick=picks, shared=st.booleans(), fails=st.booleans())
    def effect(self, pick: int, shared: bool, fails: bool) -> None:
        """By the slow road: in a transaction of the handler's own, with a row that nothing keeps from doubling."""
        one = self.living[pick % len(self.living)]
        claim = one.left[0]
        key = "shared" if shared else f"slow:{claim.id}"
        before = (RunLogLine.objects.count(), EffectRecord.objects.count())
        try:
            with RunContext(claim, self.time.now()).effect(key) as slip:
                assert slip.fresh == (key not in self.facts) and slip.result == self.facts.get(key)
                if slip.fresh:
                    RunLogLine.objects.create(run_id=claim.id, at=self.time.now(), attempt=1, message=key)
                    slip.keep({"by": str(claim.id)})
                if fails:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            assert before == (RunLogLine.objects.count(), EffectRecord.objects.count())
            return
        if key not in self.facts:
            self.facts[key] = {"by": str(claim.id)}
            self.written[key] += 1

    @somebody_works
    @rule(pick=picks)
    def mark_started(self, pick: int) -> None:
        one = self.living[pick % len(self.living)]
        claim = one.left[0]
        runs.mark_started([(claim, self.time.now())])
        noted = Run.objects.values_list("started_at", "attempt").get(pk=claim.id)
        assert noted == (self.time.now(), claim.attempt + 1)

    @somebody_works
    @rule(pick=picks, waiting_alone=st.booleans())
    def give_back(self, pick: int, waiting_alone: bool) -> None:
        """All of a batch, or what waits behind its first."""
        one = self.living[pick % len(self.living)]
        kept = 1 if waiting_alone and len(one.left) > 1 else 0
        back, one.left = one.left[kept:], one.left[:kept]
        given = runs.give_back(back, slots=[] if one.left else [one.batch.token], why="tests")
        assert set(given) == {claim.id for claim in back}
        self.held = [other for other in self.held if other.left]

    @somebody_works
    @rule(pick=picks, taken_over=st.sampled_from([True, True, False]))
    def somebody_is_lost(self, pick: int, taken_over: bool) -> None:
        self.crash(self.workers.index(self.living[pick % len(self.living)].worker), taken_over)

    def crash(self, who: int, taken_over: bool) -> None:
        """The worker is found lost. Of each batch the first run had started: it is charged, and the others are not.

        `taken_over`: the other worker claims at once what it held."""
        lost = self.workers[who]
        seen = Worker.objects.get(pk=lost).renewals
        assert runs.renew(lost, busy=0, rss_mb=0)
        assert not runs.declare_lost(lost, seen), "it was alive"
        assert runs.declare_lost(lost, seen + 1)
        assert not runs.renew(lost, busy=0, rss_mb=0)
        mine = [one for one in self.held if one.worker == lost]
        back = {run_id for _, run_id in runs.rescue(lost)}
        for one in mine:
            one.lost = True
            first = one.left[0]
            alone, losses = first.crashes > 0, self.charged[first.id].losses
            self.charged[first.id] = Charged(first.attempt + 1, first.crashes + (not alone), losses + alone)
        expected = {claim.id for one in mine for claim in one.left}
        ended = {run.id for run in Run.objects.filter(pk__in=expected).exclude(state=states.PENDING)}
        assert back == expected - ended
        for run in Run.objects.filter(pk__in=ended):
            assert run.cancel_requested_at or (run.state, run.losses) == (states.DEAD, MAX_LOSSES)
        assert runs.rescue(lost) == [] and lost not in runs.bereft_workers()
        self.workers[who] = self.birth()
        for queue in LIMITS if taken_over else ():
            self.claim(1 - who, queue, slots=4, share=1, some=False)

    @precondition(lambda self: self.lost)
    @rule(pick=picks)
    def haunt(self, pick: int) -> None:
        """A lost worker tries everything with a run that it held: nothing comes of it."""
        one = self.lost[pick % len(self.lost)]
        claim, ids = one.left[0], [claim.id for claim in one.left]
        before = (list(Run.objects.filter(pk__in=ids).order_by("id").values()), RunEvent.objects.count())
        runs.mark_started([(claim, self.time.now())])
        runs.note_progress([Progress(claim.id, claim.token, 1.0, 2.0, "late")])
        with pytest.raises(LeaseLost), RunContext(claim, self.time.now()).effect("late"):
            RunLogLine.objects.create(run_id=claim.id, at=self.time.now(), attempt=1, message="late")
        for how in sorted(set(HOWS)):
            assert runs.finish([self.ending(claim, how, ["late"])], slots=[one.batch.token]) == []
        assert runs.give_back(one.left, slots=[one.batch.token], why="late") == []
        assert (list(Run.objects.filter(pk__in=ids).order_by("id").values()), RunEvent.objects.count()) == before

    # --- people ---

    @precondition(lambda self: self.charged)
    @rule(pick=picks, retries=st.booleans())
    def somebody_acts(self, pick: int, retries: bool) -> None:
        run_id = sorted(self.charged)[pick % len(self.charged)]
        before = Run.objects.get(pk=run_id)
        try:
            (runs.requeue if retries else runs.request_cancel)(run_id, actor=ACTOR)
        except WrongState:
            allowed = (states.DEAD, states.CANCELLED) if retries else states.LIVE
            rival = Run.objects.filter(dedupe_key=before.dedupe_key, state__in=states.LIVE).exclude(pk=run_id)
            assert before.state not in allowed or rival.exists()
            return
        if retries:
            self.charged[run_id] = Charged(before.attempt)

    # --- the end ---

    def drain(self) -> None:
        Queue.objects.update(drain_at=None)
        for who in (0, 1):
            self.crash(who, taken_over=False)
        self.held = []
        for _ in range(400):
            self.time_passes(10.0)
            for queue in LIMITS:
                self.claim(0, queue, slots=4, share=50, some=False)
            while self.held:
                self.finish(0, states.SUCCEEDED, shared=False, again=False)
            if not Run.objects.filter(state__in=states.LIVE).exists():
                return
        raise AssertionError("some runs never ended")


@pytest.mark.django_db
def test_no_sequence_of_acts_breaks_what_the_ledger_promises() -> None:
    specs = [
        registry.spec(f"machine.{name}", queue=QUEUE, params=Number, key_limit=limit)
        for name, limit in {"job": None, **KEY_LIMITS}.items()
    ]
    try:
        run_state_machine_as_test(
            Ledger,
            settings=settings(
                max_examples=int(os.environ.get("LEDGER_MACHINE", "60")),
                stateful_step_count=30,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        for spec in specs:
            registry.forget(spec.name)
