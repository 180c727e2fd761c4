"""Calls to outside, with a real provider over HTTP: done once, or honestly unknown; never blindly sent again."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError, connection, connections, transaction

from queues import failpoints
from queues.contract import Done, ports
from queues.engine import outbox, outbox_send, providers
from queues.engine.context import RunContext
from queues.engine.rules import Rules
from queues.engine.shop import Shop
from queues.errors import IdempotencyConflict, LeaseLost, RunCancelled, RunTimeout, WrongState
from queues.jobspecs import SettleCalls, settle_calls
from queues.ledger import clock, runs
from queues.ledger import outbox as ledger
from queues.ledger.queue_settings import ensure_queues
from queues.models import AuditEntry, OutboundCall, Queue, Run, Worker
from queues.outbound import Answer, Call, NotSent, OutboundRequest, OutcomeUnknown, Refused

from .conftest import QUEUE, Number, until
from .outside import Client, Outside, serving

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fake_window")]
ROOT = Path(__file__).resolve().parents[2]
KEY = "charge:C-17:2026-11"
POINTS = ["call.posted", "call.taken", "call.sent", "call.settled"]
ASKED = OutboundRequest(KEY, "outside", "charge", {"amount": "12.50"})


@pytest.fixture(autouse=True)
def time() -> Iterator[clock.Fake]:
    with clock.frozen(datetime(2026, 3, 1, 12, tzinfo=UTC)) as fake:
        yield fake


@pytest.fixture
def outside() -> Iterator[Outside]:
    with serving(Outside()) as server:
        yield server


@pytest.fixture
def client(outside: Outside) -> Iterator[Client]:
    known = Client(outside.port)
    outbox.provider(known)
    yield known
    providers.forget(known.name)


class Asker:
    """A run that makes a call. Each execution is a new worker's; the one before is lost with its worker."""

    def __init__(self, spec: Any) -> None:
        ensure_queues()
        Queue.objects.filter(name=QUEUE).update(concurrency=20)
        self.run_id, self.worker = spec.enqueue(Number()).id, None

    def execution(self) -> RunContext:
        self.lose()
        self.worker = uuid4()
        now = clock.now()
        Worker.objects.create(id=self.worker, name="w", host="h", pid=1, started_at=now, beat_at=now)
        (batch,) = runs.claim(QUEUE, [self.run_id], worker_id=self.worker, slots=1).batches
        return RunContext(batch.claims[0], now)

    def lose(self) -> None:
        if self.worker is not None:
            runs.declare_lost(self.worker, renewals=0)
            runs.rescue(self.worker)

    def call(self, **changes: Any) -> Answer:
        return self.execution().call(OutboundRequest(**{**vars(ASKED), **changes}))


@pytest.fixture
def asker(job) -> Callable[[], Asker]:
    spec = job(lambda ctx, params: None)
    return lambda: Asker(spec)


class Killed(BaseException):
    """What a process meets that is killed at a point."""


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """The next arrival at this point is the last thing that happens."""

    def arm(point: str) -> None:
        def reach(name: str) -> None:
            if name == point:
                monkeypatch.setattr(failpoints, "reach", lambda name: None)
                raise Killed(name)

        monkeypatch.setattr(failpoints, "reach", reach)

    return arm


def row() -> OutboundCall:
    return OutboundCall.objects.get(key=KEY)


def settle() -> list[str]:
    """What a run of queues.settle_calls does."""
    return [outbox.attend(one).state for one in outbox.due(100)]


def test_a_call_is_done_once_and_the_first_answer_is_given_again(client, outside, asker) -> None:
    first, second = asker(), asker()
    answer = first.call()
    assert answer.response == {"id": "op-1", "reference": KEY}
    assert first.call() == answer == second.call()
    assert outside.times(KEY) == 1 and len(outside.asked) == 1
    assert (row().state, row().attempts, row().token, row().next_at) == ("done", 1, None, None)


