"""What an approval is of: a digest over everything of a document that is priced and printed, the same of a draft's rows wherever they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from billing.models import Adjustment, Document, Line, RunItem, TaxGroup

# What is no part of the content, or comes with finalisation. A new column is in the digest without anybody's doing.
LEFT_OUT = {
    "id", "state", "series", "sequence", "number", "run", "customer", "contract", "digest", "created_at", "finalised_at", "document",
}  # fmt: skip


@dataclass(frozen=True)
class Parts:
    """A document's rows, in the order of their positions."""

    lines: list[Line]
    adjustments: list[Adjustment]
    tax_groups: list[TaxGroup]


def parts_of(document: Document) -> Parts:
    """As they are in the database. Three queries."""
    return parts_of_all([document.pk])[document.pk]


def parts_of_all(documents: Sequence[UUID]) -> dict[UUID, Parts]:
    """By document. Three queries, however many they are."""
    found = {pk: Parts([], [], []) for pk in documents}
    for name, rows in (("lines", Line.objects), ("adjustments", Adjustment.objects), ("tax_groups", TaxGroup.objects)):
        for row in rows.filter(document__in=documents).order_by("position"):
            getattr(found[row.document_id], name).append(row)
    return found


def of_document(document: Document, parts: Parts) -> str:
    """No query where the document was read with contract and customer."""
    whole = {
        **_cells(document),
        "contract": document.contract.code if document.contract else "",
        "customer": document.customer.code,
        "lines": [_cells(row) for row in parts.lines],
        "adjustments": [_cells(row) for row in parts.adjustments],
        "tax_groups": [_cells(row) for row in parts.tax_groups],
    }
    return digest(whole)


class Draft(NamedTuple):
    """A period of a run, and its draft if it has one."""

    contract: str
    start: date
    document: UUID | None
    digest: str | None


def drafts_of(run_id: int) -> list[Draft]:
    """In the order of contracts and periods. One query."""
    items = RunItem.objects.filter(run=run_id).order_by("contract__code", "period_start")
    rows = items.values_list("contract__code", "period_start", "document_id", "document__digest")
    return [Draft(*row) for row in rows]


def of_run(drafts: Iterable[Draft]) -> str:
    """The preview hash: over contract, first day and digest of each draft."""
    return digest([[each.contract, each.start, each.digest] for each in drafts if each.digest is not None])


def digest(content: Any) -> str:
    """SHA-256 of JSON in one way of writing it."""
    text = json.dumps(content, cls=DjangoJSONEncoder, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _cells(row: models.Model) -> dict[str, Any]:
    fields = (each for each in row._meta.concrete_fields if each.name not in LEFT_OUT)
    return {each.name: _plain(each.value_from_object(row)) for each in fields}


def _plain(value: Any) -> Any:
    """20 and 20.000000 are one rate: a column fills up the decimals."""
    return f"{value.normalize() + 0:f}" if isinstance(value, Decimal) else value
