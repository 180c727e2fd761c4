"""The only writer of the audit log: one entry per change, in the change's own transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from queues.contract import Actor, Json
from queues.ledger import clock
from queues.ledger.together import insert_together
from queues.models import AuditEntry

UNTOLD = frozenset({"created_at", "updated_at", "version"})  # change with every save and tell nothing


def write(
    actor: Actor,
    action: str,
    *,
    object_type: str,
    object_id: str,
    object_label: str = "",
    before: Mapping[str, Json] | None = None,
    after: Mapping[str, Json] | None = None,
    why: str = "",
    beside: tuple[type[models.Model], Mapping[str, Any]] | None = None,
) -> None:
    """Insert one entry. `before` and `after` hold only what differs; either is None for a creation or removal.

    `beside`: the table and the new row that the entry is about, inserted with it (see together). Else the caller's
    transaction holds the change. Raises DatabaseError.
    """
    entry: dict[str, Any] = {
        "at": clock.now(),
        "actor": actor.label[:150],
        "actor_id": actor.user_id,
        "source": actor.source,
        "address": actor.address,
        "request_id": actor.request_id[:64],
        "action": action,
        "object_type": object_type,
        "object_id": str(object_id),
        "object_label": object_label[:200],
        "before": None if before is None else dict(before),
        "after": None if after is None else dict(after),
        "why": why[:300],
    }
    insert_together([(AuditEntry, entry)] if beside is None else [beside, (AuditEntry, entry)])


def snapshot(row: models.Model) -> dict[str, Json]:
    """A row's own columns as JSON values, without those that tell nothing."""
    values: dict[str, Any] = {
        field.name: field.value_from_object(row) for field in row._meta.concrete_fields if field.name not in UNTOLD
    }
    told: dict[str, Json] = json.loads(json.dumps(values, cls=DjangoJSONEncoder))
    return told


def changes(before: Mapping[str, Json], after: Mapping[str, Json]) -> tuple[dict[str, Json], dict[str, Json]]:
    """Both sides reduced to the names whose values differ."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {n: before.get(n) for n in names}, {n: after.get(n) for n in names}
