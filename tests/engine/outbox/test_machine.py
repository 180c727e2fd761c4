"""Senders that pause, die and come late, a provider that drops and delays, a person: nothing is done twice for a key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from queues import failpoints
from queues.contract import Actor
from queues.engine import outbox, outbox_wake, providers
from queues.engine.outbox_doubt import is_replayable
from queues.errors import LeaseLost, WrongState
from queues.ledger import clock
from queues.ledger import outbox as ledger
from queues.ledger.outbox import START_WITHIN_S, Held, Word
from queues.ledger.outbox_states import CLOSED, OPEN, PENDING, SENDING, UNKNOWN
from queues.models import OutboundCall, Run
from queues.outbound import Answer, Call, LookUpImpossible, NotSent, OutboundRequest, OutcomeUnknown, Refused

ACTOR = Actor.system("machine")
POSTED, CALLED = "posted", "called"  # by a service; by a run
KINDS = st.sampled_from([POSTED, CALLED])
MOODS = st.lists(st.sampled_from(["ok", "late", "drop", "lose", "turn away", "refuse"]), min_size=3, max_size=3)
POINTS = st.sampled_from([None, None, None, "call.taken", "call.sent", "call.posted", "call.settled"])


class Killed(BaseException):
    """The process is gone at this point."""


@dataclass
class Books:
    """A provider whose requests may be under way for a while. It forgets idempotency keys when their window is over."""

    honours_idempotency_keys: bool
    looks_up: bool
    now: Any
    name: str = "machine"
    replay_window_s: float = 600.0
    lands_within_s: float = 60.0
    moods: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)  # the keys of what was done
    refused: set[str] = field(default_factory=set)
    first: dict[str, tuple[datetime, str]] = field(default_factory=dict)  # idempotency key → when, done or refused
    under_way: list[tuple[datetime, Call]] = field(default_factory=list)

    def send(self, call: Call) -> Answer:
        mood = self.moods.pop(0) if self.moods else "ok"
        if mood == "turn away":
            raise NotSent("busy")
        if mood == "late":
            self.under_way.append((self.now(), call))
        if mood in ("late", "lose"):
            raise TimeoutError
        self.receive(call, refuses=mood == "refuse")
        if mood == "drop":
            raise ConnectionError
        if call.key in self.refused:
            raise Refused("no")
        return Answer({"key": call.key})

    def receive(self, call: Call, refuses: bool = False) -> None:
        at, what = self.first.get(call.idempotency_key, (None, ""))
        if self.honours_idempotency_keys and at and self.now() < at + timedelta(seconds=self.replay_window_s):
            return  # the first answer again
        self.first[call.idempotency_key] = (self.now(), what)
        if refuses and call.key not in self.done:
            self.refused.add(call.key)
        else:
            self.done.append(call.key)

    def look_up(self, call: Call) -> Answer | None:
        if not self.looks_up:
            raise LookUpImpossible("no books")
        if self.moods and self.moods[0] == "lose":
            raise ConnectionError
        if call.key in self.refused:
            raise Refused("no")
        return Answer({"key": call.key}) if call.key in self.done else None


@dataclass
class Paused:
    """A sender between taking and settling, in a process of its own."""

    held: Held
    taken_at: datetime
    word: Word | None = None  # what the provider told it


class Outbox(RuleBasedStateMachine):
    honours, looks_up = True, True

    def __init__(self) -> None:
        super().__init__()
        OutboundCall.objects.all().delete()
        Run.objects.all().delete()
        self.time = clock.Fake(datetime(2026, 3, 1, tzinfo=UTC))
        self._clock = clock.using(self.time)
        self._clock.__enter__()
        self.books = outbox.provider(Books(self.honours, self.looks_up, self.time.now))
        self.paused: list[Paused] = []
        self.run = self.born()
        self.number = {POSTED: 0, CALLED: 0}
        self.by_hand: set[str] = set()
        self.before: dict[str, tuple[str, int]] = {}

    def teardown(self) -> None:
        try:
            self.drain()
        finally:
            providers.forget("machine")
            self._clock.__exit__(None, None, None)

    def born(self) -> tuple[UUID, UUID]:
        now, run_id, lease = self.time.now(), uuid4(), uuid4()
        Run.objects.create(
            id=run_id, job="machine", queue="reports", state="running", created_at=now, due_at=now, claimed_at=now,
            lease_token=lease, worker_id=uuid4(),
        )  # fmt: skip
        return run_id, lease

    def key(self, kind: str) -> str:
        """The call that it is about now: once it is closed, the next one."""
        if OutboundCall.objects.filter(key=f"{kind}:{self.number[kind]}", state__in=CLOSED).exists():
            self.number[kind] += 1
        return f"{kind}:{self.number[kind]}"

    def row(self, kind: str) -> OutboundCall | None:
        return OutboundCall.objects.filter(key=f"{kind}:{self.number[kind]}").first()

    @contextmanager
    def dying(self, point: str | None) -> Iterator[None]:
        """Whoever acts here is killed at the point, if it is reached."""

        def reach(name: str) -> None:
            if name == point:
                raise Killed

        reached, failpoints.reach = failpoints.reach, reach
        try:
            with suppress(Killed):
                yield
        finally:
            failpoints.reach = reached

    # --- who asks and sends ---

    @rule()
    def post(self) -> None:
        outbox.post(OutboundRequest(self.key(POSTED), "machine", "do"))

    @rule(moods=MOODS, point=POINTS)
    def a_run_calls(self, moods: list[str], point: str | None) -> None:
        run_id, lease = self.run
        self.books.moods = list(moods)
        with self.dying(point), suppress(Refused, NotSent, OutcomeUnknown, LeaseLost):
            outbox.call(OutboundRequest(self.key(CALLED), "machine", "do"), run_id=run_id, lease=lease)

    @rule(moods=MOODS, point=POINTS)
    def the_job_settles(self, moods: list[str], point: str | None) -> None:
        with self.dying(point):
            for row in outbox.due(100):
                self.books.moods = list(moods)
                outbox.attend(row)

    @rule(over=st.booleans())
    def a_run_is_taken_back(self, over: bool) -> None:
        """To another execution, or for good; then another run asks for the same."""
        run_id, _ = self.run
        if over:
            Run.objects.filter(pk=run_id).update(state="dead", lease_token=None, finished_at=self.time.now())
            self.run = self.born()
        else:
            self.run = run_id, uuid4()
            Run.objects.filter(pk=run_id).update(lease_token=self.run[1])

    # --- the same in slow motion ---

    @rule(kind=KINDS)
    def take(self, kind: str) -> None:
        row, run_id = self.row(kind), self.run[0] if kind == CALLED else None
        if row is None:
            return
        if row.state == UNKNOWN and is_replayable(self.books, row.sent_at, self.time.now()):
            held = ledger.take_again(row, lands_within_s=60, run_id=run_id)
            assert held is not None and held.again
        else:
            held = ledger.take(row.pk, lands_within_s=60, run_id=run_id)
            assert (held is not None) == (row.state == PENDING)
        if held is not None:
            self.paused.append(Paused(held, self.time.now()))

    @precondition(lambda self: any(one.word is None for one in self.paused))
    @rule(pick=st.integers(0, 99), moods=MOODS)
    def send(self, pick: int, moods: list[str]) -> None:
        unsent = [one for one in self.paused if one.word is None]
        one = unsent[pick % len(unsent)]
        if self.time.now() - one.taken_at > timedelta(seconds=START_WITHIN_S):
            one.word = Word(PENDING, next_at=self.time.now())  # it stood still for too long to send
            return
        self.books.moods = list(moods)
        try:
            one.word = Word("done", self.books.send(one.held.call).response)
        except NotSent:
            one.word = Word(PENDING, next_at=self.time.now() + timedelta(seconds=60 if one.held.again else 0))
        except Refused:
            one.word = Word("refused")
        except (ConnectionError, TimeoutError):
            one.word = Word(UNKNOWN, next_at=self.time.now() + timedelta(seconds=60))

    @precondition(lambda self: any(one.word is not None for one in self.paused))
    @rule(pick=st.integers(0, 99), dies=st.booleans())
    def settle(self, pick: int, dies: bool) -> None:
        told = [one for one in self.paused if one.word is not None]
        one = told[pick % len(told)]
        self.paused.remove(one)
        if dies:
            return
        before = OutboundCall.objects.get(pk=one.held.call.id)
        settled = ledger.settle(one.held, one.word)
        after = OutboundCall.objects.get(pk=one.held.call.id)
        if before.token != one.held.token:
            assert not settled, "an old token settled a call"
        if not settled:
            assert (after.state, after.token, after.response) == (before.state, before.token, before.response)

    # --- the world ---

    @rule(pick=st.integers(0, 99), arrives=st.booleans())
    def a_request_lands(self, pick: int, arrives: bool) -> None:
        if self.books.under_way:
            _, call = self.books.under_way.pop(pick % len(self.books.under_way))
            if arrives:
                self.books.receive(call)

    @rule(seconds=st.sampled_from([1, 5, 20, 70, 700]), arrives=st.booleans())
    def time_passes(self, seconds: int, arrives: bool) -> None:
        """No request is under way for longer than the provider says."""
        lands = timedelta(seconds=self.books.lands_within_s)
        for at, call in list(self.books.under_way):
            if self.time.now() + timedelta(seconds=seconds) >= at + lands:
                self.books.under_way.remove((at, call))
                if arrives:
                    self.books.receive(call)
        self.time.advance(seconds)

    @rule(kind=KINDS, outcome=st.sampled_from(["done", "refused", "pending"]))
    def a_person_decides(self, kind: str, outcome: str) -> None:
        """Who says "send it" has made sure that nothing was done, and nothing is under way."""
        row = self.row(kind)
        if row is None:
            return
        key = row.key
        coming = [call.key for _, call in self.books.under_way] + [one.held.call.key for one in self.paused]
        if outcome == "pending" and (key in self.books.done or key in self.books.refused or key in coming):
            return
        with suppress(WrongState):
            outbox.resolve(row.pk, outcome, actor=ACTOR, why="Asked them.")
            self.by_hand.add(key)

    # --- what holds ---

    @invariant()
    def nothing_is_done_twice(self) -> None:
        assert len(self.books.done) == len(set(self.books.done)), self.books.done

    @invariant()
    def every_row_is_as_it_should_be(self) -> None:
        for row in OutboundCall.objects.all():
            self.it_has_one_sender(row)
            if row.key not in self.by_hand:
                self.what_it_says_is_true(row)
            was, attempts = self.before.get(row.key, (PENDING, 0))
            assert was not in CLOSED or (row.state, row.attempts) == (was, attempts), "a closed call changed"
            self.before[row.key] = row.state, row.attempts

    def it_has_one_sender(self, row: OutboundCall) -> None:
        assert sum(one.held.token == row.token for one in self.paused) <= 1
        assert row.state != SENDING or row.token is not None
        assert row.state not in (PENDING, *CLOSED) or row.token is None

    def what_it_says_is_true(self, row: OutboundCall) -> None:
        assert row.state != "done" or row.key in self.books.done
        assert row.state != "refused" or row.key not in self.books.done
        assert row.state != PENDING or row.key not in self.books.done, "it was done, and waits to be sent"

    def drain(self) -> None:
        """Then everything goes well: all is settled, or it waits for a person because nobody else can tell."""
        self.paused.clear()
        self.books.moods = []
        for seconds in (700, 70, 70, 70):
            self.time_passes(seconds, True)
            self.a_run_calls([], None)
            self.the_job_settles([], None)
        for row in OutboundCall.objects.filter(state__in=OPEN):
            assert row.state == UNKNOWN and not self.looks_up and row.next_at is None, (row.state, row.next_at)
        self.nothing_is_done_twice()
        self.every_row_is_as_it_should_be()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("looks_up", [True, False], ids=["looked up", "no look-up"])
@pytest.mark.parametrize("honours", [True, False], ids=["keys honoured", "keys ignored"])
def test_no_sequence_of_acts_does_anything_twice(honours: bool, looks_up: bool, monkeypatch) -> None:
    monkeypatch.setattr(outbox_wake, "come_back", lambda at: None)  # the machine comes when it pleases
    monkeypatch.setattr(outbox_wake, "come_at_once", lambda: None)
    machine = type("Machine", (Outbox,), {"honours": honours, "looks_up": looks_up})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=30, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
