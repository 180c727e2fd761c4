"""Webhooks of people with roles, runs that end, and a receiver to tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.test import override_settings

from queues.contract import Actor
from queues.ledger import clock, states, webhook_endpoints, webhook_subscriptions
from queues.ledger.facts import Claim, Ending
from queues.ledger.requests import new_id
from queues.ledger.webhook_events import EVENTS
from queues.models import Run, WebhookDelivery, WebhookEndpoint

from ..receiver import Receiver, receiving

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


def one(**values: Any) -> WebhookDelivery:
    """The only message, in that state."""
    (row,) = WebhookDelivery.objects.filter(**values)
    return row


def lose(row: WebhookEndpoint, change: str) -> None:
    if change == "off":
        webhook_endpoints.pause(row, actor=ADA)
    elif change == "owner off":
        User.objects.filter(pk=row.owner_id).update(is_active=False)
    elif change == "no role":
        row.owner.groups.clear()
    else:
        webhook_endpoints.delete(row, actor=ADA)
