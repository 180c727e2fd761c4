"""A document's figures become its rows, with a digest over everything that is priced and printed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from billing.drafting import Allowance, Figures, Group, Line, Work
from billing.errors import CannotPrice
from billing.models import Adjustment, BillingRun, Contract, Document, Seller, Service, TaxGroup
from billing.models import Line as LineRow
from billing.money import minor
from billing.services import digests
from queues.contract import ports

LARGEST = Decimal(10) ** 12  # quantity and price of a line, as their columns hold them


@dataclass(frozen=True)
class Sheet:
    """A draft that is not stored yet."""

    document: Document
    lines: Sequence[LineRow]
    adjustments: Sequence[Adjustment]
    tax_groups: Sequence[TaxGroup]


def sheet(
    run: BillingRun, contract: Contract, work: Work, figures: Figures, generation: int, parties: Mapping[str, Any]
) -> Sheet:
    """Raises CannotPrice for amounts beyond what a document can hold."""
    customer, currency = contract.customer, contract.currency
    content = {
        "kind": figures.kind, "period_start": work.period.start, "period_end": work.period.end, "generation": generation, "currency": currency,
        "tax_mode": work.mode, "rounding": work.rounding, "language": customer.language, "tax_point": figures.tax_point,
        "issue_date": run.issue_date, "due_date": run.issue_date + timedelta(days=customer.payment_days), "parties": parties,
        "net_minor": minor(figures.net, currency), "tax_minor": minor(figures.tax, currency), "gross_minor": minor(figures.gross, currency),
        **_exchange(figures),
    }  # fmt: skip
    document = Document(run=run, contract=contract, customer=customer, created_at=ports.now(), **content)
    parts = digests.Parts(
        [LineRow(document=document, **_line(n, each, currency)) for n, each in enumerate(figures.lines, start=1)],
        [Adjustment(document=document, **_adjustment(n, each, currency)) for n, each in enumerate(figures.allowances, start=1)],
        [TaxGroup(document=document, **_group(n, each, currency)) for n, each in enumerate(figures.groups, start=1)],
    )  # fmt: skip
    document.digest = digests.of_document(document, parts)
    return Sheet(document, parts.lines, parts.adjustments, parts.tax_groups)


def parties(seller: Seller, contract: Contract, services: Iterable[Service]) -> dict[str, Any]:
    """Seller, buyer and sites as they are now; what services' codes stand for; the customer's references."""
    customer, listed = contract.customer, list(services)
    return {
        "seller": {
            **_address(seller), "tax_id": seller.tax_id, "registration": seller.registration, "email": seller.email, "phone": seller.phone,
            "iban": seller.iban, "bic": seller.bic, "currency": seller.currency,
        },
        "buyer": {**_address(customer), "code": customer.code, "tax_id": customer.tax_id, "email": customer.email, "phone": customer.phone},
        "sites": {each.site.code: _address(each.site) for each in listed},
        "services": {each.code: f"{each.title}, {each.containers} × {each.container_type} {each.size}" for each in listed},
        "contract": contract.code, "order_reference": contract.order_reference, "buyer_reference": customer.buyer_reference,
        "payment_days": customer.payment_days,
    }  # fmt: skip


def _address(who: Any) -> dict[str, str]:
    return {name: getattr(who, name) for name in ("name", "street", "postcode", "city", "country")}


def _exchange(figures: Figures) -> dict[str, Any]:
    found = figures.exchange
    if found is None:
        return {}
    return {
        "exchange_rate": found.rate.normalize() + 0,
        "exchange_currency": found.currency,
        "exchange_on": found.on,
    }


def _line(position: int, line: Line, currency: str) -> dict[str, Any]:
    charge = line.rated.charge
    if max(abs(line.quantity), charge.unit_price) >= LARGEST:
        raise CannotPrice(
            f"lines.{charge.code}", f"{charge.title} comes to {line.amount:.3E}: no line is as much as {LARGEST:.0E}."
        )
    return {
        "position": position, "service": line.rated.service, "site": line.rated.site, "code": charge.code, "title": charge.title,
        "quantity": line.quantity, "unit": charge.unit, "unit_price": charge.unit_price, "amount_minor": minor(line.amount, currency),
        "net_minor": minor(line.net, currency), "tax_minor": minor(line.tax, currency), "category": line.rate.category,
        "rate": line.rate.rate, "rule": charge.rule, "words": charge.words[:500], "inputs": dict(charge.inputs),
        "events": list(charge.events), "since": line.rated.since,
    }  # fmt: skip


def _adjustment(position: int, each: Allowance, currency: str) -> dict[str, Any]:
    return {
        "position": position, "kind": "allowance", "reason": f"{each.reason} ({each.coupon})"[:200], "amount_minor": minor(each.amount, currency),
        "net_minor": minor(each.net, currency), "category": each.rate.category, "rate": each.rate.rate,
    }  # fmt: skip


def _group(position: int, each: Group, currency: str) -> dict[str, Any]:
    return {
        "position": position, "category": each.rate.category, "rate": each.rate.rate, "base_minor": minor(each.base, currency),
        "tax_minor": minor(each.tax, currency), "reason": each.reason,
    }  # fmt: skip
