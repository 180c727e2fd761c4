"""Master data: proved by field, audited, and never changed under a final document."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Model

from billing.errors import WrongFields
from billing.models import (
    Contract,
    Coupon,
    Customer,
    Document,
    ExchangeRate,
    FuelIndex,
    Jurisdiction,
    PriceList,
    Service,
    Site,
    Standing,
    Stay,
    TaxRate,
    Visit,
    WeighTicket,
)
from billing.services.master.data import delete, save
from queues.contract import Actor
from queues.models import AuditEntry
from tests.billing import makers as m

pytestmark = pytest.mark.django_db


def refused(row: Model, actor: Actor, **changed: Any) -> tuple[str, str]:
    """The field that the service refuses, and what it says; nothing is stored."""
    before = AuditEntry.objects.count()
    for name, value in changed.items():
        setattr(row, name, value)
    with pytest.raises(WrongFields) as caught:
        save(row, actor=actor)
    assert AuditEntry.objects.count() == before
    if row.pk:
        row.refresh_from_db()
    (error,) = caught.value.errors
    return error.field, error.message


@pytest.fixture
def service() -> Service:
    return m.a_service(m.a_contract())


@pytest.fixture
def billed(service: Service) -> Document:
    """October of the service's contract is final."""
    return m.a_final_invoice(customer=service.contract.customer, contract=service.contract)


# --- how all are written ---


def test_a_change_is_entered_with_what_differs_and_no_change_is_not(actor: Actor) -> None:
    customer = m.a_customer()
    customer.payment_days = 30
    save(customer, actor=actor, why="Asked for")
    save(Customer.objects.get(), actor=actor)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.before, entry.after, entry.why) == (
        "customer.change",
        {"payment_days": 14},
        {"payment_days": 30},
        "Asked for",
    )


def test_the_same_number_written_otherwise_is_no_change(actor: Actor) -> None:
    rate = m.a_jurisdiction().rates.get()
    rate.rate = Decimal("20.0")
    save(rate, actor=actor)
    assert not AuditEntry.objects.exists()


def test_a_new_row_and_its_end_are_entered_whole(actor: Actor) -> None:
    place = save(Jurisdiction(code="DE", title="Germany"), actor=actor)
    delete(place, actor=actor, why="Not needed")
    made, gone = AuditEntry.objects.order_by("id")
    assert (
        made.before is None and made.after["code"] == "DE" and gone.after is None and gone.before["title"] == "Germany"
    )
    assert (made.action, gone.action, gone.object_label) == ("jurisdiction.create", "jurisdiction.delete", "DE Germany")


def test_a_code_that_is_there_already_is_told_by_its_field(actor: Actor) -> None:
    m.a_customer("C-1")
    twin = m.a_customer("C-2")
    assert refused(twin, actor, code="C-1")[0] == "code"


# --- customers and sites ---


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"time_zone": "Mars/North"}, "time_zone"), ({"tax_id": "ATU12345670"}, "tax_id"), ({"tax_treatment": "reverse_charge"}, "tax_id"),
        ({"tax_treatment": "exempt"}, "exemption_reason"), ({"exempt_until": date(2027, 1, 1)}, "exempt_until"), ({"country": "Austria"}, "country"),
    ],
)  # fmt: skip
def test_a_customers_papers_are_proved(actor: Actor, changed: dict[str, Any], field: str) -> None:
    assert refused(m.a_customer(), actor, **changed)[0] == field


def test_a_site_with_services_stays_its_customers(actor: Actor, service: Service) -> None:
    assert refused(service.site, actor, customer=m.a_customer("C-2")) == (
        "customer", "The service K-1/1 is there: a site with services stays its customer's.",
    )  # fmt: skip


# --- contracts and services ---