def test_the_idempotency_key_is_derived_from_the_key_or_given(client, outside, asker) -> None:
    asker().call()
    asker().call(key="other", idempotency_key="mine")
    assert outside.asked == [OutboundRequest(KEY, "x", "y").idempotency_key, "mine"]


def test_the_same_key_with_other_contents_is_an_error_and_nothing_is_sent(client, outside, asker) -> None:
    asker().call()
    with pytest.raises(IdempotencyConflict, match="another request"):
        asker().call(request={"amount": "99.00"})
    assert len(outside.asked) == 1


@pytest.mark.parametrize("looks_up", [True, False], ids=["looked up", "no look-up"])
@pytest.mark.parametrize("point", POINTS)
def test_a_crash_at_any_point_leads_to_one_execution_where_keys_are_honoured(
    client, outside, asker, dying, point, looks_up
) -> None:
    client.looks_up, one = looks_up, asker()
    dying(point)
    with pytest.raises(Killed):
        one.call()
    assert one.call().response["id"] == "op-1"
    assert outside.times(KEY) == 1 and len(set(outside.asked)) == 1 and row().state == "done"


@pytest.mark.parametrize("point", POINTS)
def test_a_crash_never_leads_to_a_blind_second_sending_where_keys_are_not_honoured(
    client, outside, asker, dying, time, point
) -> None:
    client.honours_idempotency_keys = client.looks_up = outside.honours = False
    one = asker()
    dying(point)
    with pytest.raises(Killed):
        one.call()
    in_doubt = point in ("call.taken", "call.sent")
    for _ in range(2):
        if in_doubt:
            with pytest.raises(OutcomeUnknown) as caught:
                one.call()
            assert not caught.value.permanent and caught.value.code == "outcome_unknown"
        else:
            one.call()
        time.advance(100_000)
        settle()
    assert len(outside.asked) == (0 if point == "call.taken" else 1)
    assert row().state == ("unknown" if in_doubt else "done")
    assert not in_doubt or row().next_at is None, "it waits for a person"


def test_what_was_surely_not_done_is_sent_again_once_it_can_no_longer_land(client, outside, asker, dying, time) -> None:
    client.honours_idempotency_keys = outside.honours = False
    one = asker()
    dying("call.taken")
    with pytest.raises(Killed):
        one.call()
    with pytest.raises(OutcomeUnknown) as caught:
        one.call()
    assert outside.asked == [] and caught.value.after_s == 70
    time.advance(70)
    assert one.call().response["id"] == "op-1"


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_process_leaves_one_execution(client, outside, asker, point) -> None:
    one = asker()
    ctx = one.execution()
    code = (
        "import django; django.setup()\n"
        "from uuid import UUID\nfrom queues import failpoints\nfrom queues.outbound import OutboundRequest\n"
        "from queues.engine import outbox\nfrom tests.engine.outside import Client\n"
        f"outbox.provider(Client({outside.port}))\nfailpoints.arm({point!r})\n"
        f"outbox.call(OutboundRequest({KEY!r}, 'outside', 'charge', {{'amount': '12.50'}}),"
        f" run_id=UUID('{ctx.run_id}'), lease=UUID('{ctx.token}'))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=beside(), capture_output=True, text=True)
    assert ran.returncode == -9, ran.stderr[-3000:]
    before = {"call.posted": "pending", "call.taken": "sending", "call.sent": "sending", "call.settled": "done"}
    assert row().state == before[point] and outside.times(KEY) == (point in ("call.sent", "call.settled"))
    assert one.call().response["id"] == "op-1"
    assert outside.times(KEY) == 1 and row().state == "done"


def beside() -> dict[str, str]:
    """The environment of another process on the tests' own database."""
    told = connection.settings_dict
    place = f"sqlite:///{told['NAME']}"
    if connection.vendor == "postgresql":
        place = f"postgres://{told['USER']}@{told['HOST']}:{told['PORT']}/{told['NAME']}"
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "project.settings.test", "DATABASE_URL": place}


