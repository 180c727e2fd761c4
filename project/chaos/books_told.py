"""All that a month of billing left behind, as JSON that is the same for the same month: no ids, no times of day. And its files, by their bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from billing.models import (
    Adjustment,
    Allocation,
    BillingRun,
    Coupon,
    Document,
    DocumentFile,
    Entry,
    Line,
    Payment,
    RunItem,
    Series,
    Standing,
    TaxGroup,
    Visit,
)  # fmt: skip
from billing.paper.telling import CannotTell
from billing.services.files import file_of

# What the database gives out by itself or by the clock, and names nothing that a customer sees.
LEFT_OUT = {
    "id", "created_at", "finalised_at", "at", "settled_at", "received_on", "prepared_at", "approved_at", "collected_at",
}  # fmt: skip
EVERY = 4  # of so many documents one is drawn again: PDFs take their time
OF_DOCUMENTS = "document__number"
TABLES: dict[type[models.Model], list[str]] = {  # and the order of their rows
    Document: ["number"],
    Line: [OF_DOCUMENTS, "position"],
    Adjustment: [OF_DOCUMENTS, "position"],
    TaxGroup: [OF_DOCUMENTS, "category", "rate"],
    Standing: [OF_DOCUMENTS],
    Entry: ["posting", "part"],
    Payment: ["key"],
    Allocation: [OF_DOCUMENTS, "amount_minor"],
    Series: ["code"],
    BillingRun: ["code"],
    RunItem: ["run__code", "contract__code", "period_start"],
    Visit: ["code"],
    Coupon: ["code"],
}
NAMES = {"document": "number", "billed_on": "number", "used_on": "number", "previous": "number", "credits": "number",
         "credit_note": "number", "payment": "key", "contract": "code", "customer": "code", "run": "code", "series": "code"}  # fmt: skip


def told() -> dict[str, list[str]]:
    """By table, one line of JSON a row."""
    return {
        model._meta.model_name or "": [_json(row) for row in _rows(model, order)] for model, order in TABLES.items()
    }


def differences(calm: dict[str, list[str]], rough: dict[str, list[str]]) -> list[str]:
    """Rows that only one of the two has."""
    found = []
    for table, rows in calm.items():
        here, there = set(rows), set(rough[table])
        found += [f"{table}, missing: {row}" for row in sorted(here - there)]
        found += [f"{table}, too much: {row}" for row in sorted(there - here)]
        if len(rough[table]) != len(rows):
            found.append(f"{table}: {len(rough[table])} rows, expected {len(rows)}")
    return found


def sample(run: str) -> None:
    """Have files of a run's documents made, here and now: each one's EN 16931 XML, where it can be told, and the PDF of one of EVERY."""
    for number, document in enumerate(Document.objects.filter(run__code=run, state="final").order_by("number")):
        for kind in ("ubl", "pdf") if number % EVERY == 0 else ("ubl",):
            with suppress(CannotTell):
                file_of(document, kind)


def files() -> dict[str, str]:
    """The SHA-256 of each file's bytes, by number and kind."""
    rows = DocumentFile.objects.values_list("document__number", "kind", "content")
    return {f"{number}.{kind}": hashlib.sha256(content).hexdigest() for number, kind, content in rows}


def files_differ(calm: Mapping[str, str], rough: Mapping[str, str]) -> list[str]:
    """`calm` has a sample, `rough` has all."""
    return [
        f"file {name}: {'other bytes' if name in rough else 'missing'}"
        for name, bytes_ in calm.items()
        if rough.get(name) != bytes_
    ]


def _rows(model: type[models.Model], order: list[str]) -> Any:
    fields = [field.name for field in model._meta.concrete_fields if field.name not in LEFT_OUT]
    asked = [f"{name}__{NAMES[name]}" if name in NAMES else name for name in fields]
    return model._default_manager.order_by(*order).values(*asked)


def _json(row: dict[str, Any]) -> str:
    return json.dumps(row, sort_keys=True, cls=DjangoJSONEncoder)
