"""What happens is told to those who want to know: in its own transaction, once, and until it has arrived."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db import connection, connections, transaction
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from queues import registry
from queues.contract import Actor
from queues.engine import webhook_tend
from queues.engine.webhook_deliver import deliver
from queues.errors import WrongState
from queues.ledger import clock, runs, states, webhook_deliveries, webhook_endpoints, webhook_subscriptions, webhooks
from queues.ledger.facts import Claim, Ending
from queues.ledger.queue_settings import ensure_queues
from queues.ledger.requests import new_id
from queues.ledger.webhook_events import DELIVERS, EVENTS, RunEnd
from queues.ledger.webhook_schedule import MAX_ATTEMPTS, OFF_AFTER
from queues.models import AuditEntry, Run, WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookTally, Worker

from .receiver import Receiver, receiving

ADA = Actor(label="ada", source="api")
RUN_EVENTS = tuple(name for name in EVENTS if name.startswith("run."))
Make = Callable[..., WebhookEndpoint]


@pytest.fixture(autouse=True)
def here() -> Iterator[None]:
    with override_settings(WEBHOOK_ALLOWED_PRIVATE=["127.0.0.1"]):
        yield


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(Receiver()) as made:
        yield made


@pytest.fixture
def make(receiver: Receiver) -> Make:
    """A webhook of a manager's, who wants to be told of every ending on billing; in force at once."""

    def made(role: str = "manager", **asked: Any) -> WebhookEndpoint:
        user, new = User.objects.get_or_create(username=f"of-{role}")
        if new:
            user.groups.add(Group.objects.get_or_create(name=role)[0])
        user = User.objects.get(pk=user.pk)
        asked = {"url": receiver.url, "events": RUN_EVENTS, "queues": ["billing"], **asked}
        row = webhook_endpoints.make(user, by=user, actor=ADA, **asked)
        webhook_subscriptions.refresh()
        return row

    return made


def held(queue: str = "billing", job: str = "tests.bill", **values: Any) -> Claim:
    """A run that a worker holds."""
    now, token = clock.now(), uuid4()
    row = Run.objects.create(
        id=new_id(), job=job, queue=queue, state="running", lease_token=token, worker_id=uuid4(), claimed_at=now,
        created_at=now, due_at=now, max_attempts=3, **values,
    )  # fmt: skip
    return Claim(row.id, job, queue, "{}", row.attempt, 3, row.crashes, 60, 1, 1, now, now, None, token, now)


def ending(claim: Claim, state: str = states.SUCCEEDED, **values: Any) -> Ending:
    now = clock.now()
    return Ending(claim, state, now, now, retry_at=now if state == states.SCHEDULED else None, **values)


def told() -> list[str]:
    return list(WebhookDelivery.objects.order_by("id").values_list("event", flat=True))


def one(**values: Any) -> WebhookDelivery:
    """The only message, in that state."""
    (row,) = WebhookDelivery.objects.filter(**values)
    return row


# --- what becomes a message ---

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("state", [states.SUCCEEDED, states.DEAD, states.CANCELLED, states.SCHEDULED])
def test_an_ending_is_told(make: Make, state: str) -> None:
    row = make()
    claim = held()
    runs.finish([ending(claim, state, error_type="StoreAway", error_code="503", error_message="of Mrs Smith")])
    found = one()
    event = {
        "succeeded": "run.succeeded",
        "dead": "run.dead",
        "cancelled": "run.cancelled",
        "scheduled": "run.retried",
    }[state]
    body = json.loads(found.payload)
    assert (found.event, found.endpoint_id, found.queue, found.subject) == (event, row.id, "billing", str(claim.id))
    assert (body["type"], body["data"]["id"], body["data"]["state"], body["data"]["attempt"]) == (
        event,
        str(claim.id),
        state,
        1,
    )
    failed = state in (states.DEAD, states.SCHEDULED)
    assert body["data"]["error"] == ({"type": "StoreAway", "code": "503"} if failed else None)
    assert "Smith" not in found.payload, "an error's message may hold what is personal"


def test_an_ending_and_its_message_are_one_transaction(make: Make) -> None:
    make()
    claim = held()
    with pytest.raises(RuntimeError), transaction.atomic():
        runs.finish([ending(claim)])
        assert told() == ["run.succeeded"]
        raise RuntimeError
    assert told() == [] and Run.objects.get().state == "running"


