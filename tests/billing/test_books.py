"""The journal: what final documents book, and that it comes to nothing over all accounts."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F, Sum

from billing.models import Coupon, Document, Entry, Standing
from billing.services import books
from billing.services.books import Leg

from .makers import NOVEMBER, OCTOBER, a_customer, a_visit
from .two_clerks import DECEMBER, a_month, billed

pytestmark = pytest.mark.django_db


def balances() -> dict[str, int]:
    """By account: debits less credits."""
    found: dict[str, int] = {}
    for debit, credit, amount in Entry.objects.values_list("debit", "credit", "amount_minor"):
        found[debit] = found.get(debit, 0) + amount
        found[credit] = found.get(credit, 0) - amount
    return found


def test_an_invoice_books_its_nets_by_code_and_its_taxes_by_group() -> None:
    contract = a_month()
    Coupon.objects.create(code="C", contract=contract, amount_minor=50_00, valid_from=OCTOBER, title="Welcome")
    billed()
    assert balances() == {
        "receivable": 180_00, "revenue:base": -100_00, "revenue:pick_up": -100_00, "revenue:adjustment": 50_00, "tax:AT:S:20": -30_00,
    }  # fmt: skip
    document = Document.objects.get()
    assert set(Entry.objects.values_list("posting", "booked_on", "document", "customer")) == {
        ("document:INV-000001", NOVEMBER, document.pk, document.customer_id)
    }


def test_the_journal_comes_to_nothing_and_receivables_to_what_is_open() -> None:
    for number in range(3):
        a_visit(a_month(f"K-{number}").services.get(), date(2026, 10, 30), f"extra-{number}", extra=True)
    billed()
    billed(DECEMBER)
    found = balances()
    assert sum(found.values()) == 0
    open_minor = Standing.objects.aggregate(all=Sum(F("gross_minor") - F("credited_minor") - F("paid_minor")))["all"]
    assert found["receivable"] == open_minor == Document.objects.aggregate(all=Sum("gross_minor"))["all"]


def test_a_leg_of_nothing_is_left_out_and_a_negative_one_is_turned() -> None:
    books.post(
        "p", [Leg("a", "b", 0), Leg("a", "b", -5, "back")], booked_on=NOVEMBER, customer=a_customer(), currency="EUR"
    )
    entry = Entry.objects.get()
    assert (entry.debit, entry.credit, entry.amount_minor, entry.words, entry.part) == ("b", "a", 5, "back", 1)


def test_a_fact_is_booked_once() -> None:
    customer = a_customer()
    books.post("p", [Leg("a", "b", 5)], booked_on=NOVEMBER, customer=customer, currency="EUR")
    with pytest.raises(IntegrityError), transaction.atomic():
        books.post("p", [Leg("a", "b", 5)], booked_on=NOVEMBER, customer=customer, currency="EUR")
    assert Entry.objects.count() == 1
