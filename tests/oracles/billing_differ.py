"""Two programs' invoices side by side: every difference, in words. Standard library only.

Both sides are lists of documents as `billing_oracle` tells them. What stands in only one of two places is a difference, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Told = Mapping[str, Any]
PLAIN = ("state", "kind", "currency", "tax_point", "due_date", "exchange", "net", "tax", "gross")
TABLES = {"lines": 3, "allowances": 2, "tax_groups": 2}  # how many cells name a row; the rest is what it says


def differences(expected: Iterable[Told], found: Iterable[Told]) -> list[str]:
    """By contract and period. Empty: they agree on everything."""
    ours, theirs = _by_period(expected), _by_period(found)
    told = []
    for key in sorted(ours.keys() | theirs.keys()):
        where = f"{key[0]} {key[1]}"
        if key not in theirs:
            told.append(f"{where}: nothing, expected {ours[key]['state']}")
        elif key not in ours:
            told.append(f"{where}: {theirs[key]['state']}, expected nothing")
        else:
            told += [f"{where}: {line}" for line in _between(ours[key], theirs[key])]
    return told


def _by_period(documents: Iterable[Told]) -> dict[tuple[str, str], Told]:
    found: dict[tuple[str, str], Told] = {}
    for document in documents:
        key = document["contract"], document["period_start"]
        if key in found:
            raise ValueError(f"{key} is there twice")
        found[key] = document
    return found


def _between(expected: Told, found: Told) -> list[str]:
    told = [
        f"{name} is {found.get(name)!r}, expected {expected.get(name)!r}"
        + (f" ({expected.get('reason') or found.get('reason')})" if name == "state" else "")
        for name in PLAIN
        if found.get(name) != expected.get(name)
    ]
    for name, cells in TABLES.items():
        ours, theirs = (_rows(side.get(name, ()), cells) for side in (expected, found))
        told += [
            f"{name} {' '.join(map(str, key)).strip()}: {theirs.get(key, 'missing')}, expected {ours.get(key, 'none')}"
            for key in sorted(ours.keys() | theirs.keys())
            if ours.get(key) != theirs.get(key)
        ]
    return told


def _rows(rows: Iterable[Any], cells: int) -> dict[tuple[Any, ...], Any]:
    return {tuple(row[:cells]): row[cells:] for row in rows}
