"""Whose webhooks one sees, and how they fare. For the admin and the API alike."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from queues import policy
from queues.models import WebhookDelivery, WebhookEndpoint
from queues.policy import Action

_OPEN = (WebhookDelivery.State.PENDING, WebhookDelivery.State.SENDING)


def webhooks(user: Any) -> QuerySet[WebhookEndpoint]:
    """Those that this user may see and change: all for admins, else one's own. With their owners."""
    rows = WebhookEndpoint.objects.select_related("owner")
    return rows if policy.may(user, Action.ADMINISTER) else rows.filter(owner_id=user.pk)


def with_counts(rows: QuerySet[WebhookEndpoint]) -> QuerySet[WebhookEndpoint]:
    """With `pending` and `dead`: how many messages are on their way, and how many did not arrive. No further query."""
    mine = WebhookDelivery.objects.filter(endpoint=OuterRef("pk")).order_by().values("endpoint")
    counted = {
        name: Coalesce(Subquery(mine.filter(which).annotate(n=Count("pk")).values("n")), 0)
        for name, which in (("pending", Q(state__in=_OPEN)), ("dead", Q(state=WebhookDelivery.State.DEAD)))
    }
    return rows.annotate(**counted)


def state_of(row: WebhookEndpoint) -> str:
    """on; paused (by somebody); disabled (by itself)."""
    return "on" if row.enabled else "paused" if row.disabled_by else "disabled"
