"""A small hauler for tests: one customer, one contract, a price list, October 2026."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from billing.models import (
    Contract,
    Customer,
    Document,
    Jurisdiction,
    Line,
    PriceList,
    PriceVersion,
    Seller,
    Series,
    Service,
    Site,
    Standing,
    TaxGroup,
    TaxRate,
    Visit,
)  # fmt: skip

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
RULES: list[dict[str, Any]] = [
    {"rule": "base_fee", "code": "base", "title": "Base fee", "amount": "100.00"},
    {"rule": "pick_up", "code": "pick_up", "title": "Pick-up", "amount": "25.00"},
    {"rule": "extra", "code": "extra", "title": "Extra pick-up", "amount": "40.00"},
]


def a_seller(**over: Any) -> Seller:
    given = {
        "code": "main", "name": "Roundsman Sample Haulage", "street": "Kai 1", "postcode": "1010", "city": "Wien", "country": "AT",
        "tax_id": "ATU12345675", "email": "office@example.org", "iban": "AT611904300234573201", "bic": "BKAUATWW", "currency": "EUR",
        "time_zone": "Europe/Vienna", "approve_above_minor": 10_000_00,
    }  # fmt: skip
    return Seller.objects.get_or_create(code="main", defaults=given | over)[0]


def a_customer(code: str = "C-1", **over: Any) -> Customer:
    given: dict[str, Any] = {
        "name": "Gasthaus Ente", "language": "de", "time_zone": "Europe/Vienna", "email": "ente@example.org", "street": "Gasse 2",
        "postcode": "1020", "city": "Wien", "country": "AT",
    }  # fmt: skip
    return Customer.objects.create(code=code, **given | over)


def a_jurisdiction(rate: str = "20", rounding: str = "document") -> Jurisdiction:
    place, _ = Jurisdiction.objects.get_or_create(code="AT", defaults={"title": "Austria", "rounding": rounding})
    TaxRate.objects.get_or_create(
        jurisdiction=place, tax_class="standard", valid_from=date(2020, 1, 1), defaults={"rate": Decimal(rate)}
    )
    return place


def a_price_list(code: str = "PL", rules: list[dict[str, Any]] | None = None, **over: Any) -> PriceList:
    found = PriceList.objects.create(code=code, title="Standard", **{"currency": "EUR"} | over)
    PriceVersion.objects.create(
        price_list=found, valid_from=date(2026, 1, 1), rules=rules if rules is not None else RULES
    )
    return found


def a_contract(code: str = "K-1", *, customer: Customer | None = None, **over: Any) -> Contract:
    """With a weekly service on Mondays at one site."""
    a_seller()
    customer = customer or a_customer(f"C-{code}")
    given: dict[str, Any] = {
        "jurisdiction": a_jurisdiction(), "currency": "EUR", "starts_on": date(2026, 1, 1), "anchor": date(2026, 1, 1), "bill_from": OCTOBER,
    }  # fmt: skip
    return Contract.objects.create(code=code, customer=customer, **given | over)


def a_service(contract: Contract, code: str = "", *, price_list: PriceList | None = None, **over: Any) -> Service:
    code = code or f"{contract.code}/1"
    where = contract.customer
    site, _ = Site.objects.get_or_create(
        code=f"S-{code}".replace("/", "-"),
        defaults={
            "customer": where, "name": "Hof", "street": where.street, "postcode": where.postcode, "city": where.city,
            "country": where.country, "time_zone": where.time_zone,
        },
    )  # fmt: skip
    given: dict[str, Any] = {
        "title": "Residual waste", "container_type": "bin", "size": "1100 l", "pattern": "weekly", "weekdays": "0",
        "starts_on": contract.starts_on,
    }  # fmt: skip
    prices = price_list or PriceList.objects.filter(code="PL").first() or a_price_list()
    return Service.objects.create(code=code, contract=contract, site=site, price_list=prices, **given | over)


def a_visit(service: Service, day: date, code: str = "", **over: Any) -> Visit:
    planned = None if over.get("extra") else day
    return Visit.objects.create(
        service=service, day=day, code=code or f"V-{service.code}-{day}", **{"planned_on": planned} | over
    )


def a_final_invoice(
    number: int = 1,
    *,
    customer: Customer | None = None,
    net_minor: int = 100_00,
    tax_minor: int = 20_00,
    currency: str = "EUR",
    rule: str = "base_fee",
    code: str = "base",
    **over: Any,
) -> Document:
    """As finalisation leaves it, with one line (of that rule and code) and its standing; without the journal."""
    a_seller()
    customer = customer or a_customer(f"C-inv-{number}")
    series, _ = Series.objects.get_or_create(code="invoices", defaults={"prefix": "INV-"})
    at = datetime(2026, 11, 1, 8, tzinfo=UTC)
    given: dict[str, Any] = {
        "currency": currency, "language": customer.language, "tax_point": date(2026, 10, 31), "period_start": OCTOBER, "period_end": NOVEMBER,
        "net_minor": net_minor, "tax_minor": tax_minor, "gross_minor": net_minor + tax_minor, "digest": f"{number:064x}", "created_at": at,
        "issue_date": NOVEMBER, "due_date": date(2026, 11, 15), "parties": {},
    }  # fmt: skip
    made = Document.objects.create(customer=customer, **given | over)
    Line.objects.create(
        document=made, position=1, code=code, title="Base fee", unit_price=Decimal(net_minor) / 100, amount_minor=net_minor, net_minor=net_minor,
        tax_minor=tax_minor, category="S", rate=Decimal(20), rule=rule, words=f"{net_minor / 100:.2f} for 31 of 31 days",
    )  # fmt: skip
    TaxGroup.objects.create(
        document=made, position=1, category="S", rate=Decimal(20), base_minor=net_minor, tax_minor=tax_minor
    )
    made.state, made.series, made.sequence, made.number, made.finalised_at = (
        "final",
        series,
        number,
        f"INV-{number:06}",
        at,
    )
    made.save()
    Series.objects.filter(pk=series.pk).update(next_number=number + 1)
    Standing.objects.create(
        document=made,
        customer=customer,
        kind=made.kind,
        currency=currency,
        due_date=made.due_date,
        gross_minor=made.gross_minor,
    )
    return made
