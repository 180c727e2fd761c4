"""A hauler as the files that the oracle reads, made of a few words: for cases that were worked out by hand."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DEFAULTS: dict[str, dict[str, Any]] = {
    "sellers": {"code": "main", "currency": "EUR"},
    "customers": {"code": "C", "tax_treatment": "standard", "exempt_until": "", "payment_days": "14"},
    "jurisdictions": {"code": "AT", "rounding": "document"},
    "tax_rates": {
        "jurisdiction": "AT", "tax_class": "standard", "category": "S", "rate": "20", "valid_from": "2020-01-01", "valid_until": "",
    },
    "exchange_rates": {"base": "USD", "quote": "EUR", "on": "2026-10-01", "rate": "0.9"},
    "price_lists": {"code": "P", "currency": "EUR", "tax_mode": "exclusive", "tax_class": "standard"},
    "price_versions": {"price_list": "P", "valid_from": "2026-01-01", "valid_until": "", "rules": ()},
    "fuel_index": {"code": "fuel", "published_on": "2026-09-28", "value": "3.50"},
    "contracts": {
        "code": "K", "customer": "C", "jurisdiction": "AT", "currency": "EUR", "starts_on": "2026-01-01", "ends_on": "", "ends": "exclusive",
        "every": "month", "anchor": "2026-01-01", "parts": "sum", "bill_from": "2026-10-01", "on_hold": "",
    },
    "services": {"code": "K/1", "contract": "K", "price_list": "P", "starts_on": "2026-01-01", "ends_on": ""},
    "stays": {"service": "K/1", "delivered_on": "2026-10-05", "removed_on": ""},
    "coupons": {"code": "G", "contract": "K", "amount": "5.00", "valid_from": "2026-01-01", "valid_until": ""},
    "visits": {
        "code": "V", "service": "K/1", "planned_on": "", "day": "2026-10-05", "outcome": "done", "extra": "no", "containers": "1", "contaminated": "no",
    },
    "weigh_tickets": {"code": "W", "visit": "V", "gross": "12000", "tare": "10000", "unit": "kg"},
}  # fmt: skip
ALWAYS = ("sellers", "customers", "jurisdictions", "tax_rates", "price_lists", "contracts", "services")


def folder(path: Path, rules: list[Mapping[str, Any]], /, **tables: list[dict[str, Any]]) -> Path:
    """Each table's rows are what differs from the defaults; one that is not named has one plain row, or none."""
    path.mkdir(parents=True, exist_ok=True)
    tables = {name: [{}] for name in ALWAYS} | {"price_versions": [{"rules": rules}]} | tables
    for name, rows in tables.items():
        unknown = {field for row in rows for field in row} - DEFAULTS[name].keys()
        assert not unknown, f"{name} has no {unknown}"
        with (path / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, DEFAULTS[name])
            writer.writeheader()
            for row in rows:
                cells = DEFAULTS[name] | row
                writer.writerow({**cells, **({"rules": json.dumps(cells["rules"])} if "rules" in cells else {})})
    return path


def rule(kind: str, code: str = "", **given: Any) -> dict[str, Any]:
    return {"rule": kind, "code": code or kind, "title": kind, **given}
