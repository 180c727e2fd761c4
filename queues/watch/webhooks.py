"""How webhooks fare, for the metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db.models import Count

from queues.models import WebhookDelivery, WebhookTally

OUTCOMES = ("delivered", "retried", "dead")
State = WebhookDelivery.State


@dataclass(frozen=True)
class Webhooks:
    """`totals`: by outcome, ever. `pending`: messages on their way, or that wait; `dead`: that were given up."""

    totals: Mapping[str, int] = field(default_factory=dict)
    pending: int = 0
    dead: int = 0


def read_webhooks() -> Webhooks:
    """Two queries, by indexes that hold what is open and what is dead alone. Raises DatabaseError."""
    states = (State.PENDING, State.SENDING, State.DEAD)
    rows = WebhookDelivery.objects.filter(state__in=states).order_by().values_list("state").annotate(n=Count("pk"))
    found = dict(rows)
    return Webhooks(
        dict(WebhookTally.objects.values_list("outcome", "total")),
        pending=found.get(State.PENDING, 0) + found.get(State.SENDING, 0),
        dead=found.get(State.DEAD, 0),
    )