def test_an_ending_that_is_refused_is_not_told(make: Make) -> None:
    make()
    claim = held()
    runs.finish([ending(claim)])
    assert runs.finish([ending(claim, states.DEAD)]) == []
    assert told() == ["run.succeeded"]


def test_an_error_that_no_text_can_hold_holds_up_no_ending(make: Make) -> None:
    make()
    runs.finish([ending(held(), states.DEAD, error_type="A\0\ud800", error_code="\0")])
    assert json.loads(one().payload)["data"]["error"] == {"type": "A\0\ud800", "code": "\0"}
    assert dict(deliver()) == {"delivered": 1}


def test_many_endings_are_told_in_one_statement(make: Make) -> None:
    make()
    make(queues=["billing", "email"])
    few, many = [held()], [held() for _ in range(40)]
    counts = []
    for claims in (few, many):
        with CaptureQueriesContext(connection) as seen:
            runs.finish([ending(claim) for claim in claims])
        counts.append(len(seen))
    assert counts[0] == counts[1] and WebhookDelivery.objects.count() == 82


def test_where_nobody_wants_to_be_told_nothing_is_asked(make: Make, django_assert_num_queries: Any) -> None:
    """The endings' way is the fastest there is: it gains no statement, whoever is told of other things."""

    def statements() -> list[str]:
        claims = [held() for _ in range(3)]
        with CaptureQueriesContext(connection) as seen:
            runs.finish([ending(claim) for claim in claims])
        return [each["sql"].split()[0] for each in seen.captured_queries]

    before = statements()
    assert not any("webhook" in each.lower() for each in before)
    make(events=["alert.opened"])
    make(queues=["email"])
    assert statements() == before
    assert told() == []


def test_what_a_webhook_does_not_want_is_not_told(make: Make) -> None:
    make(events=["run.dead"])
    make(jobs=[DELIVERS])
    runs.finish([ending(held()), ending(held(queue="email"), states.DEAD)])
    assert told() == []
    runs.finish([ending(held(), states.DEAD)])
    assert told() == ["run.dead"]


def test_the_deliveries_own_runs_are_told_nobody(make: Make) -> None:
    make("admin", queues=["external-api", "billing"])
    runs.finish([ending(held("external-api", DELIVERS), state) for state in (states.SUCCEEDED, states.DEAD)])
    assert told() == []


def test_a_run_cancelled_while_it_waits_is_told_each_time(make: Make) -> None:
    make()
    now = clock.now()
    many = [
        Run.objects.create(id=new_id(), job="tests.bill", queue="billing", state="pending", created_at=now, due_at=now)
        for _ in range(3)
    ]
    runs.request_cancel(many[0].id, actor=ADA)
    runs.cancel_waiting([run.id for run in many], actor=ADA)
    assert told() == ["run.cancelled"] * 3
    runs.requeue(many[0].id, actor=ADA)
    runs.request_cancel(many[0].id, actor=ADA)
    assert told() == ["run.cancelled"] * 4


def test_a_run_taken_from_a_lost_worker_is_told_when_that_ends_it(make: Make) -> None:
    make()
    now = clock.now()
    worker = Worker.objects.create(id=new_id(), name="w", host="h", pid=1, started_at=now, beat_at=now, lost_at=now)
    ends = {"pending": {}, "dead": {"crashes": 1, "losses": 9}, "cancelled": {"cancel_requested_at": now}}
    for values in ends.values():  # each in a batch of its own: all three had been started
        claim = held(**values)
        Run.objects.filter(pk=claim.id).update(worker_id=worker.pk)
    runs.rescue(worker.pk)
    assert sorted(Run.objects.values_list("state", flat=True)) == sorted(ends)
    assert sorted(told()) == ["run.cancelled", "run.dead"]


def test_announcing_twice_tells_once(make: Make) -> None:
    make(events=["alert.opened"])
    make("admin", events=["alert.opened", "alert.resolved"])
    data = {"id": 17, "text": "It is slow"}
    assert webhooks.announce("alert.opened", key="alert:17", queue="billing", data=data) == 2
    assert webhooks.announce("alert.opened", key="alert:17", queue="billing", data=data) == 0
    assert webhooks.announce("alert.resolved", key="alert:17:over", queue=None, data=data) == 1
    assert {row.subject for row in WebhookDelivery.objects.all()} == {"17"}
    with pytest.raises(ValueError, match="160"):
        webhooks.announce("alert.opened", key="x" * 161, queue=None, data={})