def test_of_many_who_ask_at_once_one_sends(client, outside, asker) -> None:
    contexts, ends = [asker().execution() for _ in range(6)], []
    together = threading.Barrier(len(contexts))

    def ask(ctx: RunContext) -> None:
        together.wait(10)
        try:
            ends.append(ctx.call(ASKED).response["id"])
        except OutcomeUnknown:
            ends.append("busy")
        finally:
            connections.close_all()

    in_threads(*[lambda ctx=ctx: ask(ctx) for ctx in contexts])
    assert len(ends) == 6 and set(ends) <= {"op-1", "busy"} and "op-1" in ends
    assert len(outside.asked) == 1 and row().state == "done"


def test_of_many_runs_that_settle_at_once_one_sends_each_call(client, outside) -> None:
    keys = [f"mail:{n}" for n in range(10)]
    for key in keys:
        outbox.post(OutboundRequest(key, "outside", "mail"))
    in_threads(*[lambda: (settle(), connections.close_all()) for _ in range(4)])
    assert len(outside.asked) == 10 and all(outside.times(key) == 1 for key in keys)
    assert set(OutboundCall.objects.values_list("state", flat=True)) == {"done"}


def in_threads(*calls: Callable[[], object]) -> None:
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def test_two_threads_of_one_run_do_not_take_each_other_for_dead(client, outside, asker) -> None:
    client.honours_idempotency_keys = outside.honours = False
    ctx = asker().execution()
    outside.moods.append("hang")
    heard: list[Answer] = []
    slow = threading.Thread(target=lambda: (heard.append(ctx.call(ASKED)), connections.close_all()))
    slow.start()
    until(lambda: outside.times(KEY) == 1)
    with pytest.raises(OutcomeUnknown, match="being sent"):
        ctx.call(ASKED)
    outside.go_on.set()
    slow.join(10)
    assert heard and len(outside.asked) == 1


def test_a_refused_call_is_not_sent_again(client, outside, asker) -> None:
    outside.moods.append("refuse")
    for _ in range(2):
        with pytest.raises(Refused, match="stolen") as caught:
            asker().call()
        assert caught.value.permanent and caught.value.response == {"reason": "The card is stolen."}
    assert len(outside.asked) == 1 and outside.times(KEY) == 0 and row().state == "refused"


def test_a_refusal_that_was_not_heard_is_looked_up(client, outside, asker, dying) -> None:
    outside.moods.append("refuse")
    one = asker()
    dying("call.sent")
    with pytest.raises(Killed):
        one.call()
    with pytest.raises(Refused):
        one.call()
    assert row().state == "refused" and len(outside.asked) == 1


def test_a_run_sends_again_what_was_not_sent(client, outside, asker, time) -> None:
    port, client.port = client.port, closed_port()
    one = asker()
    with pytest.raises(NotSent):
        one.call()
    assert row().state == "pending" and row().sent_at is None
    time.advance(100_000)
    assert settle() == [], "nobody sends it for the run"
    client.port = port
    assert one.call().response["id"] == "op-1" and row().attempts == 2


def test_a_posted_call_that_was_not_sent_backs_off_and_is_sent_by_itself(client, outside, time) -> None:
    outside.moods.append("turn away")
    outbox.post(ASKED)
    assert settle() == ["pending"] and row().next_at == time.now() + timedelta(seconds=7)
    assert settle() == []
    time.advance(7)
    assert settle() == ["done"] and outside.times(KEY) == 1


def closed_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(("mood", "times"), [("drop", 1), ("lose", 0)])
def test_a_dropped_connection_makes_it_unknown_and_the_books_tell(client, outside, asker, time, mood, times) -> None:
    client.honours_idempotency_keys = outside.honours = False
    outside.moods.append(mood)
    one = asker()
    with pytest.raises(OutcomeUnknown):
        one.call()
    assert (row().state, outside.times(KEY)) == ("unknown", times)
    time.advance(60)
    assert settle() == ["done" if times else "pending"]
    assert one.call().response["id"] == "op-1" and outside.times(KEY) == 1


