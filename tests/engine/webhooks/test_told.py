"""What becomes a message: in the transaction of what it tells, once, and for those alone who may be told."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from queues.engine.webhook_deliver import deliver
from queues.ledger import clock, runs, states, webhook_subscriptions, webhooks
from queues.ledger.requests import new_id
from queues.ledger.webhook_events import DELIVERS, RunEnd
from queues.models import Run, WebhookDelivery, WebhookEndpoint, Worker

from .conftest import ADA, Make, ending, held, lose, one

pytestmark = pytest.mark.django_db


def told() -> list[str]:
    return list(WebhookDelivery.objects.order_by("id").values_list("event", flat=True))


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


def test_a_runs_end_is_named_by_its_moment() -> None:
    now = clock.now()
    end = RunEnd(UUID(int=1), "a", "billing", states.DEAD, 3, now, now)
    assert end.key != RunEnd(UUID(int=1), "a", "billing", states.DEAD, 3, now + timedelta(microseconds=1), now).key
    assert len(end.key) <= webhooks.MAX_KEY and end.event == "run.dead"