@pytest.mark.parametrize(
    "changed",
    [
        {"currency": "USD"},
        {"anchor": date(2026, 1, 15)},
        {"every": "week"},
        {"customer": "other"},
        {"jurisdiction": "other"},
    ],
)
def test_what_final_documents_rest_on_is_fixed_in_a_contract(
    actor: Actor, service: Service, billed: Document, changed: dict[str, Any]
) -> None:
    others: dict[str, Any] = {
        "customer": m.a_customer("C-2"),
        "jurisdiction": Jurisdiction.objects.create(code="DE", title="Germany"),
    }
    (name, value), contract = next(iter(changed.items())), service.contract
    assert refused(contract, actor, **{name: others[name] if value == "other" else value}) == (
        name, f"Contract {contract.code} has final documents: its {name} stays. End it, and make another.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ends", "end", "good"), [("exclusive", 1, False), ("inclusive", 1, True), ("exclusive", 2, True)]
)
def test_an_end_leaves_a_contract_a_day(actor: Actor, ends: str, end: int, good: bool) -> None:
    contract = m.a_contract()
    contract.ends, contract.ends_on = ends, date(2026, 1, end)
    if good:
        assert save(contract, actor=actor).ends_on == date(2026, 1, end)
    else:
        assert refused(contract, actor)[0] == "ends_on"


def test_a_contract_does_not_end_before_its_services_and_visits(actor: Actor, service: Service) -> None:
    m.a_visit(service, date(2026, 10, 12))
    contract = service.contract
    assert refused(contract, actor, ends_on=date(2026, 10, 12)) == (
        "ends_on",
        "Visit V-K-1/1-2026-10-12 on 2026-10-12 would not be served any more.",
    )
    assert (
        refused(contract, actor, starts_on=date(2026, 2, 1))[1]
        == "The service K-1/1 starts on 2026-01-01, before the contract."
    )
    service.ends_on = date(2026, 12, 1)
    save(service, actor=actor)
    assert (
        refused(contract, actor, ends_on=date(2026, 11, 1))[1]
        == "The service K-1/1 ends on 2026-12-01, after the contract: end it first."
    )
    contract.ends_on = date(2026, 12, 1)
    save(contract, actor=actor)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"starts_on": date(2025, 12, 31)}, "starts_on"), ({"ends_on": date(2027, 1, 2)}, "ends_on"), ({"weekdays": "8"}, "weekdays"),
        ({"weekdays": ""}, "weekdays"), ({"interval": 2}, "anchor"), ({"interval": 0}, "interval"), ({"pattern": "monthly"}, "month_day"),
        ({"shift": "skip"}, "holidays"), ({"containers": 0}, "containers"), ({"ends_on": date(2026, 1, 1)}, "ends_on"),
    ],
)  # fmt: skip
def test_a_service_fits_its_contract_and_its_pattern(
    actor: Actor, service: Service, changed: dict[str, Any], field: str
) -> None:
    Contract.objects.update(ends_on=date(2027, 1, 1))
    assert refused(Service.objects.get(), actor, **changed)[0] == field


def test_a_services_prices_have_the_contracts_currency_and_one_tax_mode(actor: Actor, service: Service) -> None:
    dollars = PriceList.objects.create(code="USD", title="Dollars", currency="USD")
    with_tax = PriceList.objects.create(code="INC", title="Inclusive", currency="EUR", tax_mode="inclusive")
    assert refused(service, actor, price_list=dollars) == ("price_list", "It is in USD, the contract in EUR.")
    second = m.a_service(service.contract, "K-1/2")
    assert refused(second, actor, price_list=with_tax)[0] == "price_list"
    assert refused(service.contract, actor, currency="USD")[0] == "currency"
    assert refused(service.price_list, actor, tax_mode="inclusive")[0] == "tax_mode"


def test_a_service_is_at_a_site_of_its_contracts_customer(actor: Actor, service: Service) -> None:
    other = m.a_service(m.a_contract("K-2"))
    assert refused(service, actor, site=Site.objects.get(pk=other.site_id))[0] == "site"


def test_a_billed_service_keeps_its_price_list_and_its_contract(
    actor: Actor, service: Service, billed: Document
) -> None:
    assert refused(service, actor, price_list=m.a_price_list("PL-2"))[0] == "price_list"
    assert refused(service, actor, contract=m.a_contract("K-2", customer=service.contract.customer))[0] == "contract"


