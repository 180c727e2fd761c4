"""The audit log as CSV or JSON lines, row by row: memory is that of a chunk, however much there is."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any, Literal

from django.db.models import QuerySet

from queues.ledger import masking
from queues.models import AuditEntry, AuditSeal

Format = Literal["csv", "jsonl"]
FORMATS: dict[Format, str] = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}
NAMES = (
    "id", "at", "actor", "actor_id", "source", "address", "request_id", "action", "object_type", "object_id",
    "object_label", "before", "after", "why", "seal", "digest",
)  # fmt: skip
MASKED = ("object_id", "object_label", "before", "after", "why")
CHUNK = 500
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # what a spreadsheet would carry out


def told(entry: AuditEntry, *, masked: bool) -> dict[str, Any]:
    """What an entry tells, by field; the personal data in it unreadable if `masked`."""
    found = {name: getattr(entry, name) for name in NAMES[:-2]}
    if masked:
        found |= {name: masking.value(found[name]) for name in MASKED}
    return found


def exported(rows: QuerySet[AuditEntry], form: Format, *, masked: bool = True) -> Iterator[str]:
    """The text, in pieces of up to `CHUNK` entries, the oldest first. Each piece is a query of its own, so that no
    statement and no transaction lasts. Raises DatabaseError."""
    if form == "csv":
        yield _csv([list(NAMES)])
    after = 0
    while chunk := list(rows.filter(pk__gt=after).order_by("pk")[:CHUNK]):
        after = chunk[-1].pk
        seals = AuditSeal.objects.filter(entry_id__in=[entry.pk for entry in chunk]).in_bulk(field_name="entry_id")
        found = [
            told(entry, masked=masked)
            | {"at": f"{entry.at:%Y-%m-%dT%H:%M:%S.%fZ}", "seal": seal and seal.seq, "digest": seal and seal.digest}
            for entry in chunk
            for seal in [seals.get(entry.pk)]
        ]
        if form == "jsonl":
            yield "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in found)
        else:
            yield _csv([[cell(row[name]) for name in NAMES] for row in found])


def cell(value: Any) -> str:
    """A value as a CSV cell that no spreadsheet takes for a formula: it has an apostrophe before it then."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _csv(rows: list[list[str]]) -> str:
    page = io.StringIO()
    csv.writer(page).writerows(rows)
    return page.getvalue()
