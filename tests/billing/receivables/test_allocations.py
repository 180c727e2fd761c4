"""Claims about what pays what."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from billing.errors import CannotSettle
from billing.models import Allocation, Customer, Document, Payment, Standing
from billing.selectors import balances
from billing.services import allocations, credits, received, write_offs
from queues.contract import Actor
from queues.models import AuditEntry
from tests.billing import makers

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("time")]
SERIAL = iter(range(10_000))


def money(customer: Customer, amount: int, document: Document | None = None, **over: Any) -> Payment:
    """Free, unless there are open invoices or a document is named."""
    given = {"currency": "EUR", "on": date(2026, 11, 5), "actor": Actor.system()} | over
    return received.receive(
        f"k{next(SERIAL)}",
        "manual",
        customer,
        given["currency"],
        amount,
        given["on"],
        "",
        document,
        actor=given["actor"],
    )


def state(document: Document) -> tuple[str, int]:
    standing = Standing.objects.get(document=document)
    return standing.state, standing.balance_minor


@pytest.fixture
def customer() -> Customer:
    return makers.a_customer("C-1")


def test_a_payment_in_parts_pays_an_invoice(customer: Customer, clerk: Actor) -> None:
    payment = money(customer, 150_00)
    invoice = makers.a_booked_invoice(1, customer=customer)
    allocations.allocate(payment, invoice, 50_00, actor=clerk)
    assert state(invoice) == ("part_paid", 70_00)
    made = allocations.allocate(payment, invoice, actor=clerk)
    assert (made.amount_minor, state(invoice)) == (70_00, ("paid", 0))
    payment.refresh_from_db()
    assert payment.allocated_minor == 120_00


def test_money_pays_what_is_longest_due_first(customer: Customer) -> None:
    later = makers.a_booked_invoice(1, customer=customer, due_date=date(2026, 12, 1))
    sooner = makers.a_booked_invoice(2, customer=customer, due_date=date(2026, 11, 10))
    money(customer, 150_00)
    assert (state(sooner), state(later)) == (("paid", 0), ("part_paid", 90_00))


def test_settling_uses_credit_notes_then_the_oldest_money_and_again_changes_nothing(
    customer: Customer, clerk: Actor
) -> None:
    paid = makers.a_booked_invoice(1, customer=customer)
    money(customer, 120_00, paid)
    note = credits.credit(paid, why="x", actor=clerk, gross_minor=30_00)
    newer, older = money(customer, 70_00, on=date(2026, 11, 9)), money(customer, 50_00, on=date(2026, 11, 2))
    invoice = makers.a_booked_invoice(2, customer=customer)
    made = allocations.settle(customer, "EUR", actor=clerk)
    assert [(each.credit_note or each.payment, each.amount_minor) for each in made] == [
        (note, 30_00), (older, 50_00), (newer, 40_00),
    ]  # fmt: skip
    assert state(invoice) == ("paid", 0)
    assert allocations.settle(customer, "EUR", actor=clerk) == []
    assert AuditEntry.objects.filter(action="customer.settle").count() == 1


def test_a_credit_note_by_itself_is_set_off(customer: Customer, clerk: Actor) -> None:
    """As a run makes one, of a period that came to less than nothing."""
    draft = makers.a_draft_invoice([(25_00, "20")], customer=customer, kind="credit_note")
    note, invoice = makers.finalised(draft), makers.a_booked_invoice(1, customer=customer)
    allocations.set_off(note, invoice, actor=clerk)
    assert (state(note), state(invoice)) == (("paid", 0), ("part_paid", 90_00))
    assert balances.differences() == []


def test_an_undone_allocation_is_there_with_one_of_the_other_sign(customer: Customer, clerk: Actor) -> None:
    invoice = makers.a_booked_invoice(1, customer=customer)
    money(customer, 50_00, invoice)
    row = Allocation.objects.get()
    allocations.undo(row, actor=clerk, why="Wrong invoice")
    assert [each.amount_minor for each in Allocation.objects.all()] == [50_00, -50_00]
    assert state(invoice) == ("open", 120_00)
    with pytest.raises(CannotSettle, match="undone already"):
        allocations.undo(row, actor=clerk, why="Again")


def test_an_invoices_own_credit_note_stays_set_off(customer: Customer, clerk: Actor) -> None:
    credits.credit(makers.a_booked_invoice(1, customer=customer), why="x", actor=clerk, gross_minor=1_00)
    with pytest.raises(CannotSettle, match="of this very invoice"):
        allocations.undo(Allocation.objects.get(), actor=clerk, why="y")


def test_money_that_is_set_against_a_written_off_invoice_recovers_it(customer: Customer, clerk: Actor) -> None:
    invoice = makers.a_booked_invoice(1, customer=customer)
    write_offs.write_off(invoice, why="Bankrupt", actor=clerk)
    money(customer, 50_00, invoice)
    standing = Standing.objects.get(document=invoice)
    assert (standing.state, standing.paid_minor, standing.written_off_minor) == ("uncollectible", 50_00, 70_00)
    assert balances.differences() == []


def case(which: str, customer: Customer, clerk: Actor) -> tuple[Payment, Document, int | None]:
    invoice = makers.a_booked_invoice(1, customer=makers.a_customer("C-2") if which == "stranger" else customer)
    payment = money(customer, 50_00, currency="CHF" if which == "currency" else "EUR")
    if which == "void":
        allocations.undo(Allocation.objects.get(), actor=clerk, why="x")
        credits.void(invoice, why="x", actor=clerk)
    if which == "pending":
        allocations.undo(Allocation.objects.get(), actor=clerk, why="x")
        Payment.objects.filter(pk=payment.pk).update(state="pending", allocated_minor=0)
    if which == "note":
        return payment, credits.credit(invoice, why="x", actor=clerk, gross_minor=1), None
    return payment, invoice, {"too much": 50_01, "nothing": 0, "less": -5}.get(which)


@pytest.mark.parametrize(
    ("which", "words"),
    [
        ("currency", "in CHF, and INV-000001 in EUR"),
        ("stranger", "another customer's"),
        ("void", "is void"),
        ("pending", "is not there: it is pending"),
        ("note", "only invoices are paid"),
        ("too much", r"70\.00 EUR is open on INV-000001, and 0\.00 EUR of payment k\d+ is free"),
        ("nothing", "set between nothing and"),
        ("less", "set between nothing and"),
    ],
)
def test_what_does_not_fit_is_told_and_changes_nothing(
    which: str, words: str, customer: Customer, clerk: Actor
) -> None:
    payment, document, amount = case(which, customer, clerk)
    before = list(Allocation.objects.values()), list(Standing.objects.values()), AuditEntry.objects.count()
    with pytest.raises(CannotSettle, match=words):
        allocations.allocate(payment, document, amount, actor=clerk)
    assert (list(Allocation.objects.values()), list(Standing.objects.values()), AuditEntry.objects.count()) == before