def test_a_provider_that_answers_too_late_is_unknown_and_looked_up(client, outside, asker) -> None:
    client.timeout_s = 0.2
    outside.moods.append("hang")
    one = asker()
    with pytest.raises(OutcomeUnknown, match="TimeoutError"):
        one.call()
    assert one.call().response["id"] == "op-1"
    assert len(outside.asked) == 1 and outside.times(KEY) == 1


def test_while_the_books_are_closed_it_stays_unknown(client, outside, asker, time) -> None:
    outside.moods.append("drop")
    one = asker()
    with pytest.raises(OutcomeUnknown):
        one.call()
    port, client.port = client.port, closed_port()
    time.advance(60)
    assert settle() == ["unknown"] and "; looked up: ConnectionRefusedError" in row().error
    assert row().next_at == time.now() + timedelta(seconds=30)
    client.port = port
    time.advance(30)
    assert settle() == ["done"] and len(outside.asked) == 1


def test_the_same_idempotency_key_is_used_only_while_its_window_is_open(client, outside, asker, time) -> None:
    client.looks_up = False
    outside.moods.append("drop")
    one = asker()
    with pytest.raises(OutcomeUnknown):
        one.call()
    time.advance(client.replay_window_s - client.lands_within_s)
    with pytest.raises(OutcomeUnknown) as caught:
        one.call()
    assert len(outside.asked) == 1 and caught.value.after_s is None
    assert settle() == [] and row().state == "unknown"


def test_not_sent_the_second_time_does_not_make_the_first_time_certain(client, outside, asker, time) -> None:
    client.looks_up = False
    outside.moods += ["drop", "turn away"]
    one = asker()
    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            one.call()
    assert len(outside.asked) == 2 and row().state == "unknown" and row().sent_at == time.now()
    assert row().next_at == time.now() + timedelta(seconds=60), "the first may still be under way"
    outside.answers.clear()  # the provider has forgotten the key
    time.advance(client.replay_window_s)
    with pytest.raises(OutcomeUnknown):
        one.call()
    assert outside.times(KEY) == 1


def test_nothing_is_sent_again_for_a_run_that_is_over(client, outside, asker, time, dying) -> None:
    client.looks_up = False
    one = asker()
    dying("call.taken")
    with pytest.raises(Killed):
        one.call()
    one.lose()
    Run.objects.filter(pk=one.run_id).update(state="dead", finished_at=time.now())
    time.advance(70)
    assert settle() == ["unknown"] and row().next_at is None and outside.asked == []


def test_a_call_whose_run_is_over_is_looked_up_at_once(client, outside, asker, dying) -> None:
    one = asker()
    dying("call.sent")
    with pytest.raises(Killed):
        one.call()
    assert settle() == [], "its run is held: it may be sending"
    one.lose()
    assert settle() == ["done"]


def test_a_lost_lease_sends_nothing(client, outside, asker) -> None:
    one = asker()
    ctx = one.execution()
    one.lose()
    with pytest.raises(LeaseLost):
        ctx.call(ASKED)
    assert outside.asked == [] and not OutboundCall.objects.exists()


def test_a_cancelled_run_begins_no_call(client, outside, asker) -> None:
    ctx = asker().execution()
    ctx.stop(RunCancelled)
    with pytest.raises(RunCancelled):
        ctx.call(ASKED)
    assert not OutboundCall.objects.exists()


def test_an_interrupt_in_the_middle_makes_it_unknown_and_goes_on(client, asker, monkeypatch) -> None:
    def send(call: Any) -> Answer:
        raise RunTimeout("The run took too long.")

    monkeypatch.setattr(client, "send", send)
    with pytest.raises(RunTimeout):
        asker().call()
    assert row().state == "unknown" and "RunTimeout" in row().error


def test_a_provider_is_never_asked_inside_a_transaction(client, outside, asker) -> None:
    ctx = asker().execution()
    with pytest.raises(outbox.InsideTransaction), ctx.effect("fact"):
        ctx.call(ASKED)
    outbox.post(ASKED)
    with pytest.raises(outbox.InsideTransaction), transaction.atomic():
        outbox.deliver(row())
    assert outside.asked == []


