"""Messages on their way: the only writer of their state. Each change is guarded, so whoever comes late changes nothing.

`token` names who is sending; `next_at` is then the moment at which he is given up and another may send: so a process that
dies in between makes a message come twice, never not at all.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from queues.contract import Actor
from queues.ledger import audit, clock, webhook_subscriptions
from queues.ledger.sql import insert_each, update_each
from queues.ledger.webhook_events import TEST
from queues.ledger.webhook_schedule import OFF_AFTER, wait_s
from queues.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookTally
from queues.models.webhook_delivery import WebhookDelivery as Row

TAKEN_S = 60.0  # who takes a message has sent it by then, or another one may
PENDING, SENDING, DELIVERED, DEAD = Row.State.PENDING, Row.State.SENDING, Row.State.DELIVERED, Row.State.DEAD
AT_ONCE = 200  # that one process has under way
GONE = 410
NO_RIGHT = "Its owner may not see this any more: nothing was sent."
SEEN_EVERY = timedelta(minutes=1)  # how exactly the last success is kept


@dataclass(frozen=True)
class Taken:
    """A message in the hands of its one sender."""

    id: UUID
    token: UUID
    endpoint: UUID
    url: str = field(repr=False)  # its query may be a secret, too
    secrets: Sequence[str] = field(repr=False)
    payload: str
    attempt: int


@dataclass(frozen=True)
class Sent:
    """What came of it: `status` of the answer; without one `error` says why. `retry_after_s`: what the receiver asked for."""

    taken: Taken
    at: datetime
    duration_ms: int
    status: int | None = None
    error: str = ""
    excerpt: str = ""
    retry_after_s: float | None = None

    @property
    def arrived(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def some_due() -> bool:
    """Whether anything is to be sent now."""
    return _with_due().exists()


def take(room: Callable[[WebhookEndpoint], int], most: int = AT_ONCE) -> list[Taken]:
    """Messages that are due, `most` at most, under fresh tokens; `room`: how many of each webhook. One transaction.

    What its owner may not see any more is dead instead, and told to nobody. Raises DatabaseError.
    """
    rows = list(webhook_subscriptions.with_owners(_with_due()))
    random.shuffle(rows)  # where there is not room for all, nobody is always the last
    taken: list[Taken] = []
    with transaction.atomic():
        for row in rows:
            taken += _take_of(row, min(room(row), most - len(taken)))
    return taken


def settle(results: Sequence[Sent], chance: Callable[[], float] = random.random) -> Counter[str]:
    """What became of messages, under their tokens; how many were delivered, retried, dead. One transaction.

    What another has taken meanwhile is left alone. Raises DatabaseError.
    """
    outcomes: Counter[str] = Counter()
    if not results:
        return outcomes
    now = clock.now()
    with transaction.atomic():
        changes = [_settled(sent, now, chance()) for sent in sorted(results, key=lambda sent: sent.taken.id)]
        kept = set(
            update_each(
                WebhookDelivery, changes, key=("pk", "token"), fixed=(("token", "NULL"),), where=(("state", "'sending'"),)
            )
        )  # fmt: skip
        ours = [sent for sent in results if sent.taken.id in kept]
        insert_each(WebhookAttempt, [_attempt(sent) for sent in ours])
        for change in changes:
            if change["pk"] in kept:
                outcomes["retried" if change["state"] == PENDING else str(change["state"])] += 1
        count(outcomes)
        _note_health(ours, now)
    return outcomes


def replay(rows: QuerySet[WebhookDelivery], *, actor: Actor, why: str = "") -> int:
    """Send messages again from the beginning, under the same ids; those that are on their way are left alone. Audited."""
    with transaction.atomic():
        found = list(
            rows.filter(state__in=(DELIVERED, DEAD)).select_for_update(of=("self",)).order_by("id")
            .values_list("id", "endpoint_id")
        )  # fmt: skip
        ids = [pk for pk, _ in found]
        by_endpoint = Counter(endpoint for _, endpoint in found)
        for start in range(0, len(ids), 500):
            WebhookDelivery.objects.filter(id__in=ids[start : start + 500]).update(
                state=PENDING, attempts=0, next_at=clock.now(), error="", status=None, done_at=None
            )
        for endpoint, number in by_endpoint.items():
            audit.write(
                actor, "webhook.replay", object_type="webhook", object_id=str(endpoint),
                object_label=str(WebhookEndpoint.objects.filter(pk=endpoint).first() or "deleted"),
                after={"deliveries": number, **({"delivery": str(ids[0])} if len(ids) == 1 else {})}, why=why,
            )  # fmt: skip
    return by_endpoint.total()


def count(outcomes: Mapping[str, int]) -> None:
    """Add to the tallies. In the caller's transaction."""
    for outcome, number in sorted(outcomes.items()):
        if not WebhookTally.objects.filter(pk=outcome).update(total=F("total") + number):
            WebhookTally.objects.bulk_create([WebhookTally(outcome=outcome)], ignore_conflicts=True)
            WebhookTally.objects.filter(pk=outcome).update(total=F("total") + number)


