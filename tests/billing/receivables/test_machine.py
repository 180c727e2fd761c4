"""Whatever is credited, paid, set off, undone, given back and written off, in any order: the figures hold after each step.

A balance is never negative, a state follows from its figures, nothing is spent twice, and the journal owes what the documents do.
"""

from __future__ import annotations

import os
from datetime import date
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from billing import standing_rules
from billing.errors import CannotSettle
from billing.models import Allocation, Customer, Document, Entry, Payment, Standing
from billing.selectors import balances, creditable
from billing.services import account, allocations, credits, given_back, received, write_offs
from queues.contract import Actor
from tests.billing import makers

CLERK = Actor(label="clerk", source="admin")
PARTS = st.integers(1, 130_00)


class Receivables(RuleBasedStateMachine):
    """In a transaction that is thrown away afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self._atomic = transaction.atomic()
        self._atomic.__enter__()
        self.n = 0
        self.customers = [makers.a_customer("C-A"), makers.a_customer("C-B")]

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self._atomic.__exit__(None, None, None)

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
    @precondition(lambda self: self.n < 6)
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

    @rule(data=st.data(), amount=st.none() | PARTS)
    def allocate(self, data: Any, amount: int | None) -> None:
        payment, invoice = self.some(data, Payment.objects.all()), self.invoice(data)
        if payment and invoice:
            self.tried(allocations.allocate, payment, invoice, amount)

    @rule(data=st.data())
    def undo(self, data: Any) -> None:
        if row := self.some(data, Allocation.objects.filter(amount_minor__gt=0)):
            self.tried(allocations.undo, row, why="wrong one")

    @rule(data=st.data(), amount=st.none() | PARTS)
    def set_off(self, data: Any, amount: int | None) -> None:
        note, invoice = self.some(data, Document.objects.filter(kind="credit_note")), self.invoice(data)
        if note and invoice:
            self.tried(allocations.set_off, note, invoice, amount)

    @rule(who=st.integers(0, 1))
    def settle(self, who: int) -> None:
        for currency in ("EUR", "CHF"):
            allocations.settle(self.customers[who], currency, actor=CLERK)
            mine = [each for each in balances.of(self.customers[who]) if each.currency == currency]
            assert all(not each.open or not (each.payments or each.credit_notes) for each in mine)

    @rule(data=st.data(), amount=st.none() | PARTS)
    def credit(self, data: Any, amount: int | None) -> None:
        if invoice := self.invoice(data):
            self.tried(credits.credit, invoice, why="sorry", gross_minor=amount)

    @rule(data=st.data())
    def void(self, data: Any) -> None:
        if invoice := self.invoice(data):
            self.tried(credits.void, invoice, why="wrong")

    @rule(data=st.data())
    def write_off(self, data: Any) -> None:
        if invoice := self.invoice(data):
            self.tried(write_offs.write_off, invoice, why="bankrupt")

    @rule(data=st.data(), amount=st.none() | PARTS)
    def recover(self, data: Any, amount: int | None) -> None:
        if invoice := self.invoice(data):
            self.tried(write_offs.recover, invoice, why="after all", amount_minor=amount)

    @rule(data=st.data(), amount=PARTS, lost=st.booleans())
    def give_back(self, data: Any, amount: int, lost: bool) -> None:
        self.n += 1
        if payment := self.some(data, Payment.objects.all()):
            if lost:
                self.tried(given_back.reverse, payment, amount, f"dispute:x:{self.n}", "dispute")
            else:
                self.tried(given_back.give_back, payment, amount, key=f"r{self.n}", why="asked for")

    @rule(data=st.data(), amount=PARTS)
    def pay_out(self, data: Any, amount: int) -> None:
        self.n += 1
        if note := self.some(data, Document.objects.filter(kind="credit_note")):
            self.tried(given_back.pay_out, note, amount, key=f"o{self.n}", provider="manual", why="asked for")

    @invariant()
    def each_standing_follows_from_what_was_laid(self) -> None:
        for standing in Standing.objects.select_related("document"):
            figures = account.figures_of(standing)
            assert figures.balance >= 0
            assert min(figures.credited, figures.paid, figures.written_off) >= 0
            assert standing.state == standing_rules.state_of(figures)
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


@pytest.mark.django_db
def test_no_sequence_of_acts_breaks_what_receivables_promise() -> None:
    examples = int(os.environ.get("RECEIVABLES_MACHINE", "25"))
    run_state_machine_as_test(
        Receivables,
        settings=settings(
            max_examples=examples, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
