"""What the database says of a run, in the oracle's words."""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any

from billing.models import BillingRun, Document, RunItem

BILLED = {RunItem.State.DRAFTED, RunItem.State.FINAL}
WITH_PARTS = ("lines", "adjustments", "tax_groups")


def told_by(run: BillingRun) -> list[dict[str, Any]]:
    """Each of its periods."""
    items = run.items.select_related("contract", "document").prefetch_related(
        *(f"document__{part}" for part in WITH_PARTS)
    )
    found = []
    for item in items:
        said: dict[str, Any] = {
            "contract": item.contract.code, "period_start": str(item.period_start), "period_end": str(item.period_end),
            "state": "billed" if item.state in BILLED else str(item.state), "reason": item.reason,
        }  # fmt: skip
        if item.state in BILLED:
            assert item.document is not None, f"{item} is {item.state} and has no document"
            said |= of_document(item.document)
        found.append(said)
    return found


def of_document(document: Document) -> dict[str, Any]:
    lines: Counter[tuple[str, str, str]] = Counter()
    for line in document.lines.all():
        lines[line.service, line.code, str(line.since or "")] += line.amount_minor
    off: Counter[tuple[str, str]] = Counter()
    for each in document.adjustments.all():
        off[each.category, plain(each.rate)] += each.amount_minor if each.kind == "allowance" else -each.amount_minor
    groups = sorted(document.tax_groups.all(), key=lambda group: (group.category, group.rate))
    return {
        "kind": document.kind, "currency": document.currency, "tax_point": str(document.tax_point), "due_date": str(document.due_date),
        "exchange": None if document.exchange_rate is None else [plain(document.exchange_rate), str(document.exchange_on)],
        "lines": [[*key, amount] for key, amount in sorted(lines.items()) if amount],
        "allowances": [[*key, amount] for key, amount in sorted(off.items()) if amount],
        "tax_groups": [[group.category, plain(group.rate), group.base_minor, group.tax_minor] for group in groups],
        "net": document.net_minor, "tax": document.tax_minor, "gross": document.gross_minor,
    }  # fmt: skip


def plain(number: Decimal) -> str:
    return f"{number.normalize() + 0:f}"


def faults_of_order(run: BillingRun) -> list[str]:
    """Numbers are given in the order of contract codes and periods, in each series."""
    given: dict[Any, list[tuple[str, Any]]] = defaultdict(list)
    for each in run.documents.filter(state="final").select_related("contract").order_by("sequence"):
        assert each.contract is not None
        given[each.series_id].append((each.contract.code, each.period_start))
    return [f"series {series} is not in order" for series, order in given.items() if order != sorted(order)]
