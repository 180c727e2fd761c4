"""Whose webhooks one sees, and what is told of them. Another's is told like one that does not exist."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from django.urls import reverse
from rest_framework.request import Request

from queues import policy
from queues.api import shapes
from queues.api import webhook_serializers as bodies
from queues.engine.webhook_reach import state_of, webhooks
from queues.models import WebhookDelivery, WebhookEndpoint
from queues.policy import Action

NONE = "There is no such webhook."
NO_DELIVERY = "There is no such delivery of this webhook."


def within(user: Any, row: WebhookEndpoint) -> bool:
    """Whether it is about no more than what this user (who may come by an API key) may subscribe to.

    Of one's own, what one has no right to any more is looked at and removed all the same, without a key's scope."""
    if policy.may(user, Action.ADMINISTER) or policy.scope_of(user) is None:
        return True
    whole = not row.whole or policy.may(user, Action.STATS)
    return whole and all(policy.may(user, Action.SUBSCRIBE, queue=name) for name in row.queues)


def found(request: Request, pk: UUID) -> WebhookEndpoint:
    """Raises Http404."""
    row = webhooks(request.user).filter(pk=pk).first()
    if row is None or not within(request.user, row):
        raise Http404(NONE)
    return row


def told(row: WebhookEndpoint) -> dict[str, Any]:
    """A webhook's representation. How it fares is no part of it: its tag would never hold."""
    return shapes.told(bodies.WebhookAnswer, facts(row))


def told_with_secret(row: WebhookEndpoint) -> dict[str, Any]:
    return shapes.told(bodies.WebhookSecret, {**facts(row), "secret": row.secret})


def facts(row: WebhookEndpoint) -> dict[str, Any]:
    return {
        **{name: getattr(row, name) for name in _AS_STORED},
        "href": reverse("api-webhook", args=[row.pk]),
        "owner": row.owner.get_username(),
        "state": state_of(row),
        "previous_secret_until": row.previous_until,
    }


_AS_STORED = (
    "id", "url", "description", "events", "queues", "jobs", "enabled", "disabled_at", "disabled_why", "created_at",
    "updated_at", "version", "last_success_at", "failing_since",
)  # fmt: skip


def delivery_facts(row: WebhookDelivery) -> dict[str, Any]:
    names = ("id", "event", "subject", "state", "attempts", "status", "error", "created_at", "next_at", "done_at")
    return {
        **{name: getattr(row, name) for name in names},
        "href": reverse("api-webhook-delivery", args=[row.endpoint_id, row.pk]),
        "queue": row.queue or None,
    }


def told_delivery(row: WebhookDelivery) -> dict[str, Any]:
    """A message with what is sent, and each time it was tried."""
    tries = [
        {name: getattr(each, name) for name in ("at", "status", "duration_ms", "error", "excerpt")}
        for each in row.tries.all()
    ]
    return shapes.told(bodies.DeliveryDetail, {**delivery_facts(row), "payload": row.payload, "tries": tries})