def test_an_answer_is_kept_though_the_database_was_away_for_a_moment(client, asker, monkeypatch) -> None:
    monkeypatch.setattr(outbox_send, "RECORD_AGAIN_S", (0.01,))
    settle_in_ledger, tries = ledger.settle, []

    def away_once(*args: Any) -> bool:
        tries.append(1)
        if len(tries) == 1:
            raise OperationalError("away")
        return settle_in_ledger(*args)

    monkeypatch.setattr(ledger, "settle", away_once)
    assert asker().call().response["id"] == "op-1" and len(tries) == 2


def test_a_process_that_stood_still_before_sending_does_not_send(client, outside, asker, monkeypatch) -> None:
    monkeypatch.setattr(ledger, "START_WITHIN_S", -1.0)
    with pytest.raises(NotSent, match="stood still"):
        asker().call()
    assert outside.asked == [] and row().state == "pending"


@pytest.mark.parametrize("response", [{"text": "a\0b\ud800"}, {"many": "x" * 70_000}, {"n": float("nan")}, ["listed"]])
def test_an_answer_that_cannot_be_stored_is_an_answer_nevertheless(client, asker, monkeypatch, response) -> None:
    monkeypatch.setattr(client, "send", lambda call: Answer(response))
    assert asker().call().response and row().state == "done"


def test_what_is_posted_in_a_transaction_is_there_with_its_run_or_not_at_all(client, outside) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        ports.postbox().post(ASKED)
        1 / 0
    assert not OutboundCall.objects.exists() and not Run.objects.exists()
    with transaction.atomic():
        refs = [ports.postbox().post(ASKED) for _ in range(2)]
        ports.postbox().post(OutboundRequest("other", "outside", "mail"))
        assert outside.asked == []
    assert [ref.created for ref in refs] == [True, False]
    assert [(run.job, run.state) for run in Run.objects.all()] == [("queues.settle_calls", "pending")]


def test_a_rolled_back_savepoint_takes_its_run_along_and_the_next_call_has_one(client) -> None:
    with transaction.atomic():
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            outbox.post(ASKED)
            1 / 0
        outbox.post(ASKED)
    assert Run.objects.count() == 1


def test_a_call_to_a_provider_that_nobody_knows_is_refused_at_once(client) -> None:
    with pytest.raises(outbox.UnknownProvider, match="Did you mean 'outside'"):
        outbox.post(OutboundRequest(KEY, "outsider", "charge"))


def test_a_posted_call_waits_for_a_process_that_knows_its_provider(client, outside, time) -> None:
    outbox.post(ASKED)
    providers.forget(client.name)
    assert settle() == ["pending"] and "no provider" in row().error
    assert settle() == []
    outbox.provider(client)
    time.advance(600)
    assert settle() == ["done"]


def test_whoever_leaves_a_call_open_asks_for_the_run_that_comes_back(client, outside, asker, time) -> None:
    outside.moods.append("lose")
    one = asker()
    with pytest.raises(OutcomeUnknown):
        one.call()
    due = Run.objects.filter(job=settle_calls.name).values_list("due_at", flat=True)
    assert any(row().next_at <= at <= row().next_at + timedelta(seconds=60) for at in due)
    before = len(due)
    with pytest.raises(IdempotencyConflict):
        one.call(operation="refund")
    asker().call(key="another")
    assert Run.objects.filter(job=settle_calls.name).count() == before, "calls of the same minute share their run"


def test_a_worker_settles_what_was_posted(fake_window, client, outside, time) -> None:
    ensure_queues()
    with transaction.atomic():
        for n in range(5):
            outbox.post(OutboundRequest(f"mail:{n}", "outside", "mail"))
    settle_calls.enqueue(SettleCalls(limit=2))
    shop = Shop("tests", Rules(queues=["external-api"], slots=1, grace_s=5.0, heartbeat_s=0.2, burst=True), fake_window)
    shop.run()
    assert set(OutboundCall.objects.values_list("state", flat=True)) == {"done"} and len(outside.asked) == 5
    results = [run.result for run in Run.objects.filter(state="succeeded")]
    assert sum(result.get("done", 0) for result in results) == 5


