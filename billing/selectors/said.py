"""Lines of documents as they are compared with the next ones'. One query."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from billing.difference import Said
from billing.drafting import Figures
from billing.models import Document, Line
from billing.money import major


def said_in(documents: Collection[UUID]) -> Mapping[UUID, Sequence[Said]]:
    found: dict[UUID, list[Said]] = defaultdict(list)
    if not documents:
        return found
    columns = (
        "document_id",
        "document__kind",
        "document__currency",
        "service",
        "code",
        "title",
        "rule",
        "amount_minor",
        "inputs",
        "events",
        "since",
    )
    rows = Line.objects.filter(document__in=documents).order_by("position").values_list(*columns)
    for pk, kind, currency, service, code, title, rule, amount, inputs, events, since in rows:
        turned = -amount if kind == Document.Kind.CREDIT_NOTE else amount
        found[pk].append(Said(service, code, title, rule, major(turned, currency), inputs, events, since))
    return found


def said_by(figures: Figures) -> list[Said]:
    """A draft's lines, before it is stored. No query."""
    sign = -1 if figures.kind == "credit_note" else 1
    return [
        Said(
            each.rated.service, each.rated.charge.code, each.rated.charge.title, each.rated.charge.rule, sign * each.amount,
            each.rated.charge.inputs, each.rated.charge.events, each.rated.since,
        )
        for each in figures.lines
    ]  # fmt: skip
