"""The webhooks themselves: their secrets, what is refused in them, how many, on and off."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from queues.engine.webhook_deliver import deliver
from queues.errors import WrongState
from queues.ledger import clock, runs, webhook_endpoints
from queues.models import AuditEntry, WebhookEndpoint

from ..receiver import Receiver
from .conftest import ADA, Make, ending, held

pytestmark = pytest.mark.django_db


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