def test_billed_days_of_a_rented_container_stay(actor: Actor, service: Service, billed: Document) -> None:
    Standing.objects.update(state=Standing.State.VOID)
    stay = save(Stay(service=service, delivered_on=date(2026, 10, 5)), actor=actor)
    Standing.objects.update(state=Standing.State.OPEN)
    assert refused(stay, actor, delivered_on=date(2026, 10, 6))[0] == "delivered_on"
    assert refused(stay, actor, removed_on=date(2026, 10, 20))[0] == "removed_on"
    with pytest.raises(WrongFields, match="are billed"):
        delete(stay, actor=actor)
    stay.removed_on = date(2026, 11, 3)
    save(stay, actor=actor)


def test_a_used_coupon_is_kept(actor: Actor, service: Service, billed: Document) -> None:
    coupon = save(
        Coupon(code="TEN", contract=service.contract, amount_minor=1000, valid_from=m.OCTOBER, title="Ten"), actor=actor
    )
    assert refused(coupon, actor, amount_minor=0)[0] == "amount_minor"
    assert refused(coupon, actor, valid_until=m.OCTOBER)[0] == "valid_until"
    Coupon.objects.update(used_on=billed)
    coupon.refresh_from_db()
    assert refused(coupon, actor, amount_minor=500)[1] == "Coupon TEN is used: its document stands as it is."
    with pytest.raises(WrongFields, match="is used"):
        delete(coupon, actor=actor)


# --- visits ---


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"containers": 0}, "containers"), ({"contaminated": True}, "evidence"), ({"extra": True}, "planned_on"), ({"day": date(2025, 12, 31)}, "day"),
        ({"day": date(2026, 12, 1)}, "day"), ({"outcome": "blocked"}, "outcome"),
    ],
)  # fmt: skip
def test_a_visit_is_proved(actor: Actor, service: Service, changed: dict[str, Any], field: str) -> None:
    Contract.objects.update(ends_on=date(2026, 12, 1))
    visit = m.a_visit(Service.objects.get(), date(2026, 10, 5))
    save(WeighTicket(code="W", visit=visit, gross=Decimal(9), tare=Decimal(8)), actor=actor)
    assert refused(visit, actor, **changed)[0] == field


@pytest.mark.parametrize(("gross", "tare", "field"), [("7", "8", "gross"), ("7", "-8", "tare")])
def test_a_weight_is_not_negative(actor: Actor, service: Service, gross: str, tare: str, field: str) -> None:
    ticket = WeighTicket(
        code="W", visit=m.a_visit(service, date(2026, 10, 5)), gross=Decimal(gross), tare=Decimal(tare)
    )
    assert refused(ticket, actor)[0] == field


@pytest.mark.parametrize(
    ("unit", "net"), [("kg", "1.000"), ("t", "1000.000"), ("lb", "0.454"), ("short_ton", "907.185")]
)
def test_the_net_weight_is_in_kilograms(actor: Actor, service: Service, unit: str, net: str) -> None:
    ticket = WeighTicket(
        code="W", visit=m.a_visit(service, date(2026, 10, 5)), gross=Decimal(9), tare=Decimal(8), unit=unit
    )
    assert str(save(ticket, actor=actor).net_kg) == net


@pytest.mark.parametrize("state", ["draft", "final"])
def test_a_visit_on_a_document_is_not_changed_nor_weighed_again(actor: Actor, service: Service, state: str) -> None:
    document = m.a_final_invoice(customer=service.contract.customer, contract=service.contract)
    if state == "draft":
        copied = {
            field.attname: getattr(document, field.attname)
            for field in Document._meta.concrete_fields
            if field.name != "id"
        }
        unset = dict.fromkeys(("number", "sequence", "series_id", "finalised_at"))
        document = Document.objects.create(**copied | unset | {"state": "draft", "period_start": date(2026, 9, 1)})
    visit = m.a_visit(service, date(2026, 10, 5))
    ticket = save(WeighTicket(code="W", visit=visit, gross=Decimal(9), tare=Decimal(8)), actor=actor)
    Visit.objects.update(billed_on=document)
    visit.refresh_from_db()
    words = "send the draft back first" if state == "draft" else "credit the document instead"
    assert words in refused(visit, actor, day=date(2026, 10, 6))[1]
    assert words in refused(WeighTicket.objects.get(), actor, gross=Decimal(10))[1]
    for row in (visit, ticket):
        with pytest.raises(WrongFields, match=words):
            delete(row, actor=actor)


