"""What happens becomes messages to those who want to be told, inserted in the transaction of what happened.

Where nobody wants to be told, nothing is asked of the database. The workers' tenders see what is due, and have it sent:
see queues.engine.webhook_tend.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from queues.contract import Json
from queues.ledger import clock, webhook_subscriptions
from queues.ledger.requests import new_id
from queues.ledger.sql import insert_each
from queues.ledger.webhook_events import RunEnd, payload
from queues.models import WebhookDelivery

MAX_KEY = 160


def runs_ended(ends: Iterable[RunEnd], *, known: bool = False) -> None:
    """Runs ended, or are put off: the one seam of whoever records that, in that transaction.

    `known`: go by the last reading of who wants to be told, and ask nobody. `ends` is not looked at where nobody does.
    Raises DatabaseError.
    """
    wanted = webhook_subscriptions.known() if known else webhook_subscriptions.fresh()
    if not wanted:
        return
    rows = []
    for end in ends:
        event = end.event
        takers = [each for each in wanted if event and each.wants(event, end.queue, end.job)]
        if takers:
            body = payload(event, end.at, end.data())
            rows += [row_of(each.endpoint, event, end.key, end.queue, str(end.id), body, end.at) for each in takers]
    insert_each(WebhookDelivery, rows, ignore_conflicts=True)


def announce(event_type: str, *, key: str, queue: str | None, data: Mapping[str, Json]) -> int:
    """Tell an event of another kind (see webhook_events.EVENTS) to whoever wants it, in the caller's transaction.

    `key` names what happened ("alert:17:opened"): it is told once, however often it is announced. `queue`: whose readers
    may know of it; None: who may see the figures of the whole. `data`: JSON; `data["id"]` is shown as its subject.
    Returns how many messages there are. Raises ValueError (a key over 160 characters), DatabaseError.
    """
    if not 1 <= len(key) <= MAX_KEY:
        raise ValueError(f"The key of an event has 1 to {MAX_KEY} characters.")
    takers = [each for each in webhook_subscriptions.fresh() if each.wants(event_type, queue or "")]
    if not takers:
        return 0
    now = clock.now()
    body, subject = payload(event_type, now, data), str(data.get("id", ""))[:64]
    rows = [row_of(each.endpoint, event_type, key, queue or "", subject, body, now) for each in takers]
    insert_each(WebhookDelivery, rows, ignore_conflicts=True)  # who is told already is not told again
    return WebhookDelivery.objects.filter(id__in=[row["id"] for row in rows]).count()


def row_of(endpoint: UUID, event: str, key: str, queue: str, subject: str, body: str, at: datetime) -> dict[str, Any]:
    """A new message, due at once."""
    return {
        "id": new_id(), "endpoint": endpoint, "event": event, "key": key, "queue": queue, "subject": subject,
        "payload": body, "created_at": at, "next_at": at,
    }  # fmt: skip
