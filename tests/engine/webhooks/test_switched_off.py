"""To whom nothing is sent: who lost the right, who is off or gone, and who has not answered for days."""

from __future__ import annotations

import pytest

from queues.engine.webhook_deliver import deliver
from queues.ledger import clock, runs, webhook_deliveries, webhook_endpoints
from queues.ledger.webhook_schedule import OFF_AFTER
from queues.models import AuditEntry, WebhookDelivery, WebhookEndpoint

from ..receiver import Receiver
from .conftest import ADA, Make, ending, held, lose, one

pytestmark = pytest.mark.django_db


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
