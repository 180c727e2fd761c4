"""What a service posts: there with its transaction, and sent by a run that is asked for whenever one is needed."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction

from queues.contract import Done, ports
from queues.engine import outbox, providers
from queues.engine.context import RunContext
from queues.engine.rules import Rules
from queues.engine.shop import Shop
from queues.errors import IdempotencyConflict
from queues.jobspecs import SettleCalls, settle_calls
from queues.ledger import runs
from queues.ledger.queue_settings import ensure_queues
from queues.models import OutboundCall, Run
from queues.outbound import OutboundRequest, OutcomeUnknown

from .conftest import ASKED, KEY, row, settle

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fake_window")]


def test_a_posted_call_that_was_not_sent_backs_off_and_is_sent_by_itself(client, outside, time) -> None:
    outside.moods.append("turn away")
    outbox.post(ASKED)
    assert settle() == ["pending"] and row().next_at == time.now() + timedelta(seconds=7)
    assert settle() == []
    time.advance(7)
    assert settle() == ["done"] and outside.times(KEY) == 1


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