def test_what_is_of_no_queue_is_for_whoever_sees_the_whole(make: Make) -> None:
    row = make(events=["alert.opened"])
    WebhookEndpoint.objects.update(whole=False)  # made with a key that may not
    webhook_subscriptions.refresh()
    assert webhooks.announce("alert.opened", key="a", queue=None, data={}) == 0
    WebhookEndpoint.objects.update(whole=True)
    row.owner.groups.clear()
    webhook_subscriptions.refresh()
    assert webhooks.announce("alert.opened", key="a", queue=None, data={}) == 0


@pytest.mark.parametrize("change", ["off", "owner off", "no role", "gone"])
def test_who_may_not_be_told_any_more_gets_no_new_message(make: Make, change: str) -> None:
    row = make()
    lose(row, change)
    webhook_subscriptions.refresh()
    runs.finish([ending(held())])
    assert told() == []


def lose(row: WebhookEndpoint, change: str) -> None:
    if change == "off":
        webhook_endpoints.pause(row, actor=ADA)
    elif change == "owner off":
        User.objects.filter(pk=row.owner_id).update(is_active=False)
    elif change == "no role":
        row.owner.groups.clear()
    else:
        webhook_endpoints.delete(row, actor=ADA)


# --- on its way ---


def test_a_message_arrives_signed_and_is_done(make: Make, receiver: Receiver) -> None:
    row = make()
    runs.finish([ending(held())])
    assert dict(deliver()) == {"delivered": 1}
    found = one(state="delivered")
    (seen,) = receiver.seen
    assert seen.id == str(found.id) and seen.verified(row.secret)["type"] == "run.succeeded"
    assert (found.attempts, found.status, found.next_at, found.token) == (1, 204, None, None) and found.done_at
    tried = WebhookAttempt.objects.get()
    assert (tried.delivery_id, tried.status, tried.error) == (found.id, 204, "")
    assert WebhookEndpoint.objects.get().last_success_at is not None
    assert dict(deliver()) == {} and len(receiver.seen) == 1


def test_what_does_not_arrive_is_sent_again_later_and_later_then_dead_and_again_when_somebody_says_so(
    make: Make, receiver: Receiver
) -> None:
    make()
    receiver.usual = 500
    waits = []
    with clock.frozen(clock.now()) as at:
        runs.finish([ending(held())])
        for attempt in range(1, MAX_ATTEMPTS + 1):
            (row,) = webhook_deliveries.take(lambda row: 8)
            webhook_deliveries.settle([webhook_deliveries.Sent(row, at.now(), 3, 500, "It answered 500.")], lambda: 0.0)
            found = one()
            assert (found.attempts, found.status) == (attempt, 500)
            if found.state == "dead":
                break
            wait = (found.next_at - at.now()).total_seconds()  # type: ignore[operator]
            waits.append(wait)
            at.advance(wait - 1)
            assert webhook_deliveries.take(lambda row: 8) == [], "not before its time"
            at.advance(1)
        assert waits == [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
        assert one().state == "dead" and WebhookAttempt.objects.count() == MAX_ATTEMPTS
        receiver.usual = 200
        assert webhook_deliveries.replay(WebhookDelivery.objects.all(), actor=ADA, why="It is mended") == 1
        assert dict(deliver()) == {"delivered": 1}
    assert [seen.id for seen in receiver.seen] == [str(one(state="delivered").id)]
    assert AuditEntry.objects.filter(action="webhook.replay", why="It is mended").count() == 1
    assert dict(WebhookTally.objects.values_list("outcome", "total")) == {"retried": 9, "dead": 1, "delivered": 1}


def test_a_receiver_that_asks_for_time_is_given_it(make: Make, receiver: Receiver) -> None:
    make()
    receiver.usual, receiver.headers = 429, {"Retry-After": "3600"}
    with clock.frozen(clock.now()) as at:
        runs.finish([ending(held())])
        assert dict(deliver()) == {"retried": 1}
        assert one().next_at == at.now() + timedelta(hours=1)


def test_who_dies_between_sending_and_settling_makes_it_come_twice_under_one_id(make: Make, receiver: Receiver) -> None:
    make()
    with clock.frozen(clock.now()) as at:
        runs.finish([ending(held())])
        (first,) = webhook_deliveries.take(lambda row: 8)  # and never heard of again
        assert dict(deliver()) == {} and receiver.seen == []
        at.advance(webhook_deliveries.TAKEN_S)
        assert dict(deliver()) == {"delivered": 1}
        late = webhook_deliveries.Sent(first, at.now(), 1, 500, "It answered 500.")
        assert not webhook_deliveries.settle([late]), "a late word changes nothing"
    found = one(state="delivered")
    assert [seen.id for seen in receiver.seen] == [str(first.id)] and found.attempts == 2


@pytest.mark.django_db(transaction=True)
def test_a_process_killed_by_its_receiver_leaves_the_message_to_another(make: Make, receiver: Receiver) -> None:
    make()
    runs.finish([ending(held())])
    connections.close_all()
    pid = os.fork()
    if pid == 0:
        deliver()
        os._exit(0)
    receiver.moods.append(lambda desk: os.kill(pid, signal.SIGKILL))  # it has read it, and not answered
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) and one().state == "sending"
    with clock.frozen(clock.now() + timedelta(seconds=webhook_deliveries.TAKEN_S)):
        assert dict(deliver()) == {"delivered": 1}
    assert len({seen.id for seen in receiver.seen}) == 1 and len(receiver.seen) == 2