def test_the_job_stops_before_its_time_is_over_and_another_run_follows(client, outside, time) -> None:
    ensure_queues()
    for n in range(3):
        outbox.post(OutboundRequest(f"mail:{n}", "outside", "mail"))

    class Hasty(RunContext):
        def progress(self, done: float, total: float, note: str = "") -> None:
            time.advance(400)

    (batch, *_) = runs.claim("external-api", worker_id=uuid4(), slots=1).batches
    outcome = settle_calls.run(Hasty(batch.claims[0], time.now()), SettleCalls())
    assert isinstance(outcome, Done) and outcome.result == {"looked_after": 2, "done": 2}
    assert Run.objects.filter(parent_id=batch.claims[0].id).count() == 1


# --- late words, and a person's --------------------------------------------------------------------------------------


def taken(lands_within_s: float = 60) -> ledger.Held:
    outbox.post(ASKED)
    held = ledger.take(row().pk, lands_within_s=lands_within_s)
    assert held is not None
    return held


def test_a_call_has_one_sender(client) -> None:
    held = taken()
    assert ledger.take(row().pk, lands_within_s=60) is None
    assert ledger.settle(held, ledger.Word("done", {"id": 1}))
    assert not ledger.settle(held, ledger.Word("refused"))
    assert row().state == "done"


def test_a_late_word_under_an_old_token_changes_nothing(client, time) -> None:
    old = taken()
    ledger.give_up(row(), "gone")
    new = ledger.take_again(row(), lands_within_s=60)
    for word in (ledger.Word("done", {"id": "late"}), ledger.Word("pending"), ledger.Word("unknown")):
        assert not ledger.settle(old, word)
    assert row().token == new.token and row().state == "sending"


def test_not_sent_by_who_sends_again_leaves_it_unknown(client, time) -> None:
    taken()
    ledger.give_up(row(), "gone")
    since = row().sent_at
    time.advance(5)
    again = ledger.take_again(row(), lands_within_s=60)
    assert ledger.settle(again, ledger.Word("pending", error="busy", next_at=time.now()))
    assert (row().state, row().sent_at, row().token, row().attempts) == ("unknown", since, None, 2)


def test_the_last_senders_late_word_counts_while_nobody_has_decided(client, time) -> None:
    held = taken()
    ledger.give_up(row(), "gone")
    assert not ledger.settle(held, ledger.Word("unknown"))
    assert ledger.settle(held, ledger.Word("done", {"id": "late"}))
    assert row().state == "done" and row().response == {"id": "late"}


def test_a_call_is_taken_from_a_silent_sender_in_time(client, outside, time) -> None:
    taken()
    time.advance(69)
    assert settle() == []
    time.advance(1)
    assert settle() == ["done"] and outside.times(KEY) == 1


@pytest.mark.parametrize(
    ("outcome", "state", "times"), [("done", "done", 0), ("refused", "refused", 0), ("pending", "done", 1)]
)
def test_a_person_settles_an_unknown_call_with_a_reason(client, outside, time, actor, outcome, state, times) -> None:
    client.looks_up = client.honours_idempotency_keys = False
    taken()
    time.advance(70)
    assert settle() == ["unknown"]
    with pytest.raises(WrongState, match="Say why"):
        outbox.resolve(row().pk, outcome, actor=actor, why=" ")
    outbox.resolve(row().pk, outcome, actor=actor, why="Asked them by telephone.", response={"id": "told"})
    settle()
    assert (row().state, outside.times(KEY)) == (state, times)
    entry = AuditEntry.objects.get(action="call.resolve")
    assert (entry.before, entry.after) == ({"state": "unknown"}, {"state": outcome})
    assert entry.why == "Asked them by telephone." and entry.object_id == str(row().pk)


