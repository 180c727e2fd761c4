"""Who refers to a row, in words: why it cannot be deleted."""

from __future__ import annotations

from typing import Any

from django.db import models

MANY = 1000  # counted no further


def references(row: models.Model) -> list[str]:
    """ "3 contracts", "1,000 visits or more": what would be left without it. What belongs to the row itself (CASCADE) does not count."""
    found = []
    for relation in row._meta.get_fields(include_hidden=True):
        if not isinstance(relation, models.ManyToOneRel) or relation.on_delete is not models.PROTECT:
            continue
        other: Any = relation.related_model
        count = other._default_manager.filter(**{relation.field.name: row.pk}).order_by()[:MANY].count()
        if count:
            noun = other._meta.verbose_name if count == 1 else other._meta.verbose_name_plural
            found.append(f"{count:,} {noun}{' or more' if count == MANY else ''}")
    return found