def _due(now: datetime) -> Q:
    return Q(state__in=(PENDING, SENDING), next_at__lte=now)


def _with_due() -> QuerySet[WebhookEndpoint]:
    due = WebhookDelivery.objects.filter(_due(clock.now()), endpoint=OuterRef("pk"))
    return WebhookEndpoint.objects.filter(Exists(due), enabled=True)


def _take_of(row: WebhookEndpoint, most: int) -> list[Taken]:
    now = clock.now()
    if most <= 0:
        return []
    rows = WebhookDelivery.objects.select_for_update(skip_locked=True).filter(_due(now), endpoint=row.id)
    found = list(rows.order_by("next_at", "id")[:most])
    if not found:
        return []
    readable, whole = webhook_subscriptions.readable(row), webhook_subscriptions.sees_whole(row)
    active = row.owner.is_active
    open_to = [each for each in found if active and (each.queue in readable if each.queue else whole or _is_test(each))]
    closed = [each.id for each in found if each not in open_to]
    if closed:
        WebhookDelivery.objects.filter(id__in=closed).update(
            state=DEAD, token=None, next_at=None, done_at=now, error=NO_RIGHT
        )
        count({"dead": len(closed)})
    token = uuid4()
    WebhookDelivery.objects.filter(id__in=[each.id for each in open_to]).update(
        state=SENDING, token=token, next_at=now + timedelta(seconds=TAKEN_S), attempts=F("attempts") + 1
    )
    secrets = row.secrets(now)
    return [Taken(d.id, token, row.id, row.url, secrets, d.payload, d.attempts + 1) for d in open_to]


def _is_test(row: WebhookDelivery) -> bool:
    return row.event == TEST


def _settled(sent: Sent, now: datetime, chance: float) -> dict[str, Any]:
    wait = None if sent.arrived or sent.status == GONE else wait_s(sent.taken.attempt, chance, sent.retry_after_s)
    over = sent.arrived or wait is None
    return {
        "pk": sent.taken.id,
        "token": sent.taken.token,
        "state": DELIVERED if sent.arrived else DEAD if over else PENDING,
        "status": sent.status,
        "error": sent.error[:300],
        "next_at": None if wait is None else now + timedelta(seconds=wait),
        "done_at": now if over else None,
    }


def _attempt(sent: Sent) -> dict[str, Any]:
    return {
        "delivery": sent.taken.id, "at": sent.at, "status": sent.status, "duration_ms": sent.duration_ms,
        "error": sent.error[:300], "excerpt": sent.excerpt,
    }  # fmt: skip


def _note_health(results: Sequence[Sent], now: datetime) -> None:
    """Since when a webhook fails, and when it last did not. What is told often is written seldom."""
    by_endpoint: dict[UUID, list[Sent]] = {}
    for sent in results:
        by_endpoint.setdefault(sent.taken.endpoint, []).append(sent)
    for endpoint, some in sorted(by_endpoint.items()):
        row = WebhookEndpoint.objects.filter(pk=endpoint)
        if any(sent.status == GONE for sent in some):
            switch_off(row, f"It answered {GONE} Gone.", now)
        elif any(sent.arrived for sent in some):
            stale = Q(last_success_at__isnull=True) | Q(last_success_at__lt=now - SEEN_EVERY)
            row.filter(stale | Q(failing_since__isnull=False)).update(failing_since=None, last_success_at=now)
        elif not row.filter(failing_since__isnull=True).update(failing_since=now):
            days = OFF_AFTER.days
            switch_off(row.filter(failing_since__lte=now - OFF_AFTER), f"Nothing has arrived for {days} days.", now)


def switch_off(rows: QuerySet[WebhookEndpoint], why: str, now: datetime) -> None:
    """By itself; audited. In the caller's transaction."""
    found = rows.filter(enabled=True).select_for_update().first()
    if found is None:
        return
    rows.update(
        enabled=False, disabled_at=now, disabled_by="", disabled_why=why, version=F("version") + 1, updated_at=now
    )
    audit.write(
        Actor.system("webhooks"), "webhook.disable", object_type="webhook", object_id=str(found.pk),
        object_label=str(found), before={"enabled": True}, after={"enabled": False}, why=why,
    )  # fmt: skip
