"""Somebody takes care of an alert. It stays open till the figure is well again; if it gets worse, it must be looked at anew."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from queues.contract import Actor
from queues.errors import WrongState
from queues.ledger import audit, clock
from queues.models import Alert, AlertEvent


def acknowledge(alert_id: UUID, *, actor: Actor, note: str = "") -> Alert:
    """Audited. Raises Alert.DoesNotExist; WrongState where it is resolved, or somebody takes care of it already."""
    with transaction.atomic():
        alert = Alert.objects.select_for_update().get(pk=alert_id)
        if alert.resolved_at is not None:
            raise WrongState("This alert has resolved by itself: there is nothing to acknowledge.")
        if alert.acknowledged_at is not None:
            raise WrongState(f"{alert.acknowledged_by} takes care of this alert already.")
        now = clock.now()
        alert.acknowledged_at, alert.acknowledged_by, alert.note = now, actor.label[:150], note.strip()[:300]
        alert.save(update_fields=["acknowledged_at", "acknowledged_by", "note"])
        AlertEvent.objects.create(
            alert=alert, at=now, kind="acknowledged", level=alert.level, value=alert.value, actor=alert.acknowledged_by,
            note=alert.note,
        )  # fmt: skip
        audit.write(
            actor, "alert.acknowledge", object_type="alert", object_id=str(alert.pk), object_label=str(alert),
            before={"acknowledged_by": ""}, after={"acknowledged_by": alert.acknowledged_by, "level": alert.level}, why=note,
        )  # fmt: skip
    return alert
