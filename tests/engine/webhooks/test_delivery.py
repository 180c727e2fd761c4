"""A message on its way: signed, sent until it has arrived, always under one id, and held up by nobody else's."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from queues.engine.webhook_deliver import deliver
from queues.ledger import clock, runs, webhook_deliveries
from queues.ledger.webhook_schedule import MAX_ATTEMPTS
from queues.models import AuditEntry, WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookTally

from ..receiver import Receiver, receiving
from .conftest import ADA, Make, ending, held, one

pytestmark = pytest.mark.django_db


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