@pytest.mark.parametrize("change", ["owner off", "no role"])
def test_the_owners_right_is_asked_at_each_sending(make: Make, receiver: Receiver, change: str) -> None:
    row = make()
    runs.finish([ending(held())])
    lose(row, change)
    assert dict(deliver()) == {} and receiver.seen == []
    found = one(state="dead")
    assert found.error == webhook_deliveries.NO_RIGHT and found.attempts == 0


@pytest.mark.parametrize("change", ["off", "gone"])
def test_nothing_is_sent_to_a_webhook_that_is_off_or_gone(make: Make, receiver: Receiver, change: str) -> None:
    row = make()
    runs.finish([ending(held())])
    lose(row, change)
    assert dict(deliver()) == {} and receiver.seen == []
    assert one().state == "pending"
    if change == "off":
        webhook_endpoints.resume(row, actor=ADA)
        assert dict(deliver()) == {"delivered": 1}, "what waited goes on"


def test_410_switches_a_webhook_off_at_once(make: Make, receiver: Receiver) -> None:
    make()
    receiver.usual = 410
    runs.finish([ending(held())])
    assert dict(deliver()) == {"dead": 1}
    row = WebhookEndpoint.objects.get()
    assert (row.enabled, row.disabled_by, row.disabled_why) == (False, "", "It answered 410 Gone.")
    assert AuditEntry.objects.filter(action="webhook.disable", source="system").count() == 1


def test_five_days_of_nothing_but_failures_switch_a_webhook_off(make: Make, receiver: Receiver) -> None:
    make()
    receiver.usual = 500
    with clock.frozen(clock.now()) as at:
        for _ in range(3):
            runs.finish([ending(held())])
            deliver()
            assert WebhookEndpoint.objects.get().enabled
            at.advance(OFF_AFTER.total_seconds() / 2 - 1)
        receiver.moods.append(204)  # one that arrives, and the days count anew
        runs.finish([ending(held())])
        WebhookDelivery.objects.filter(attempts__gt=0).delete()
        deliver()
        assert WebhookEndpoint.objects.get().failing_since is None
        for _ in range(2):
            runs.finish([ending(held())])
            deliver()
            at.advance(OFF_AFTER.total_seconds())
    assert "for 5 days" in WebhookEndpoint.objects.get().disabled_why


def test_one_that_hangs_holds_up_nobody_else(make: Make, receiver: Receiver) -> None:
    with receiving(Receiver(usual="hang")) as slow:
        make(url=slow.url)
        make()
        WebhookEndpoint.objects.filter(url=slow.url).update(failing_since=clock.now())
        for _ in range(5):
            runs.finish([ending(held())])
        begun_s = time.perf_counter()
        slow.moods.extend([lambda desk: until(lambda: len(receiver.seen) == 5)] * 5)
        assert dict(deliver()) == {"delivered": 10}
        assert time.perf_counter() - begun_s < 10
    assert len(receiver.seen) == 5


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    assert true()


def test_room_is_by_webhook(make: Make) -> None:
    make()
    make("admin")
    runs.finish([ending(held()) for _ in range(5)])
    assert len(webhook_deliveries.take(lambda row: 2, most=3)) == 3
    assert len(webhook_deliveries.take(lambda row: 2, most=1)) == 1
    assert len(webhook_deliveries.take(lambda row: 8)) == 6
    assert webhook_deliveries.take(lambda row: 8) == []


