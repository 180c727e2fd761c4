"""Webhooks by the client, against the application itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from roundsman_client import ApiError, Client

from queues.models import WebhookDelivery, WebhookEndpoint


def test_a_webhook_is_made_tested_given_a_new_secret_and_its_dead_ones_are_sent_again(
    signed_in: Callable[..., Client],
) -> None:
    client = signed_in()
    made = client.make_webhook("https://hooks.example.org/", ["run.dead"], ["billing"], description="Ops", why="Asked")
    assert made.secret == WebhookEndpoint.objects.get().secret
    assert [(each.id, each.state, each.dead, each.secret) for each in client.webhooks()] == [(made.id, "on", 0, "")]
    sent = client.test_webhook(made.id)
    assert (sent.event, sent.state) == ("webhook.test", "pending")
    assert client.rotate_webhook(made.id, both_sign_s=0).secret not in ("", made.secret)
    WebhookDelivery.objects.update(state="dead", error="It answered 500.")
    assert [each.error for each in client.deliveries(made.id, state="dead")] == ["It answered 500."]
    assert client.replay_webhook(made.id, datetime.now(UTC) - timedelta(hours=1), why="Mended") == 1
    with pytest.raises(ApiError) as refused:
        client.make_webhook("https://10.0.0.1/", ["run.dead"], ["billing"])
    assert [each.field for each in refused.value.errors] == ["url"]
