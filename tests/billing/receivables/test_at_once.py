"""Clerks, providers and imports at the same moment: nothing is allocated, credited or received twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import connections

from billing.errors import CannotSettle, StatementUnreadable
from billing.models import Allocation, BankLine, Document, Entry, Payment, Standing
from billing.selectors import balances
from billing.services import allocations, bank, credits, given_back, received, write_offs
from queues.contract import Actor
from tests.billing import makers

AT_ONCE = 6
pytestmark = [pytest.mark.django_db(transaction=True)]


def together(*deeds: Callable[[], Any]) -> list[Any]:
    """Each in a thread and a connection of its own, all at the same moment. Refusals are answers, too."""
    gate, answers = threading.Barrier(len(deeds)), list[Any]()

    def one(deed: Callable[[], Any]) -> None:
        try:
            gate.wait(10)
            answers.append(deed())
        except (CannotSettle, StatementUnreadable) as refusal:
            answers.append(refusal)
        except BaseException as error:
            answers.append(error)
            raise
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == len(deeds)
    wrong = [each for each in answers if isinstance(each, BaseException) and not _refusal(each)]
    assert not wrong, wrong
    return answers


def _refusal(answer: Any) -> bool:
    return isinstance(answer, CannotSettle | StatementUnreadable)


def test_two_payments_at_once_do_not_pay_an_invoice_twice(clerk: Actor) -> None:
    customer = makers.a_customer()
    money = [
        received.receive(f"k{n}", "manual", customer, "EUR", 50_00, date(2026, 11, 5), "", actor=clerk)
        for n in range(AT_ONCE)
    ]
    invoice = makers.a_booked_invoice(1, customer=customer)
    answers = together(*[lambda p=p: allocations.allocate(p, invoice, 50_00, actor=clerk) for p in money])  # type: ignore[misc]
    assert sum(not _refusal(each) for each in answers) == 2
    assert Standing.objects.get(document=invoice).balance_minor == 20_00
    assert balances.differences() == []


def test_one_payment_is_not_spent_twice(clerk: Actor) -> None:
    customer = makers.a_customer()
    payment = received.receive("k", "manual", customer, "EUR", 250_00, date(2026, 11, 5), "", actor=clerk)
    invoices = [makers.a_booked_invoice(n, customer=customer) for n in range(1, AT_ONCE)]
    answers = together(*[lambda i=i: allocations.allocate(payment, i, 120_00, actor=clerk) for i in invoices])  # type: ignore[misc]
    payment.refresh_from_db()
    assert (sum(not _refusal(each) for each in answers), payment.allocated_minor) == (2, 240_00)


def test_money_that_is_told_many_times_at_once_is_there_once(clerk: Actor) -> None:
    invoice = makers.a_booked_invoice()
    day, customer = date(2026, 11, 5), invoice.customer
    answers = together(
        *[lambda: received.receive("k", "stripe", customer, "EUR", 120_00, day, "ch_1", invoice, actor=clerk)] * AT_ONCE
    )
    assert {each.pk for each in answers} == {Payment.objects.get().pk}
    assert (Allocation.objects.count(), Entry.objects.filter(posting="payment:k").count()) == (1, 1)


def test_two_clerks_at_once_do_not_credit_more_than_there_is(clerk: Actor) -> None:
    invoice = makers.a_booked_invoice()
    answers = together(
        *[lambda: credits.credit(invoice, why="x", actor=clerk, gross_minor=50_00)] * (AT_ONCE - 1),
        lambda: credits.void(invoice, why="y", actor=clerk),
    )
    notes = list(Document.objects.filter(credits=invoice).order_by("sequence"))
    assert sum(note.gross_minor for note in notes) <= invoice.gross_minor
    assert [note.sequence for note in notes] == list(range(1, len(notes) + 1)), "refusals leave no gap"
    assert any(_refusal(each) for each in answers)
    assert balances.differences() == []


def test_whatever_happens_to_a_customer_at_once_the_account_is_right(clerk: Actor) -> None:
    first = makers.a_booked_invoice(1)
    customer = first.customer
    second = makers.a_booked_invoice(2, customer=customer)
    paid = received.receive("k", "manual", customer, "EUR", 150_00, date(2026, 11, 5), "", actor=clerk)
    for n in range(4):
        together(
            lambda n=n: received.receive(f"k{n}", "manual", customer, "EUR", 7_00, date(2026, 11, 6), "", actor=clerk),  # type: ignore[misc]
            lambda n=n: given_back.reverse(paid, 30_00, f"dispute:x:{n}", "x", actor=clerk),  # type: ignore[misc]
            lambda: credits.credit(first, why="x", actor=clerk, gross_minor=5_00),
            lambda: allocations.settle(customer, "EUR", actor=clerk),
            lambda: write_offs.write_off(second, why="x", actor=clerk),
            lambda: allocations.undo(Allocation.objects.filter(amount_minor__gt=0)[0], actor=clerk, why="x"),
        )
        assert balances.differences() == []
        for standing in Standing.objects.all():
            laid = Allocation.objects.filter(document=standing.document, payment__isnull=False)
            assert standing.kind == "credit_note" or standing.paid_minor == sum(each.amount_minor for each in laid)


def test_a_statement_that_two_import_at_once_is_imported_once(clerk: Actor) -> None:
    invoice = makers.a_booked_invoice()
    content = b"date;amount;currency;text;reference\n2026-11-05;120.00;EUR;INV-000001;R1\n"
    answers = together(*[lambda: bank.import_statement(content, "a.csv", actor=clerk)] * AT_ONCE)
    assert sum(not _refusal(each) for each in answers) == 1
    assert (BankLine.objects.count(), Payment.objects.count()) == (1, 1)
    assert Standing.objects.get(document=invoice).state == "paid"
