"""A document's rows become the paper that is printed. Who it is between is as the document froze it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from billing.models import Document, Seller
from billing.models import Line as LineRow
from billing.models.fields import Category
from billing.money import minor_digits
from billing.paper import letters
from billing.paper.model import Account, Adjustment, Exchange, Line, Paper, Party, Preceding, TaxGroup

FIELDS = ("name", "street", "postcode", "city", "country", "tax_id", "registration", "email", "phone", "code")
PARTS = ("lines", "adjustments", "tax_groups")


def with_parts(documents: QuerySet[Document]) -> QuerySet[Document]:
    """Everything that papers of these need, in five queries however many they are."""
    return documents.select_related("credits", "customer", "contract").prefetch_related(*PARTS)


def paper_of(document: Document) -> Paper:
    """Of a draft or a final document."""
    parties: Mapping[str, Any] = document.parties
    seller = parties.get("seller") or seller_now()
    buyer = parties.get("buyer") or row_now(document.customer)
    digits = minor_digits(document.currency)
    period = (document.period_start, document.period_end)
    return Paper(
        kind="credit_note" if document.kind == Document.Kind.CREDIT_NOTE else "invoice",
        number=document.number, language=document.language, currency=document.currency,
        mode="inclusive" if document.tax_mode == "inclusive" else "exclusive", tax_point=document.tax_point,
        seller=party(seller), buyer=party(buyer), lines=[_line(each, digits) for each in document.lines.all()],
        tax_groups=[
            TaxGroup(_category(each.category), each.rate, money(each.base_minor, digits), money(each.tax_minor, digits), each.reason)
            for each in document.tax_groups.all()
        ],
        net=money(document.net_minor, digits), tax=money(document.tax_minor, digits), gross=money(document.gross_minor, digits),
        issued=document.issue_date, due=document.due_date,
        period=(period[0], period[1]) if period[0] and period[1] else None,
        account=account(seller),
        adjustments=[
            Adjustment(
                "charge" if each.kind == "charge" else "allowance", each.reason, money(each.amount_minor, digits), money(each.net_minor, digits),
                _category(each.category), each.rate,
            )
            for each in document.adjustments.all()
        ],
        exchange=_exchange(document), preceding=_preceding(document), reason=document.reason,
        contract=parties.get("contract") or (document.contract.code if document.contract else ""),
        order_reference=parties.get("order_reference", ""), buyer_reference=parties.get("buyer_reference", ""),
        payment_days=parties.get("payment_days"),
        places={code: _place(site) for code, site in parties.get("sites", {}).items()}, services=parties.get("services", {}),
    )  # fmt: skip


def unprintable(document: Document) -> list[str]:
    """Letters on it that no font has, and that are question marks in its PDF."""
    return letters.unprintable(letters.letters_of(paper_of(document)))


def _line(row: LineRow, digits: int) -> Line:
    return Line(
        row.position, row.code, row.title, row.quantity.normalize() + 0, row.unit, row.unit_price.normalize() + 0,
        money(row.amount_minor, digits), money(row.net_minor, digits), _category(row.category), row.rate,
        service=row.service, site=row.site, rule=row.rule, words=row.words,
        inputs={name: str(value) for name, value in row.inputs.items()}, since=row.since,
    )  # fmt: skip


def money(minor: int, digits: int) -> Decimal:
    return Decimal(f"{minor}E-{digits}")


def _category(code: str) -> Any:
    return str(Category(code).value)


def party(given: Mapping[str, Any]) -> Party:
    return Party(**{name: str(given.get(name, "")) for name in FIELDS})


def account(seller: Mapping[str, Any]) -> Account | None:
    """Where to pay."""
    return Account(seller["iban"], seller.get("bic", "")) if seller.get("iban") else None


def _place(site: Mapping[str, Any]) -> str:
    return ", ".join(
        filter(
            None, (site.get("name"), site.get("street"), f"{site.get('postcode', '')} {site.get('city', '')}".strip())
        )
    )


def _exchange(document: Document) -> Exchange | None:
    if document.exchange_rate is None or document.exchange_on is None:
        return None
    return Exchange(document.exchange_rate, document.exchange_currency, document.exchange_on)


def _preceding(document: Document) -> Preceding | None:
    if document.credits is None or document.credits.number is None:
        return None
    return Preceding(document.credits.number, document.credits.issue_date)


def seller_now() -> dict[str, Any]:
    """Where a document froze nobody (it was not made by a run)."""
    seller = Seller.objects.order_by("pk").first()
    return {**row_now(seller), "iban": seller.iban, "bic": seller.bic, "code": ""} if seller else {}


def row_now(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name, "") for name in FIELDS}
