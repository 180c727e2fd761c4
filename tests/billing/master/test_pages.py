"""The pages of billing's master data: for whom they are, what they show, what they refuse in words, and how many queries they take."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing.models import (
    Contract,
    Coupon,
    Customer,
    ExchangeRate,
    FuelIndex,
    HolidayCalendar,
    Jurisdiction,
    PriceList,
    PriceVersion,
    Seller,
    Service,
    Site,
    Stay,
    TaxRate,
    Visit,
    WeighTicket,
)  # fmt: skip
from queues.models import AuditEntry
from tests.billing import makers as m

PAGES = (
    "seller", "customer", "site", "contract", "service", "stay", "coupon", "pricelist", "priceversion", "fuelindex", "jurisdiction",
    "taxrate", "exchangerate", "holidaycalendar", "visit",
)  # fmt: skip
pytestmark = pytest.mark.django_db


def hauler() -> Service:
    """One row of each kind."""
    service = m.a_service(m.a_contract())
    m.a_visit(service, date(2026, 10, 5))
    Stay.objects.create(service=service, delivered_on=date(2026, 10, 1))
    Coupon.objects.create(
        code="TEN", contract=service.contract, amount_minor=1000, valid_from=m.OCTOBER, title="Ten off"
    )
    FuelIndex.objects.create(code="fuel", published_on=m.OCTOBER, value="1.65")
    ExchangeRate.objects.create(base="USD", quote="EUR", on=m.OCTOBER, rate="0.92")
    HolidayCalendar.objects.create(code="AT", title="Austria")
    return service


def one_of(page: str) -> Any:
    from django.apps import apps

    return apps.get_model("billing", page).objects.first()


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(("role", "status"), [("admin", 200), ("manager", 200), ("dispatcher", 403), ("driver", 302)])
def test_the_pages_are_for_those_who_bill(as_: Any, role: str, status: int, page: str) -> None:
    hauler()
    browser = as_(role)
    assert browser.get(f"/admin/billing/{page}/").status_code == status
    assert browser.get(f"/admin/billing/{page}/{one_of(page).pk}/change/").status_code == status


@pytest.mark.parametrize("page", PAGES)
def test_a_list_takes_as_many_queries_for_many_rows_as_for_a_few(as_: Any, page: str) -> None:
    browser = as_("manager")
    counts = []
    for batch in range(2):
        for n in range(batch * 10, batch * 10 + 2 + batch * 8):
            service = m.a_service(m.a_contract(f"K-{n}"), price_list=m.a_price_list(f"PL-{n}"))
            m.a_visit(service, date(2026, 10, 5))
            Stay.objects.create(service=service, delivered_on=date(2026, 10, 1))
            Coupon.objects.create(
                code=f"T{n}", contract=service.contract, amount_minor=1000, valid_from=m.OCTOBER, title="Ten off"
            )
            FuelIndex.objects.create(code=f"fuel{n}", published_on=m.OCTOBER, value="1.65")
            m.a_final_invoice(n + 1, customer=service.contract.customer)
        browser.get(f"/admin/billing/{page}/")
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert browser.get(f"/admin/billing/{page}/").status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 14


@pytest.mark.parametrize("page", PAGES)
def test_a_list_is_searched(as_: Any, page: str) -> None:
    hauler()
    assert as_("manager").get(f"/admin/billing/{page}/", {"q": "nobody-has-this"}).status_code == 200


def test_a_contract_tells_its_services_next_periods_and_documents(as_: Any) -> None:
    service = hauler()
    contract = service.contract
    m.a_final_invoice(customer=contract.customer, contract=contract)
    page = as_("manager").get(f"/admin/billing/contract/{contract.pk}/change/").content.decode()
    assert (
        "1 Nov 2026 – 30 Nov 2026" in page and "1 Dec 2026 – 31 Dec 2026" in page and "1 Oct 2026 – 31 Oct 2026" in page
    )
    assert "Mondays" in page and "INV-000001" in page and "120.00 EUR" in page and service.code in page


def test_a_customer_tells_what_is_open(as_: Any) -> None:
    customer = m.a_customer()
    m.a_final_invoice(1, customer=customer)
    m.a_final_invoice(2, customer=customer, net_minor=1, tax_minor=0, currency="JPY")
    page = as_("manager").get("/admin/billing/customer/").content.decode()
    assert "120.00 EUR, 1 JPY" in page
    assert "120.00 EUR, 1 JPY" in as_("manager").get(f"/admin/billing/customer/{customer.pk}/change/").content.decode()


def test_what_others_refer_to_is_not_deleted_and_the_page_says_by_whom(as_: Any) -> None:
    service = hauler()
    browser: Client = as_("manager")
    for row, words in (
        (service.contract.customer, "1 contract, 1 site"), (service.contract, "1 service, 1 coupon"), (service.price_list, "1 service, 1 price version"),
        (service, "1 visit"), (Jurisdiction.objects.get(), "1 contract, 1 tax rate"), (Site.objects.get(), "1 service"),
    ):  # fmt: skip
        path = f"/admin/billing/{row._meta.model_name}/{row.pk}/delete/"
        page = browser.post(path, {"why": "Tidy"}).content.decode()
        assert "It cannot be deleted: it has" in page, row
        for part in words.split(", "):
            assert part in page, (row, part)
        assert type(row).objects.filter(pk=row.pk).exists()
    assert not AuditEntry.objects.exists()


def test_a_wrong_tax_id_is_told_beside_its_field(as_: Any) -> None:
    customer = m.a_customer()
    form = {
        "code": "C-1", "name": "Gasthaus", "language": "de", "time_zone": "Europe/Vienna", "street": "Gasse 2", "postcode": "1020", "city": "Wien",
        "country": "AT", "tax_treatment": "reverse_charge", "tax_id": "ATU12345670", "payment_days": "14", "exemption_reason": "", "exempt_until": "",
        "email": "", "phone": "", "buyer_reference": "",
    }  # fmt: skip
    path = f"/admin/billing/customer/{customer.pk}/change/"
    page = as_("manager").post(path, form)
    assert "check digit" in page.content.decode() and not Customer.objects.exclude(tax_id="").exists()
    assert as_("manager").post(path, {**form, "tax_id": "atu 12345675"}).status_code == 302
    assert Customer.objects.get().tax_id == "ATU12345675"


def test_a_billed_visit_is_looked_at_and_not_changed(as_: Any) -> None:
    service = hauler()
    visit = Visit.objects.get()
    visit.billed_on = m.a_final_invoice(customer=service.contract.customer, contract=service.contract)
    visit.save()
    path = f"/admin/billing/visit/{visit.pk}/"
    form = {
        "code": visit.code,
        "service": service.pk,
        "day": "2026-10-06",
        "planned_on": "",
        "outcome": "done",
        "containers": "1",
    }
    assert as_("manager").get(f"{path}change/").status_code == 200
    assert as_("manager").post(f"{path}change/", form).status_code == 403
    page = as_("manager").post(f"{path}delete/", {"why": "Wrong"}).content.decode()
    assert "is billed on INV-000001, which is final: credit the document instead." in page
    visit.refresh_from_db()
    assert visit.day == date(2026, 10, 5)


def test_a_weigh_ticket_is_written_with_its_visit_and_its_net_worked_out(as_: Any) -> None:
    service = hauler()
    visit = Visit.objects.get()
    form = {
        "code": visit.code, "service": service.pk, "day": "2026-10-05", "planned_on": "2026-10-05", "outcome": "done", "containers": "1",
        "ticket-TOTAL_FORMS": "1", "ticket-INITIAL_FORMS": "0", "ticket-MIN_NUM_FORMS": "0", "ticket-MAX_NUM_FORMS": "1",
        "ticket-0-code": "W-1", "ticket-0-gross": "10", "ticket-0-tare": "8", "ticket-0-unit": "short_ton", "ticket-0-visit": visit.pk,
    }  # fmt: skip
    answer = as_("manager").post(f"/admin/billing/visit/{visit.pk}/change/", {**form, "ticket-0-tare": "11"})
    assert "it is not below tare" in answer.content.decode()
    assert as_("manager").post(f"/admin/billing/visit/{visit.pk}/change/", form).status_code == 302
    assert str(WeighTicket.objects.get().net_kg) == "1814.369"
    assert [entry.action for entry in AuditEntry.objects.all()] == ["weigh_ticket.create"]


def test_amounts_are_typed_in_the_currencys_units(as_: Any) -> None:
    contract = m.a_contract(currency="JPY")
    form = {
        "code": "YEN",
        "contract": contract.pk,
        "title": "Off",
        "amount": "1.5",
        "valid_from": "2026-11-01",
        "valid_until": "",
    }
    assert "JPY has 0 decimals." in as_("manager").post("/admin/billing/coupon/add/", form).content.decode()
    assert as_("manager").post("/admin/billing/coupon/add/", {**form, "amount": "150"}).status_code == 302
    assert Coupon.objects.get().amount_minor == 150
    seller = Seller.objects.get()
    assert 'value="10000.00"' in as_("manager").get(f"/admin/billing/seller/{seller.pk}/change/").content.decode()


def test_models_are_all_here() -> None:
    """The names above are models of billing's."""
    assert {model._meta.model_name for model in (
        Seller, Customer, Site, Contract, Service, Stay, Coupon, PriceList, PriceVersion, FuelIndex, Jurisdiction, TaxRate, ExchangeRate,
        HolidayCalendar, Visit,
    )} == set(PAGES)  # fmt: skip
