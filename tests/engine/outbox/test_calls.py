"""A run's call to outside: done once, answered again, refused for good, and begun only by who may."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError, transaction

from queues.engine import outbox, outbox_send
from queues.errors import IdempotencyConflict, LeaseLost, RunCancelled
from queues.ledger import outbox as ledger
from queues.models import OutboundCall
from queues.outbound import Answer, NotSent, OutboundRequest, Refused

from .conftest import ASKED, KEY, closed_port, row, settle

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fake_window")]


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


def test_a_refused_call_is_not_sent_again(client, outside, asker) -> None:
    outside.moods.append("refuse")
    for _ in range(2):
        with pytest.raises(Refused, match="stolen") as caught:
            asker().call()
        assert caught.value.permanent and caught.value.response == {"reason": "The card is stolen."}
    assert len(outside.asked) == 1 and outside.times(KEY) == 0 and row().state == "refused"


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
