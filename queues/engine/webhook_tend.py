"""What every worker host does for webhooks beside running jobs, without a leader: know who wants to be told, and see to it
that a run comes for what is due."""

from __future__ import annotations

from queues import registry
from queues.contract import Actor
from queues.ledger import webhook_deliveries, webhook_subscriptions
from queues.ledger.webhook_events import DELIVERS

EVERY_S = 1.0


def tick() -> None:
    """Once a second; one small query where there are no webhooks. Of runs that are asked for at once one comes.

    Raises DatabaseError.
    """
    webhook_subscriptions.refresh()
    if webhook_subscriptions.some_enabled() and webhook_deliveries.some_due():
        spec = registry.get(DELIVERS)
        spec.enqueue(spec.params(), actor=Actor.system("webhooks"), dedupe_key=DELIVERS)
