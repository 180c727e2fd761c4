"""Whose an alert is to see and to take care of: by its queue, and of the whole house by the right to its figures."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from queues import policy
from queues.engine import reach
from queues.models import Alert
from queues.policy import Action


def visible(rows: QuerySet[Alert], user: Any) -> QuerySet[Alert]:
    """Those that this user may see."""
    return rows.filter(queue__in=scopes(user))


def scopes(user: Any) -> list[str]:
    """The queues whose alerts this user may see; "" among them for the whole house."""
    house = [""] if policy.may(user, Action.STATS) else []
    return [*house, *reach.queues(user, Action.READ)]


def may_see(user: Any, alert: Alert) -> bool:
    return alert.queue in scopes(user)


def may_acknowledge(user: Any, alert: Alert) -> bool:
    """Who runs the queue's jobs; of the whole house, who administers it."""
    if alert.queue:
        return policy.may(user, Action.ENQUEUE, queue=alert.queue)
    return policy.may(user, Action.ADMINISTER)
