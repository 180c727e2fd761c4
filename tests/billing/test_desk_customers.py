"""Money of a customer's that is for no invoice by name: it pays what is longest due."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from billing.models import Customer, Document, Payment, Standing
from billing.selectors.balances import differences
from queues.models import AuditEntry
from tests.admin import money_scenes
from tests.billing import makers

pytestmark = pytest.mark.django_db
Browser = Callable[[str], Client]
PAY = {
    "currency": "EUR", "amount": "130.00", "received_on": "2026-11-06", "reference": "Cheque 18", "key": "0198c0de-0000-7000-8000-000000000004",
    "why": "At the counter",
}  # fmt: skip


@pytest.fixture
def customer() -> Customer:
    """INV-000011 over 120.00 is open, and INV-000013 written off."""
    found: Customer = money_scenes.credit()["in_credit"]
    return found


def url(customer: Customer) -> str:
    return f"/admin/billing/customer/{customer.pk}/pay/"


def test_money_pays_what_is_longest_due_and_the_rest_is_credit_however_often_the_form_is_sent(
    customer: Customer, as_: Browser
) -> None:
    assert "To be paid: 120.00 EUR" in as_("manager").get(url(customer)).content.decode()
    for _ in range(2):
        answer = as_("manager").post(url(customer), PAY)
        payment = Payment.objects.get(reference="Cheque 18")
        assert answer["Location"] == f"/admin/billing/payment/{payment.pk}/change/"
    assert Standing.objects.get(document=Document.objects.get(number="INV-000011")).state == "paid"
    assert (payment.amount_minor, payment.allocated_minor) == (130_00, 120_00) and differences() == []
    assert AuditEntry.objects.get(action="payment.receive", object_id=str(payment.pk)).why == "At the counter"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"amount": "0"}, "above nothing"),
        ({"amount": "-3"}, "above nothing"),
        ({"amount": "1.005"}, "EUR has 2 decimals"),
        ({"amount": "much"}, "Enter a number"),
        ({"currency": "USD"}, "Select a valid choice"),
        ({"received_on": "2036-01-01"}, "has not come yet"),
    ],
)
def test_a_wrong_payment_is_told_beside_its_field_and_nothing_is_booked(
    customer: Customer, as_: Browser, wrong: dict[str, str], told: str
) -> None:
    assert told in as_("manager").post(url(customer), {**PAY, **wrong}).content.decode()
    assert not Payment.objects.filter(reference="Cheque 18").exists()


def test_a_reference_that_another_payment_bears_is_told_and_nothing_is_booked(customer: Customer, as_: Browser) -> None:
    answer = as_("manager").post(url(customer), {**PAY, "reference": "Transfer 11"})
    assert "bears the reference &#x27;Transfer 11&#x27; already" in answer.content.decode()
    assert Payment.objects.count() == 1


def test_an_amount_is_read_with_its_currencys_decimals(customer: Customer, as_: Browser) -> None:
    makers.a_booked_invoice(14, customer=customer, currency="JPY", net_minor=1000, tax_minor=200)
    yen = {**PAY, "currency": "JPY", "amount": "1200"}
    assert "JPY has 0 decimals" in as_("manager").post(url(customer), {**yen, "amount": "1200.5"}).content.decode()
    assert as_("manager").post(url(customer), yen).status_code == 302
    assert Payment.objects.get(reference="Cheque 18").allocated_minor == 1200


def test_a_customers_page_leads_to_it_and_to_the_account(customer: Customer, as_: Browser) -> None:
    shown: Any = as_("manager").get(f"/admin/billing/customer/{customer.pk}/change/").content.decode()
    assert url(customer) in shown and f"/admin/billing/standing/customer/{customer.pk}/" in shown


def test_nobody_but_who_bills_records_money(customer: Customer, as_: Browser) -> None:
    assert as_("dispatcher").post(url(customer), PAY).status_code == 403
    assert not Payment.objects.filter(reference="Cheque 18").exists()
    assert as_("manager").get(url(Customer(pk=0))).status_code == 404
