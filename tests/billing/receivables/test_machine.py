"""Whatever is credited, paid, set off, undone, given back and written off, in any order: the figures hold after each step.

A balance is never negative, a state follows from its figures, nothing is spent twice, and the journal owes what the documents do.
"""

from __future__ import annotations

import os
import pkgutil
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from billing import standing_rules
from billing.errors import CannotSettle
from billing.models import Allocation, Customer, Document, Entry, Payment, Standing
from billing.selectors import balances, creditable
from billing.services import account, allocations, credits, given_back, received, write_offs
from queues.contract import Actor
from tests.billing import makers

CLERK = Actor(label="clerk", source="admin")
PARTS = st.integers(1, 40) | st.integers(1, 130_00)


class Receivables(RuleBasedStateMachine):
    """In a transaction that is thrown away afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self._atomic = transaction.atomic()
        self._atomic.__enter__()
        self.n, self.bank = 0, 0  # money that is there, as those say who sent it
        self.customers = [makers.a_customer("C-A"), makers.a_customer("C-B")]

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self._atomic.__exit__(None, None, None)

    @initialize(parts=st.tuples(PARTS, PARTS), over=st.booleans())
    def begin(self, parts: tuple[int, int], over: bool) -> None:
        """With something of everything, so that few steps find nothing to do: paid in part, paid over, credited after it was paid."""
        who = self.customers[0]
        owed, paid, lost = (
            makers.a_booked_invoice(n, customer=who, net_minor=60_00, tax_minor=12_00) for n in (1, 2, 3)
        )
        for n, (document, amount) in enumerate(((owed, parts[0]), (paid, 72_00 + (parts[1] if over else 0))), 1):
            received.receive(f"b{n}", "manual", who, "EUR", amount, date(2026, 11, 2), "", document, actor=CLERK)
            self.bank += amount
        self.tried(credits.credit, paid, why="late", gross_minor=parts[1])
        self.tried(credits.credit, owed, why="late", gross_minor=parts[1])
        self.tried(write_offs.write_off, lost, why="gone")
        self.n = 3

    def tried(self, what: Any, *args: Any, **more: Any) -> Any:
        try:
            return what(*args, actor=CLERK, **more)
        except CannotSettle:
            return None

    def some(self, data: Any, rows: Any) -> Any:
        found = list(rows.order_by("pk"))
        return found[data.draw(st.integers(0, len(found) - 1))] if found else None

    def invoice(self, data: Any) -> Document | None:
        return self.some(data, Document.objects.filter(kind="invoice"))

    @rule(who=st.integers(0, 1), currency=st.sampled_from(["EUR", "EUR", "CHF"]), net=st.integers(1, 100_00))
    @precondition(lambda self: self.n < 9)
    def bill(self, who: int, currency: str, net: int) -> None:
        self.n += 1
        makers.a_booked_invoice(
            self.n, customer=self.customers[who], currency=currency, net_minor=net, tax_minor=(net * 20 + 50) // 100
        )

    @rule(who=st.integers(0, 1), currency=st.sampled_from(["EUR", "EUR", "CHF"]), amount=PARTS, data=st.data())
    def pay(self, who: int, currency: str, amount: int, data: Any) -> None:
        self.n += 1
        document = data.draw(st.booleans()) and self.invoice(data)
        wanted = document if document and document.customer == self.customers[who] else None
        wanted = wanted if wanted and wanted.currency == currency else None
        day = date(2026, 11, 3)
        customer: Customer = self.customers[who]
        received.receive(f"p{self.n}", "manual", customer, currency, amount, day, "", wanted, actor=CLERK)
        self.bank += amount

    @rule(data=st.data(), amount=st.none() | PARTS)
    def allocate(self, data: Any, amount: int | None) -> None:
        payment, invoice = self.some(data, Payment.objects.all()), self.invoice(data)
        if payment and invoice:
            self.laid_as_asked(self.tried(allocations.allocate, payment, invoice, amount), amount)

    @rule(data=st.data())
    def undo(self, data: Any) -> None:
        if row := self.some(data, Allocation.objects.filter(amount_minor__gt=0)):
            same = Allocation.objects.filter(payment=row.payment, credit_note=row.credit_note, document=row.document)
            there = sum(each.amount_minor for each in same)
            if undone := self.tried(allocations.undo, row, why="wrong one"):
                assert undone.amount_minor == -min(row.amount_minor, there)
                assert sum(each.amount_minor for each in same.all()) == there + undone.amount_minor

    @rule(data=st.data(), amount=st.none() | PARTS)
    def set_off(self, data: Any, amount: int | None) -> None:
        note, invoice = self.some(data, Document.objects.filter(kind="credit_note")), self.invoice(data)
        if note and invoice:
            self.laid_as_asked(self.tried(allocations.set_off, note, invoice, amount), amount)

    def laid_as_asked(self, made: Allocation | None, amount: int | None) -> None:
        """So much; or as much as fits, so that nothing is free or nothing is open."""
        if made is None:
            return
        if amount is not None:
            assert made.amount_minor == amount
            return
        payment, note = made.payment, made.credit_note
        free = sum(each.balance_minor for each in Standing.objects.filter(document=note)) if note else 0
        if payment:
            payment.refresh_from_db()
            free = payment.amount_minor - payment.allocated_minor - payment.refunded_minor
        assert not free or not Standing.objects.get(document=made.document).balance_minor

    @rule(who=st.integers(0, 1))
    def settle(self, who: int) -> None:
        for currency in ("EUR", "CHF"):
            allocations.settle(self.customers[who], currency, actor=CLERK)
            mine = [each for each in balances.of(self.customers[who]) if each.currency == currency]
            assert all(not each.open or not (each.payments or each.credit_notes) for each in mine)

    @rule(data=st.data(), amount=st.none() | PARTS)
    def credit(self, data: Any, amount: int | None) -> None:
        if invoice := self.invoice(data):
            left = creditable.left_of(invoice).gross_minor
            if note := self.tried(credits.credit, invoice, why="sorry", gross_minor=amount):
                assert note.gross_minor == (left if amount is None else amount) <= left

    @rule(data=st.data())
    def void(self, data: Any) -> None:
        if invoice := self.invoice(data):
            self.tried(credits.void, invoice, why="wrong")

    @rule(data=st.data())
    def write_off(self, data: Any) -> None:
        if invoice := self.invoice(data):
            open_ = Standing.objects.get(document=invoice)
            if written := self.tried(write_offs.write_off, invoice, why="bankrupt"):
                assert written.balance_minor == 0
                assert written.written_off_minor == open_.written_off_minor + open_.balance_minor

    @rule(data=st.data(), amount=st.none() | PARTS)
    def recover(self, data: Any, amount: int | None) -> None:
        if invoice := self.invoice(data):
            there = Standing.objects.get(document=invoice).written_off_minor
            if left := self.tried(write_offs.recover, invoice, why="after all", amount_minor=amount):
                assert left.written_off_minor == (0 if amount is None else there - amount)

    @rule(data=st.data(), amount=PARTS, lost=st.booleans())
    def give_back(self, data: Any, amount: int, lost: bool) -> None:
        self.n += 1
        if payment := self.some(data, Payment.objects.all()):
            if lost:
                went = self.tried(given_back.reverse, payment, amount, f"dispute:x:{self.n}", "dispute")
            else:
                went = self.tried(given_back.give_back, payment, amount, key=f"r{self.n}", why="asked for")
            self.bank -= amount if went else 0

    @rule(data=st.data(), amount=PARTS)
    def pay_out(self, data: Any, amount: int) -> None:
        self.n += 1
        if note := self.some(data, Document.objects.filter(kind="credit_note")):
            before = Standing.objects.get(document=note).paid_minor
            self.tried(given_back.pay_out, note, amount, key=f"o{self.n}", provider="manual", why="asked for")
            went = Standing.objects.get(document=note).paid_minor - before
            assert went in (0, amount)
            self.bank -= went

    @invariant()
    def each_standing_follows_from_what_was_laid(self) -> None:
        for standing in Standing.objects.select_related("document"):
            figures = account.figures_of(standing)
            assert figures.balance >= 0
            assert min(figures.credited, figures.paid, figures.written_off) >= 0
            assert standing.state == standing_rules.state_of(figures)
            if standing.state == "void":
                assert figures.credited == standing.gross_minor and not figures.paid
                others = Allocation.objects.filter(document=standing.document).exclude(
                    credit_note__credits=standing.document
                )
                assert sum(a.amount_minor for a in others) == 0
            if standing.kind == "invoice":
                laid = Allocation.objects.filter(document=standing.document)
                assert figures.paid == sum(a.amount_minor for a in laid if a.payment_id)
                assert figures.credited == sum(a.amount_minor for a in laid if a.credit_note_id)
                notes = Document.objects.filter(credits=standing.document)
                left = creditable.left_of(standing.document).gross_minor
                assert left == standing.gross_minor - sum(note.gross_minor for note in notes) >= 0
            else:
                used = Allocation.objects.filter(credit_note=standing.document)
                assert figures.credited == sum(a.amount_minor for a in used)

    @invariant()
    def no_payment_is_spent_twice(self) -> None:
        for payment in Payment.objects.all():
            assert payment.allocated_minor == sum(a.amount_minor for a in payment.allocations.all())
            assert payment.allocated_minor + payment.refunded_minor <= payment.amount_minor

    @invariant()
    def the_journal_sums_to_zero_and_owes_what_documents_do(self) -> None:
        sums: dict[str, int] = {}
        for entry in Entry.objects.all():
            sums[entry.debit] = sums.get(entry.debit, 0) + entry.amount_minor
            sums[entry.credit] = sums.get(entry.credit, 0) - entry.amount_minor
        assert sum(sums.values()) == 0
        assert balances.differences() == []
        assert sums.get("bank:manual", 0) == self.bank
        lost = sum(standing.written_off_minor for standing in Standing.objects.all())
        assert sums.get("bad_debt", 0) == lost


EXAMPLES = int(os.environ.get("RECEIVABLES_MACHINE", "12"))


def tried_all(examples: int = EXAMPLES, **more: Any) -> None:
    run_state_machine_as_test(
        Receivables,
        settings=settings(
            max_examples=examples, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck), **more
        ),
    )  # fmt: skip


@pytest.mark.django_db
def test_no_sequence_of_acts_breaks_what_receivables_promise() -> None:
    tried_all(phases=[Phase.generate])


# --- the machine is judged itself ------------------------------------------------------------------------------------


def less_by_a_cent(real: Callable[..., int]) -> Callable[..., int]:
    return lambda *args: max(1, real(*args) - 1)


def a_cent_over(real: Callable[..., Any]) -> Callable[..., Any]:
    return lambda invoice, gross: real(invoice, min(gross + 1, invoice.left.gross))


def lifted_wrong(real: Callable[..., Any]) -> Callable[..., Any]:
    """The row says a cent less than what the figures do."""
    return lambda self, standing, amount: real(self, standing, amount + 1 if amount < -1 else amount)


def twice(real: Callable[..., None]) -> Callable[..., None]:
    def post(posting: str, *args: Any, **more: Any) -> None:
        real(posting, *args, **more)
        if posting.startswith("payment:"):
            real(f"{posting}:again", *args, **more)

    return post


def nothing(real: Any) -> Callable[..., None]:
    return lambda *args, **more: None


PLANTED: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "an allocation is undone, but for a cent": ("billing.services.allocations._left", less_by_a_cent),
    "an allocation's row is a cent wrong": ("billing.services.sources.Source.row", lifted_wrong),
    "a credit is a cent over": ("billing.crediting.of_gross", a_cent_over),
    "a refund is not booked": ("billing.services.given_back._post", nothing),
    "a payment is booked twice": ("billing.services.books.post", twice),
    "a write-off is not booked": ("billing.services.write_offs._post", nothing),
}


@pytest.mark.anywhere
@pytest.mark.django_db
@pytest.mark.parametrize("fault", PLANTED)
def test_a_fault_that_is_planted_in_receivables_is_found(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """By the machine's own dozen examples, mostly; the rarest takes some more. It ends with the first that finds it."""
    where, planted = PLANTED[fault]
    monkeypatch.setattr(where, planted(pkgutil.resolve_name(where)))
    with pytest.raises((AssertionError, ValueError)):
        tried_all(300, derandomize=True, phases=[Phase.generate], database=None, report_multiple_bugs=False)