def test_a_persons_answer_is_the_answer_that_its_run_gets(client, outside, asker, time, actor) -> None:
    client.looks_up = client.honours_idempotency_keys = False
    outside.moods.append("drop")
    one = asker()
    with pytest.raises(OutcomeUnknown):
        one.call()
    outbox.resolve(row().pk, "done", actor=actor, why="Seen in their books.", response={"id": "op-1"})
    assert one.call().response == {"id": "op-1"}


def test_a_person_withdraws_a_call_that_was_not_sent(client, outside, actor) -> None:
    outbox.post(ASKED)
    outbox.resolve(row().pk, "refused", actor=actor, why="The customer left.")
    assert settle() == [] and outside.asked == []
    with pytest.raises(WrongState):
        outbox.resolve(row().pk, "pending", actor=actor, why="No, send it.")


def test_a_call_that_is_being_sent_is_nobodys_to_settle(client, actor) -> None:
    taken()
    with pytest.raises(WrongState, match="being sent"):
        outbox.resolve(row().pk, "done", actor=actor, why="In a hurry.")


class Post:
    """A provider that repeats in its answers what it was given. `mood`: what it answers."""

    name, honours_idempotency_keys, replay_window_s, lands_within_s = "post", False, 0.0, 5.0

    def __init__(self) -> None:
        self.mood, self.sent = "ok", []

    def send(self, call: Call) -> Answer:
        self.sent.append(dict(call.sealed))
        said = f"{call.sealed['to']} ({call.sealed['to'].replace(' ', '')})"
        if self.mood == "refuse":
            raise Refused(f"{said} is blocked", {"to": call.sealed["to"]})
        if self.mood == "lose":
            raise OSError(f"no word about {said}")
        return Answer({"id": "m-1", "to": call.sealed["to"], "words": said})

    def look_up(self, call: Call) -> Answer | None:
        return Answer({"id": "m-1", "to": call.sealed["to"]})


TO = "+43 660 123 45 67"
MAIL = {
    "key": "sms:C-17",
    "provider": "post",
    "operation": "sms",
    "request": {"text": "Tomorrow"},
    "sealed": {"to": TO},
}


@pytest.fixture
def post() -> Iterator[Post]:
    known = Post()
    outbox.provider(known)
    yield known
    providers.forget(known.name)


def kept_of_calls() -> str:
    """What a reader of the table sees."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM queues_outboundcall")
        return str(cursor.fetchall())


@pytest.mark.parametrize(("mood", "state"), [("ok", "done"), ("refuse", "refused"), ("lose", "unknown")])
def test_what_is_sealed_reaches_the_provider_and_no_row(post, asker, mood: str, state: str) -> None:
    post.mood = mood
    try:
        answer = asker().call(**MAIL)
        assert answer.response == {"id": "m-1", "to": "•••", "words": "••• (+•••)"}
    except (Refused, OutcomeUnknown) as error:
        assert "123" not in str(error) and "•••" in str(error)
    assert post.sent == [{"to": TO}]
    call = OutboundCall.objects.get(key="sms:C-17")
    assert (call.state, call.opened) == (state, {"to": TO})
    assert "•••" in kept_of_calls() and "123 45" not in kept_of_calls() and "6601234567" not in kept_of_calls()


def test_a_call_that_is_looked_up_is_blotted_too(post, asker, time: clock.Fake) -> None:
    post.mood = "lose"
    with pytest.raises(OutcomeUnknown):
        asker().call(**MAIL)
    time.advance(10)
    assert settle() == ["done"]
    assert OutboundCall.objects.get(key="sms:C-17").response == {"id": "m-1", "to": "•••"}


def test_the_same_key_with_another_sealed_part_is_another_request(post, asker) -> None:
    asker().call(**MAIL)
    assert asker().call(**MAIL).response["id"] == "m-1" and len(post.sent) == 1
    with pytest.raises(IdempotencyConflict, match="another sealed part"):
        asker().call(**{**MAIL, "sealed": {"to": "+43 1 999 99 99"}})