def test_taking_costs_the_same_for_many_as_for_few(make: Make) -> None:
    make()
    counts = []
    for number in (1, 8):
        runs.finish([ending(held()) for _ in range(number)])
        with CaptureQueriesContext(connection) as seen:
            assert len(webhook_deliveries.take(lambda row: 8)) == number
        counts.append(len(seen))
    assert counts[0] == counts[1]


# --- the tender ---


def test_the_tender_has_one_run_come_while_anything_is_due(make: Make) -> None:
    ensure_queues()
    webhook_tend.tick()
    assert not Run.objects.filter(job=DELIVERS).exists()
    make()
    webhook_tend.tick()
    assert not Run.objects.filter(job=DELIVERS).exists(), "nothing is due"
    runs.finish([ending(held())])
    webhook_tend.tick()
    webhook_tend.tick()
    assert Run.objects.filter(job=DELIVERS).count() == 1
    Run.objects.filter(job=DELIVERS).update(state="succeeded", finished_at=clock.now())
    webhook_tend.tick()
    assert Run.objects.filter(job=DELIVERS).count() == 2, "still due"


def test_without_a_webhook_a_tick_is_one_question(db: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        webhook_tend.tick()


def test_the_job_delivers(make: Make, receiver: Receiver) -> None:
    make()
    runs.finish([ending(held())])

    class Context:
        def cancelled(self) -> bool:
            return False

    outcome = registry.get(DELIVERS).run(Context(), registry.NoParams())  # type: ignore[misc,arg-type]
    assert outcome.result == {"delivered": 1} and len(receiver.seen) == 1  # type: ignore[union-attr]


# --- the webhooks themselves ---


def test_a_secret_is_kept_sealed_and_told_nobody(make: Make) -> None:
    row = make()
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM queues_webhookendpoint")
        (kept,) = cursor.fetchone()
    assert row.secret.startswith("whsec_") and kept.startswith("sealed:") and row.secret not in kept
    entry = AuditEntry.objects.get(action="webhook.create")
    assert row.secret not in str((entry.before, entry.after))


def test_after_a_rotation_both_sign_for_a_while(make: Make, receiver: Receiver) -> None:
    row = make()
    old = row.secret
    with clock.frozen(clock.now()) as at:
        new = webhook_endpoints.rotate(row, actor=ADA).secret
        assert new != old
        runs.finish([ending(held())])
        deliver()
        at.advance(webhook_endpoints.BOTH_SIGN_S + 1)
        runs.finish([ending(held())])
        deliver()
    first, second = receiver.seen
    assert len(first.headers["webhook-signature"].split(" ")) == 2
    assert len(second.headers["webhook-signature"].split(" ")) == 1


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"url": "http://hooks.example/"}, "url"), ({"url": "https://10.0.0.1/"}, "url"), ({"events": []}, "events"),
        ({"events": ["run.flown"]}, "events"), ({"queues": []}, "queues"), ({"queues": ["nowhere"]}, "queues"),
        ({"jobs": ["tests.nothing"]}, "jobs"), ({"role": "driver"}, "queues"),
    ],
)  # fmt: skip
def test_a_webhook_that_will_not_do_is_refused_by_field(make: Make, asked: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as wrong:
        make(**asked)
    assert field in wrong.value.message_dict and not WebhookEndpoint.objects.exists()


def test_an_account_has_so_many_webhooks_and_no_more(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_endpoints, "MOST", 1)
    make()
    with pytest.raises(ValidationError, match="remove one first"):
        make()


def test_pausing_resuming_and_testing_are_for_their_states(make: Make, receiver: Receiver) -> None:
    row = make()
    with pytest.raises(WrongState, match="on already"):
        webhook_endpoints.resume(row, actor=ADA)
    webhook_endpoints.send_test(row, actor=ADA)
    assert dict(deliver()) == {"delivered": 1} and receiver.seen[0].verified(row.secret)["type"] == "webhook.test"
    webhook_endpoints.pause(row, actor=ADA, why="Moving")
    assert WebhookEndpoint.objects.get().disabled_why == "Moving"
    for refused in (webhook_endpoints.pause, webhook_endpoints.send_test):
        with pytest.raises(WrongState):
            refused(row, actor=ADA)


def test_a_runs_end_is_named_by_its_moment() -> None:
    now = clock.now()
    end = RunEnd(UUID(int=1), "a", "billing", states.DEAD, 3, now, now)
    assert end.key != RunEnd(UUID(int=1), "a", "billing", states.DEAD, 3, now + timedelta(microseconds=1), now).key
    assert len(end.key) <= webhooks.MAX_KEY and end.event == "run.dead"
