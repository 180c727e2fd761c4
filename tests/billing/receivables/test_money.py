"""Claims about money that came, and money that went back."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from billing.errors import CannotSettle
from billing.models import Allocation, Document, Entry, Payment, Refund, Standing
from billing.selectors import balances
from billing.services import credits, given_back, received, write_offs
from queues.contract import Actor
from queues.models import AuditEntry
from tests.billing import makers

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("time")]


def state(document: Document) -> tuple[str, int]:
    standing = Standing.objects.get(document=document)
    return standing.state, standing.balance_minor


def pay(invoice: Document, amount: int = 120_00, key: str = "k", **over: Any) -> Payment:
    given: dict[str, Any] = {"provider": "stripe", "reference": "ch_1", "actor": Actor.system()} | over
    return received.receive(
        key, given["provider"], invoice.customer, invoice.currency, amount, date(2026, 11, 5), given["reference"],
        invoice, actor=given["actor"],
    )  # fmt: skip


def booked(posting: str) -> list[tuple[str, str, int]]:
    return list(Entry.objects.filter(posting=posting).values_list("debit", "credit", "amount_minor"))


def test_money_is_booked_and_pays_its_invoice() -> None:
    invoice = makers.a_booked_invoice()
    payment = pay(invoice)
    assert (payment.state, payment.allocated_minor, payment.received_on) == ("succeeded", 120_00, date(2026, 11, 5))
    assert booked("payment:k") == [("bank:stripe", "receivable", 120_00)]
    assert state(invoice) == ("paid", 0)
    assert balances.differences() == []


def test_the_same_money_again_changes_nothing() -> None:
    invoice = makers.a_booked_invoice()
    assert pay(invoice, 50_00) == pay(invoice, 50_00)
    assert (Payment.objects.count(), Allocation.objects.count(), state(invoice)) == (1, 1, ("part_paid", 70_00))
    assert AuditEntry.objects.count() == 1


def test_another_amount_under_the_same_key_is_refused() -> None:
    invoice = makers.a_booked_invoice()
    pay(invoice, 50_00)
    with pytest.raises(CannotSettle, match=r"a payment k already, of 50\.00 EUR"):
        pay(invoice, 50_01)


def test_a_charge_that_was_asked_for_succeeds_with_what_was_captured() -> None:
    invoice = makers.a_booked_invoice()
    asked = Payment.objects.create(
        key="k", provider="stripe", customer=invoice.customer, document=invoice, currency="EUR", amount_minor=120_00,
        state="unknown", created_at=invoice.created_at, failure="?",
    )  # fmt: skip
    payment = received.receive(
        "k", "stripe", invoice.customer, "EUR", 100_00, date(2026, 11, 5), "ch", actor=Actor.system()
    )
    assert (payment.pk, payment.state, payment.amount_minor, payment.failure) == (asked.pk, "succeeded", 100_00, "")
    assert state(invoice) == ("part_paid", 20_00)


def test_what_is_paid_over_stays_the_customers() -> None:
    invoice = makers.a_booked_invoice()
    other = makers.a_booked_invoice(2, customer=invoice.customer)
    pay(invoice, 150_00)
    assert (state(invoice), state(other)) == (("paid", 0), ("open", 120_00))
    assert [(each.open, each.payments) for each in balances.of(invoice.customer)] == [(120_00, 30_00)]


def test_money_for_a_void_invoice_stays_the_customers(clerk: Actor) -> None:
    invoice = makers.a_booked_invoice()
    credits.void(invoice, why="x", actor=clerk)
    assert pay(invoice).allocated_minor == 0
    assert balances.differences() == []


def test_a_refund_opens_the_invoice_again_and_is_booked_once(clerk: Actor) -> None:
    invoice = makers.a_booked_invoice()
    payment = pay(invoice)
    for _ in range(2):
        refund = given_back.give_back(payment, 50_00, key="r", why="Asked for", actor=clerk)
    payment.refresh_from_db()
    assert (refund.state, payment.refunded_minor, payment.allocated_minor) == ("succeeded", 50_00, 70_00)
    assert booked("refund:r") == [("receivable", "bank:stripe", 50_00)]
    assert state(invoice) == ("part_paid", 50_00)
    assert balances.differences() == []


def test_a_refund_of_what_is_free_leaves_invoices_paid(clerk: Actor) -> None:
    invoice = makers.a_booked_invoice()
    given_back.give_back(pay(invoice, 150_00), 30_00, key="r", why="Paid over", actor=clerk)
    assert state(invoice) == ("paid", 0)


def test_a_refund_of_what_was_credited_sets_the_credit_note_off_instead(clerk: Actor) -> None:
    invoice = makers.a_booked_invoice()
    payment = pay(invoice)
    note = credits.credit(invoice, why="Sorry", actor=clerk, gross_minor=20_00)
    given_back.give_back(payment, 20_00, key="r", why="Sorry", actor=clerk)
    standing = Standing.objects.get(document=invoice)
    assert (standing.state, standing.paid_minor, standing.credited_minor) == ("paid", 100_00, 20_00)
    assert state(note) == ("paid", 0)
    assert balances.differences() == []


def test_money_is_taken_off_the_newest_invoice_first(clerk: Actor) -> None:
    first = makers.a_booked_invoice()
    second = makers.a_booked_invoice(2, customer=first.customer, due_date=date(2026, 12, 1))
    payment = received.receive(
        "k", "manual", first.customer, "EUR", 200_00, date(2026, 11, 5), "", actor=Actor.system()
    )
    given_back.give_back(payment, 100_00, key="r", why="x", actor=clerk)
    assert (state(first), state(second)) == (("part_paid", 20_00), ("open", 120_00))


def test_refunds_are_never_above_what_was_captured(clerk: Actor) -> None:
    payment = pay(makers.a_booked_invoice())
    Refund.objects.create(payment=payment, key="under way", amount_minor=100_00, why="", created_at=payment.created_at)
    with pytest.raises(CannotSettle, match=r"20\.00 EUR of k can go back at most"):
        given_back.give_back(payment, 20_01, key="r", why="x", actor=clerk)
    assert Refund.objects.count() == 1


def test_a_providers_refund_is_booked_once_however_often_it_is_told(clerk: Actor) -> None:
    payment = pay(makers.a_booked_invoice())
    refund = Refund.objects.create(payment=payment, key="r", amount_minor=10_00, why="", created_at=payment.created_at)
    for _ in range(3):
        refund = given_back.refund_booked(refund, actor=clerk)
    payment.refresh_from_db()
    assert (refund.state, payment.refunded_minor, len(booked("refund:r"))) == ("succeeded", 10_00, 1)


def test_a_lost_dispute_opens_the_invoice_again_once(clerk: Actor) -> None:
    invoice = makers.a_booked_invoice()
    payment = pay(invoice)
    for _ in range(2):
        payment = given_back.reverse(payment, 120_00, "dispute:stripe:dp_1", "fraudulent", actor=clerk)
    assert (payment.allocated_minor, payment.refunded_minor) == (0, 120_00)
    assert booked("dispute:stripe:dp_1") == [("receivable", "bank:stripe", 120_00)]
    assert state(invoice) == ("open", 120_00)


def test_more_than_there_was_is_not_taken_back(clerk: Actor) -> None:
    invoice = makers.a_booked_invoice()
    payment = pay(invoice)
    with pytest.raises(CannotSettle, match=r"only 120\.00 EUR left"):
        given_back.reverse(payment, 120_01, "dispute:stripe:dp_1", "x", actor=clerk)
    assert state(invoice) == ("paid", 0)


def test_a_credit_note_is_paid_out_once(clerk: Actor) -> None:
    invoice = makers.a_booked_invoice()
    pay(invoice)
    note = credits.credit(invoice, why="Sorry", actor=clerk, gross_minor=20_00)
    for _ in range(2):
        given_back.pay_out(note, 20_00, key="o", provider="manual", why="By bank", actor=clerk)
    assert (state(note), booked("refund:o")) == (("paid", 0), [("receivable", "bank:manual", 20_00)])
    with pytest.raises(CannotSettle, match=r"0\.00 EUR can be paid out"):
        given_back.pay_out(note, 1, key="p", provider="manual", why="x", actor=clerk)
    assert balances.differences() == []


def test_a_write_off_is_booked_and_money_after_all_takes_it_back(clerk: Actor) -> None:
    invoice = makers.a_booked_invoice()
    write_offs.write_off(invoice, why="Bankrupt", actor=clerk)
    assert (booked("write_off:INV-000001"), state(invoice)) == (
        [("bad_debt", "receivable", 120_00)], ("uncollectible", 0),
    )  # fmt: skip
    pay(invoice)
    assert (booked("recovery:INV-000001"), state(invoice)) == ([("receivable", "bad_debt", 120_00)], ("paid", 0))
    assert balances.differences() == []


def test_an_invoice_is_written_off_again_under_another_posting(clerk: Actor) -> None:
    invoice = makers.a_booked_invoice()
    write_offs.write_off(invoice, why="a", actor=clerk)
    write_offs.recover(invoice, why="b", actor=clerk, amount_minor=20_00)
    assert state(invoice) == ("part_paid", 20_00)
    write_offs.write_off(invoice, why="c", actor=clerk)
    assert booked("write_off:INV-000001:2") == [("bad_debt", "receivable", 20_00)]
    with pytest.raises(CannotSettle, match="Nothing is open"):
        write_offs.write_off(invoice, why="d", actor=clerk)
    with pytest.raises(CannotSettle, match=r"120\.00 EUR of INV-000001 is written off"):
        write_offs.recover(invoice, why="e", actor=clerk, amount_minor=120_01)


def test_what_is_left_of_a_credit_note_is_not_written_off(clerk: Actor) -> None:
    invoice = makers.a_booked_invoice()
    pay(invoice)
    note = credits.credit(invoice, why="Sorry", actor=clerk, gross_minor=20_00)
    with pytest.raises(CannotSettle, match="Nothing is open"):
        write_offs.write_off(note, why="x", actor=clerk)
    assert state(note) == ("open", 20_00)