# --- taxes, fuel, exchange ---


def test_two_rates_are_never_in_force_on_one_day(actor: Actor) -> None:
    place = m.a_jurisdiction()
    new = TaxRate(jurisdiction=place, rate=Decimal(21), valid_from=date(2027, 1, 1))
    field, words = refused(new, actor)
    assert (field, words) == (
        "valid_from",
        "A rate of S 20 % is valid from 2020-01-01 and has no end: end that one first.",
    )
    old = place.rates.get()
    old.valid_until = date(2027, 1, 1)
    save(old, actor=actor)
    save(new, actor=actor)
    save(TaxRate(jurisdiction=place, tax_class="reduced", rate=Decimal(10), valid_from=date(2020, 1, 1)), actor=actor)


@pytest.mark.parametrize(
    ("changed", "field"),
    [({"category": "E"}, "rate"), ({"category": "E", "rate": Decimal(0)}, "reason"), ({"rate": Decimal(-1)}, "rate")],
)
def test_a_rate_fits_its_category(actor: Actor, changed: dict[str, Any], field: str) -> None:
    assert refused(m.a_jurisdiction().rates.get(), actor, **changed)[0] == field


def test_a_rate_that_documents_were_taxed_at_only_ends_after_them(
    actor: Actor, service: Service, billed: Document
) -> None:
    rate = TaxRate.objects.get()
    for name, value in (("rate", Decimal(21)), ("valid_from", date(2020, 1, 2)), ("valid_until", date(2026, 10, 31))):
        assert refused(rate, actor, **{name: value})[0] == name
    with pytest.raises(WrongFields, match="Final documents up to 2026-10-31"):
        delete(rate, actor=actor)
    rate.valid_until = m.NOVEMBER
    save(rate, actor=actor)
    assert refused(service.contract.jurisdiction, actor, rounding="line")[0] == "rounding"


def test_an_index_that_was_billed_with_stays_as_it_was_published(actor: Actor, service: Service) -> None:
    index = save(FuelIndex(code="fuel", published_on=date(2026, 9, 15), value=Decimal("1.6")), actor=actor)
    assert refused(FuelIndex(code="fuel", published_on=date(2026, 9, 14), value=Decimal(-1)), actor)[0] == "value"
    index.value = Decimal("1.7")  # nothing rests on it yet
    save(index, actor=actor)
    m.a_final_invoice(customer=service.contract.customer, contract=service.contract, rule="fuel", code="fuel")
    assert refused(index, actor, value=Decimal("1.8"))[0] == "published_on"
    assert refused(FuelIndex(code="fuel", published_on=date(2026, 9, 20), value=Decimal(2)), actor)[0] == "published_on"
    with pytest.raises(WrongFields, match="is billed with the index"):
        delete(index, actor=actor)
    save(FuelIndex(code="fuel", published_on=date(2026, 10, 2), value=Decimal(2)), actor=actor)


def test_a_rate_of_exchange_that_is_on_a_document_stays(actor: Actor) -> None:
    rate = save(ExchangeRate(base="USD", quote="EUR", on=m.OCTOBER, rate=Decimal("0.9")), actor=actor)
    rate.rate = Decimal("0.91")
    save(rate, actor=actor)
    m.a_final_invoice(currency="USD", exchange_rate=Decimal("0.91"), exchange_currency="EUR", exchange_on=m.OCTOBER)
    assert "Final documents were made with the rate" in refused(rate, actor, rate=Decimal(1))[1]
    assert refused(ExchangeRate(base="EUR", quote="EUR", on=m.OCTOBER, rate=Decimal(1)), actor)[0] == "quote"
    assert refused(ExchangeRate(base="XXY", quote="EUR", on=m.OCTOBER, rate=Decimal(1)), actor)[0] == "base"
    assert refused(ExchangeRate(base="CHF", quote="EUR", on=m.OCTOBER, rate=Decimal(0)), actor)[0] == "rate"
