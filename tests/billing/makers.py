"""A small hauler for tests: one customer, one contract, a price list, October 2026."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from billing import tax
from billing.models import (
    Adjustment,
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
from billing.services import books
from billing.services.numbers import next_number

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
    allowance_minor: int = 0,
    rule: str = "base_fee",
    code: str = "base",
    **over: Any,
) -> Document:
    """As finalisation leaves it, with one line (of that rule and code), perhaps an allowance, and its standing; without the journal."""
    a_seller()
    customer = customer or a_customer(f"C-inv-{number}")
    series, _ = Series.objects.get_or_create(code="invoices", defaults={"prefix": "INV-"})
    at = datetime(2026, 11, 1, 8, tzinfo=UTC)
    given: dict[str, Any] = {
        "currency": currency, "language": customer.language, "tax_point": date(2026, 10, 31), "period_start": OCTOBER, "period_end": NOVEMBER,
        "net_minor": net_minor, "tax_minor": tax_minor, "gross_minor": net_minor + tax_minor, "digest": f"{number:064x}", "created_at": at,
        "issue_date": NOVEMBER, "due_date": date(2026, 11, 15), "parties": {},
    }  # fmt: skip
    made, line = Document.objects.create(customer=customer, **given | over), net_minor + allowance_minor
    Line.objects.create(
        document=made, position=1, code=code, title="Base fee", unit_price=Decimal(line) / 100, amount_minor=line, net_minor=line,
        tax_minor=tax_minor, category="S", rate=Decimal(20), rule=rule, words=f"{line / 100:.2f} for 31 of 31 days",
    )  # fmt: skip
    if allowance_minor:
        Adjustment.objects.create(
            document=made, position=1, kind="allowance", reason="Coupon", amount_minor=allowance_minor, net_minor=allowance_minor,
            category="S", rate=Decimal(20),
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


def a_draft_invoice(lines: list[tuple[int, str]], *, mode: str = "exclusive", off: int = 0, **over: Any) -> Document:
    """Lines of so many minor units at a rate; `off`: an allowance at the first one's rate. Taxed as billing.tax does."""
    a_seller()
    rates = [tax.Tax("S", Decimal(rate)) for _, rate in lines]
    given = [(rate, Decimal(amount)) for rate, (amount, _) in zip(rates, lines, strict=True)]
    taxed = tax.by_document([*given, *([(rates[0], Decimal(-off))] if off else [])], mode, 0)  # type: ignore[arg-type]
    net, taxes = (int(sum(getattr(each, name) for each in taxed)) for name in ("net", "tax"))
    at = datetime(2026, 11, 1, 8, tzinfo=UTC)
    made = Document.objects.create(
        customer=over.pop("customer", None) or a_customer("C-draft"), currency="EUR", tax_mode=mode, tax_point=date(2026, 10, 31),
        period_start=OCTOBER, period_end=NOVEMBER, net_minor=net, tax_minor=taxes, gross_minor=net + taxes, digest="0" * 64,
        created_at=at, issue_date=NOVEMBER, due_date=date(2026, 11, 15), **over,
    )  # fmt: skip
    for n, each in enumerate(taxed[: len(lines)], 1):
        Line.objects.create(
            document=made, position=n, code=f"code{n}", title=f"Line {n}", quantity=1 if each.amount > 0 else -1,
            unit_price=abs(each.amount) / 100, amount_minor=int(each.amount), net_minor=int(each.net), tax_minor=int(each.tax),
            category="S", rate=each.rate.rate, rule="base_fee", words="",
        )  # fmt: skip
    for each in taxed[len(lines) :]:
        Adjustment.objects.create(
            document=made, position=1, kind="allowance", reason="Coupon", amount_minor=off, net_minor=-int(each.net), category="S",
            rate=each.rate.rate,
        )  # fmt: skip
    for n, group in enumerate(tax.groups(taxed), 1):
        TaxGroup.objects.create(
            document=made, position=n, category="S", rate=group.rate.rate, base_minor=int(group.base), tax_minor=int(group.tax)
        )  # fmt: skip
    return made


def finalised(draft: Document) -> Document:
    """As finalisation does: number, standing, journal."""
    number = next_number(draft.kind)
    draft.state, draft.finalised_at = Document.State.FINAL, draft.created_at
    draft.series, draft.sequence, draft.number = number.series, number.sequence, number.text
    draft.save()
    Standing.objects.create(
        document=draft, customer=draft.customer, kind=draft.kind, currency=draft.currency, due_date=draft.due_date,
        gross_minor=draft.gross_minor,
    )  # fmt: skip
    return _booked(draft)


def a_booked_invoice(number: int = 1, **over: Any) -> Document:
    """With its entries in the journal."""
    return _booked(a_final_invoice(number, **over))


def _booked(made: Document) -> Document:
    place = made.contract.jurisdiction.code if made.contract is not None else ""
    legs = books.legs_of(made, made.lines.all(), made.adjustments.all(), made.tax_groups.all(), place)
    assert made.issue_date is not None
    books.post(
        f"document:{made.number}", legs, booked_on=made.issue_date, customer=made.customer, currency=made.currency, document=made
    )  # fmt: skip
    return made
