"""What the ledger promises, whatever is done to it: the state machine's own books, and the invariants that hold the
database against them after every act."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Count
from hypothesis.stateful import RuleBasedStateMachine, invariant

from queues.contract import Actor
from queues.ledger import clock, states
from queues.ledger.facts import Batch, Claim
from queues.ledger.queue_settings import ensure_queues
from queues.models import EffectRecord, JobDefinition, Queue, Run, RunLogLine, Slot, Worker

from .conftest import QUEUE

OTHER = "maintenance"
LIMITS = {QUEUE: 4, OTHER: 2}  # slots
RATES = {"": 10**6, "3/s": 3}  # of QUEUE: starts in a second
KEY_LIMITS, DEFINITION_LIMIT = {"one": 1, "two": 2}, 2
SECOND = timedelta(seconds=1)
ACTOR = Actor.system("machine")


class Charged(NamedTuple):
    attempts: int = 0
    crashes: int = 0
    losses: int = 0


@dataclass
class Held:
    """What a worker believes it holds. `lost`: the ledger has taken it back."""

    worker: UUID
    batch: Batch
    left: list[Claim] = field(default_factory=list)
    lost: bool = False


class Promises(RuleBasedStateMachine):
    """The books: what was made, who holds what, what each run was charged, which facts happened and when runs started."""

    def __init__(self) -> None:
        super().__init__()
        self.time = clock.Fake(datetime(2026, 3, 1, tzinfo=UTC))
        self._open = ExitStack()
        self._open.enter_context(clock.using(self.time))
        self._open.enter_context(_rolled_back())
        ensure_queues()
        for queue, limit in LIMITS.items():
            Queue.objects.filter(name=queue).update(concurrency=limit)
        self.definition = JobDefinition.objects.create(name="M", job="machine.job", concurrency=DEFINITION_LIMIT)
        self.workers = [self.birth(), self.birth()]
        self.held: list[Held] = []
        self.charged: dict[UUID, Charged] = {}  # every run made
        self.states: dict[UUID, str] = {}  # as they were after the act before
        self.succeeded: set[UUID] = set()
        self.facts: dict[str, Any] = {}  # effect key → the first one's result
        self.written: Counter[str] = Counter()  # effect key → rows that its handlers wrote
        self.starts: list[tuple[datetime, int]] = []  # on QUEUE
        self.rate = ""

    @property
    def living(self) -> list[Held]:
        return [one for one in self.held if not one.lost]

    @property
    def lost(self) -> list[Held]:
        """What lost workers believe they hold; if there are some, those whose first run another one holds now."""
        held_now = {claim.id for one in self.living for claim in one.left}
        lost = [one for one in self.held if one.lost]
        return [one for one in lost if one.left[0].id in held_now] or lost

    def birth(self) -> UUID:
        now, worker = self.time.now(), uuid4()
        Worker.objects.create(id=worker, name="m", host="h", pid=1, started_at=now, beat_at=now)
        return worker

    def drain(self) -> None:
        """After all that, a healthy worker must bring everything to an end."""
        raise NotImplementedError

    def teardown(self) -> None:
        with self._open:
            self.drain()

    # --- after every act ---

    @invariant()
    def no_run_is_lost_and_each_is_charged_what_it_started(self) -> None:
        found = {run.id: run for run in Run.objects.only("id", "attempt", "crashes", "losses", "state")}
        assert set(found) == set(self.charged)
        for run_id, charged in self.charged.items():
            run = found[run_id]
            assert (run.crashes, run.losses) == (charged.crashes, charged.losses)
            assert run.attempt == charged.attempts or run.state == states.RUNNING  # there a start may have been noted

    @invariant()
    def states_follow_one_another_as_the_table_says(self) -> None:
        now = dict(Run.objects.values_list("id", "state"))
        for run_id, before in self.states.items():
            if now[run_id] != before:
                first = states.MAY_FOLLOW[before]
                second = {after for between in first for after in states.MAY_FOLLOW[between]}
                assert now[run_id] in first | second, f"{before} became {now[run_id]}"  # an act takes two steps at most
        self.states = now

    @invariant()
    def what_runs_is_what_the_living_hold_each_under_its_token(self) -> None:
        held = {claim.id: (one.batch.token, one.worker) for one in self.living for claim in one.left}
        running = Run.objects.filter(state=states.RUNNING).values_list("id", "lease_token", "worker_id")
        assert {run_id: (token, worker) for run_id, token, worker in running} == held
        assert set(Slot.objects.values_list("token", flat=True)) == {one.batch.token for one in self.living}

    @invariant()
    def limits_of_queues_keys_and_definitions_hold(self) -> None:
        for queue, limit in LIMITS.items():
            assert Slot.objects.filter(queue=queue).count() <= limit
        running = Run.objects.filter(state=states.RUNNING).order_by()
        slots = Count("lease_token", distinct=True)
        keyed = running.exclude(concurrency_key="").values_list("queue", "concurrency_key").annotate(slots)
        assert all(count <= KEY_LIMITS[key] for _, key, count in keyed)
        assert running.filter(definition=self.definition).aggregate(slots=slots)["slots"] <= DEFINITION_LIMIT

    @invariant()
    def no_second_has_more_starts_than_the_rate(self) -> None:
        for end, _ in self.starts:
            assert sum(count for at, count in self.starts if end - SECOND < at <= end) <= RATES[self.rate]

    @invariant()
    def a_dedupe_key_has_one_live_run(self) -> None:
        live = Run.objects.filter(state__in=states.LIVE, dedupe_key__isnull=False)
        assert all(count == 1 for count in Counter(live.values_list("dedupe_key", flat=True)).values())

    @invariant()
    def every_fact_happened_once(self) -> None:
        assert dict(EffectRecord.objects.values_list("key", "result")) == self.facts
        assert Counter(RunLogLine.objects.values_list("message", flat=True)) == self.written
        assert set(self.written.values()) <= {1}
        done = set(Run.objects.filter(state=states.SUCCEEDED).values_list("id", flat=True))
        assert done == self.succeeded == {UUID(key[5:]) for key in self.facts if key.startswith("done:")}


@contextmanager
def _rolled_back() -> Iterator[None]:
    with transaction.atomic():
        try:
            yield
        finally:
            transaction.set_rollback(True)
