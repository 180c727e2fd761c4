"""What the editor shows of a what-if: a sentence, figures, bars, the biggest changes first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from billing.admin import bars, pieces
from billing.amounts import minus
from billing.models import PriceList
from billing.selectors.what_if import last_month, what_if
from billing.what_if import Change, words
from queues.contract import ports

MONTHS_BACK = 24
SHOWN = 20


def month_of(text: str, price_list: PriceList) -> date:
    """ "2026-10", else the last month that was billed."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        return last_month(price_list, ports.now().date())


def months(chosen: date) -> list[tuple[str, str, bool]]:
    """To choose from: value, label, whether it is the chosen one; the newest first."""
    today = ports.now().date()
    number = today.year * 12 + today.month - 1
    listed = [date((number - back) // 12, (number - back) % 12 + 1, 1) for back in range(MONTHS_BACK)]
    if chosen not in listed:
        listed.append(chosen)
    return [(f"{each:%Y-%m}", f"{each:%B %Y}", each == chosen) for each in listed]


def result(price_list: PriceList, rules: Sequence[Any], month: date) -> dict[str, Any]:
    """Rates the month twice; nothing is stored."""
    found = what_if(price_list, rules, month)
    currency = price_list.currency
    top = max((max(abs(each.before), abs(each.after)) for each in found.charges), default=Decimal())
    swing = max((abs(each.by) for each in found.contracts), default=Decimal())
    changed = [each for each in found.contracts if each.by]
    return {
        "words": words(found, currency),
        "month": f"{month:%B %Y}",
        "total": _told(found.total, currency),
        "charges": [
            (_told(each, currency), bars.pair(each.before, each.after, top, title=minus(f"{each.name}: {each.before:,}, then {each.after:,}")))
            for each in found.charges
        ],
        "contracts": [
            (_told(each, currency), bars.swing(each.by, swing, title=minus(f"{each.name}: {each.by:+,}"))) for each in changed[:SHOWN]
        ],
        "more": max(0, len(changed) - SHOWN),
        "same": len(found.contracts) - len(changed),
        "services": found.services,
        "set_aside": found.set_aside[:SHOWN],
        "set_aside_count": len(found.set_aside),
        "inclusive": price_list.tax_mode == PriceList.Mode.INCLUSIVE,
    }  # fmt: skip


def _told(change: Change, currency: str) -> dict[str, Any]:
    percent = "new" if change.percent is None else minus(f"{change.percent:+} %")
    return {
        "name": change.name, "note": change.note, "before": pieces.decimal(change.before, currency),
        "after": pieces.decimal(change.after, currency), "by": pieces.decimal(change.by, currency, sign=True) if change.by else "–",
        "percent": percent if change.by else "", "tone": "rm-up" if change.by > 0 else "rm-down" if change.by < 0 else "",
    }  # fmt: skip
