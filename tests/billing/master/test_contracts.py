"""Contracts, services, containers and coupons: they fit each other, and what is billed by them stays."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from billing.errors import WrongFields
from billing.models import Contract, Coupon, Document, Jurisdiction, PriceList, Service, Site, Standing, Stay
from billing.services.master.data import delete, save
from queues.contract import Actor
from tests.billing import makers as m

from .conftest import refused

pytestmark = pytest.mark.django_db


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
