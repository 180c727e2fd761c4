"""Claims about ageing, statements of account, and the journal behind them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import Customer, Document
from billing.selectors import ageing as ageings
from billing.selectors import balances
from billing.selectors.ageing import ageing, bucket_of
from billing.selectors.statement import currencies, statement
from billing.services import credits, given_back, received, write_offs
from queues.contract import Actor
from queues.ledger import clock
from tests.billing import makers

pytestmark = pytest.mark.django_db
CLERK = Actor.system("clerk")


def bought(number: int, customer: Customer, due: date, gross: int = 120_00, **over: Any) -> Document:
    return makers.a_booked_invoice(
        number, customer=customer, due_date=due, net_minor=gross * 5 // 6, tax_minor=gross - gross * 5 // 6, **over
    )


def paid(customer: Customer, amount: int, on: date, document: Document | None = None, key: str = "k") -> None:
    received.receive(key, "manual", customer, "EUR", amount, on, "", document, actor=CLERK)


@pytest.mark.parametrize(
    ("days", "bucket"),
    [(-1, "not_due"), (0, "not_due"), (1, "1_30"), (30, "1_30"), (31, "31_60"), (60, "31_60"), (61, "61_90"),
     (90, "61_90"), (91, "over_90"), (4000, "over_90")],
)  # fmt: skip
def test_a_bucket_goes_by_days_since_it_was_due(days: int, bucket: str) -> None:
    assert bucket_of(date(2026, 11, 1), date(2026, 11, 1) + timedelta(days)) == bucket


def test_what_is_open_is_told_by_currency_and_customer(time: clock.Fake) -> None:
    one, two = makers.a_customer("C-1"), makers.a_customer("C-2")
    bought(1, one, date(2026, 11, 20), 1_20)
    bought(2, one, date(2026, 11, 10), 2_40)
    bought(3, one, date(2026, 10, 1), 3_60)
    bought(4, two, date(2026, 9, 1), 12_00)
    bought(5, two, date(2026, 8, 1), 24_00)
    bought(6, two, date(2026, 8, 1), 7_20, currency="CHF")
    francs, euros = ageing(date(2026, 11, 20))
    assert (euros.currency, dict(euros.buckets)) == (
        "EUR", {"not_due": 1_20, "1_30": 2_40, "31_60": 3_60, "61_90": 12_00, "over_90": 24_00},
    )  # fmt: skip
    assert [(each.code, each.open) for each in euros.customers] == [("C-2", 36_00), ("C-1", 7_20)]
    assert (francs.currency, francs.buckets["over_90"], francs.unapplied) == ("CHF", 7_20, 0)


def test_credit_that_is_set_against_nothing_is_told_beside(time: clock.Fake) -> None:
    customer = makers.a_customer("C-1")
    paid(customer, 50_00, date(2026, 11, 5))
    (euros,) = ageing(date(2026, 11, 20))
    assert (euros.customers[0].open, euros.customers[0].unapplied, euros.customers[0].balance) == (0, 50_00, -50_00)


def test_a_day_in_the_past_is_told_as_it_stood_then(time: clock.Fake) -> None:
    customer = makers.a_customer("C-1")
    invoice, lost = bought(1, customer, date(2026, 11, 15)), bought(2, customer, date(2026, 11, 10))
    time.advance((datetime(2026, 11, 21, 12, tzinfo=UTC) - time.now()).total_seconds())
    paid(customer, 50_00, date(2026, 11, 21), invoice)
    time.advance((datetime(2026, 11, 25, 12, tzinfo=UTC) - time.now()).total_seconds())
    credits.credit(invoice, why="x", actor=CLERK)
    write_offs.write_off(lost, why="x", actor=CLERK)
    time.advance((datetime(2026, 12, 20, 12, tzinfo=UTC) - time.now()).total_seconds())

    def told(day: int, month: int = 11) -> list[tuple[int, int]]:
        return [(each.customers[0].open, each.unapplied) for each in ageing(date(2026, month, day))]

    assert told(31, 10) == [], "before it was issued"
    assert told(1) == told(20) == [(240_00, 0)]
    assert told(21) == told(24) == [(190_00, 0)]
    assert told(25) == told(20, 12) == [(0, 50_00)], "credited in full, and paid 50 before: that is the customer's"


def test_today_stands_as_it_would_be_built_anew(time: clock.Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to read it, over the same books."""
    customer = makers.a_customer("C-1")
    invoices = [bought(n, customer, date(2026, 9 + n % 3, 10), 10_00 * n) for n in range(1, 7)]
    paid(customer, 77_00, date(2026, 11, 18))
    credits.credit(invoices[5], why="x", actor=CLERK, gross_minor=11_00)
    write_offs.write_off(invoices[4], why="x", actor=CLERK)
    write_offs.recover(invoices[4], why="x", actor=CLERK, amount_minor=1_00)
    today = ageing(date(2026, 11, 20))
    monkeypatch.setattr(ageings.sellers, "today", lambda: date(2030, 1, 1))
    assert ageing(date(2026, 11, 20)) == today


def test_ageing_takes_as_many_queries_whoever_owes(time: clock.Fake) -> None:
    for n in range(1, 4):
        bought(n, makers.a_customer(f"C-{n}"), date(2026, 11, 1))
    with CaptureQueriesContext(connection) as few:
        ageing(date(2026, 11, 20))
    for n in range(4, 30):
        bought(n, makers.a_customer(f"C-{n}"), date(2026, 11, 1))
    with CaptureQueriesContext(connection) as many:
        ageing(date(2026, 11, 20))
    assert len(many) == len(few) <= 5


def test_a_statement_of_account_goes_from_its_opening_to_its_closing_balance(time: clock.Fake) -> None:
    customer = makers.a_customer("C-1")
    invoice = bought(1, customer, date(2026, 11, 15))
    paid(customer, 150_00, date(2026, 11, 5), invoice)
    credits.credit(invoice, why="x", actor=CLERK, gross_minor=20_00)
    payment = invoice.payments.get()
    given_back.give_back(payment, 30_00, key="r", why="x", actor=CLERK, on=date(2026, 11, 21))
    told = statement(customer, "EUR", date(2026, 11, 2), date(2026, 11, 20))
    assert (told.opening_minor, told.closing_minor) == (120_00, -50_00)
    assert [(row.on.day, row.words, row.amount_minor, row.balance_minor) for row in told.rows] == [
        (5, "Payment for INV-000001", -150_00, -30_00), (20, "Document CN-000001", -20_00, -50_00),
    ]  # fmt: skip
    whole = statement(customer, "EUR", date(2026, 1, 1), date(2026, 12, 31))
    assert whole.closing_minor == balances.of(customer)[0].owed == -20_00
    assert currencies(customer) == ["EUR"]


def test_a_difference_between_journal_and_documents_is_found(time: clock.Fake) -> None:
    customer = makers.a_customer("C-1")
    bought(1, customer, date(2026, 11, 15))
    assert balances.differences() == []
    makers.a_final_invoice(2, customer=customer)  # it is not in the journal
    assert balances.differences() == [balances.Difference(customer.pk, "EUR", 240_00, 120_00)]
