"""What those who subscribe to alerts are told, in the transaction that changes the alert."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from queues.ledger.webhooks import announce
from queues.models import Alert, AlertEvent
from queues.watch.alert_rules import BY_NAME
from queues.watch.alert_states import News

TYPES = ("alert.opened", "alert.worsened", "alert.resolved")


def tell(news: News, alert: Alert, event: AlertEvent) -> None:
    """An event of the alert, as it is now. `event`, the step that it is about, names it: it is told once."""
    announce(f"alert.{news}", key=f"{alert.pk}:{event.pk}:{news}", queue=alert.queue or None, data=data_of(alert))


def data_of(alert: Alert) -> dict[str, Any]:
    """An alert for machines outside: JSON, times in UTC."""
    rule = BY_NAME.get(alert.rule)
    return {
        "id": str(alert.pk),
        "rule": alert.rule,
        "queue": alert.queue or None,
        "level": alert.level,
        "text": alert.text,
        "value": alert.value,
        "threshold": alert.threshold,
        "unit": rule.unit if rule else "",
        "opened_at": _utc(alert.opened_at),
        "resolved_at": _utc(alert.resolved_at),
    }


def _utc(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
