"""Claims about credit notes and void invoices."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billing.errors import CannotSettle
from billing.models import Adjustment, Allocation, Coupon, Document, Entry, Line, Payment, Standing, TaxGroup
from billing.selectors import balances, creditable
from billing.services import credits, given_back, received, write_offs
from queues.contract import Actor
from queues.models import AuditEntry
from tests.billing import makers

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("time")]


def an_invoice(lines: list[tuple[int, str]], *, mode: str = "exclusive", off: int = 0, **over: Any) -> Document:
    """Lines with their net (or amount, with the tax in it) and rate; `off`: an allowance at the first line's rate."""
    draft = makers.a_draft_invoice(lines, mode=mode, off=off, **over)
    return makers.finalised(draft)


def standing(document: Document) -> Standing:
    return Standing.objects.get(document=document)


def figures(document: Document) -> tuple[int, int, int]:
    return document.net_minor, document.tax_minor, document.gross_minor


def test_a_credit_of_all_mirrors_the_invoice(clerk: Actor) -> None:
    invoice = an_invoice([(100_00, "20"), (-5_00, "20"), (33_33, "10")], off=10_00)
    note = credits.credit(invoice, why="We came late", actor=clerk)
    assert (note.kind, note.number, note.credits, note.reason) == ("credit_note", "CN-000001", invoice, "We came late")
    assert figures(note) == figures(invoice)
    assert note.issue_date == note.due_date == date(2026, 11, 20)
    for model, names in ((Line, ("position", "code", "quantity", "unit_price", "net_minor", "tax_minor")),
                         (Adjustment, ("position", "kind", "amount_minor", "net_minor")),
                         (TaxGroup, ("category", "rate", "base_minor", "tax_minor"))):  # fmt: skip
        assert list(model.objects.filter(document=note).values_list(*names)) == list(
            model.objects.filter(document=invoice).values_list(*names)
        )
    assert (standing(invoice).state, standing(invoice).balance_minor) == ("paid", 0)
    assert standing(note).state == "paid", "all of it is set off"


def test_a_credit_note_reverses_the_invoices_entries(clerk: Actor) -> None:
    invoice = makers.a_booked_invoice()
    credits.credit(invoice, why="All wrong", actor=clerk)
    sums: dict[str, int] = {}
    for entry in Entry.objects.all():
        sums[entry.debit] = sums.get(entry.debit, 0) + entry.amount_minor
        sums[entry.credit] = sums.get(entry.credit, 0) - entry.amount_minor
    assert sums and not any(sums.values()), "as if it had never been"


@pytest.mark.parametrize("mode", ["exclusive", "inclusive"])
def test_a_credit_in_parts_sums_to_the_invoice(clerk: Actor, mode: str) -> None:
    invoice = an_invoice([(100_03, "20"), (50_01, "20"), (33_33, "10"), (-7_77, "10")], mode=mode, off=9_99)
    notes = [
        credits.credit(invoice, why="a", actor=clerk, lines={1: 11_11}),
        credits.credit(invoice, why="b", actor=clerk, gross_minor=33_34),
        credits.credit(invoice, why="c", actor=clerk, gross_minor=1),
        credits.credit(invoice, why="d", actor=clerk),
    ]
    assert [notes[1].gross_minor, notes[2].gross_minor] == [33_34, 1]
    assert sum(note.gross_minor for note in notes) == invoice.gross_minor
    for group in invoice.tax_groups.all():
        mine = TaxGroup.objects.filter(document__in=notes, rate=group.rate)
        assert sum(each.base_minor for each in mine) == group.base_minor
        assert sum(each.tax_minor for each in mine) == group.tax_minor
    for note in notes:
        lines = sum(line.net_minor for line in note.lines.all())
        off = sum(each.net_minor for each in note.adjustments.all())
        assert lines - off == note.net_minor == sum(g.base_minor for g in note.tax_groups.all())
    with pytest.raises(CannotSettle, match="credited already"):
        credits.credit(invoice, why="e", actor=clerk)


def test_a_partial_credit_tells_its_line_and_amount(clerk: Actor) -> None:
    invoice = makers.a_booked_invoice()
    note = credits.credit(invoice, why="Missed once", actor=clerk, lines={1: 25_00})
    line = note.lines.get()
    assert (line.quantity, line.unit_price, line.amount_minor, line.tax_minor) == (1, Decimal("25"), 25_00, 5_00)
    assert line.words == "Credits line 1 of INV-000001, a part"
    left = creditable.left_of(invoice)
    assert (left.gross_minor, left.lines[0].left_minor, left.lines[0].title) == (90_00, 75_00, "Base fee")


def test_a_credit_of_a_paid_invoice_is_the_customers(clerk: Actor) -> None:
    invoice = makers.a_booked_invoice()
    received.receive("k", "manual", invoice.customer, "EUR", 120_00, date(2026, 11, 5), "", invoice, actor=clerk)
    note = credits.credit(invoice, why="Sorry", actor=clerk, gross_minor=20_00)
    assert (standing(invoice).credited_minor, standing(note).state, standing(note).balance_minor) == (0, "open", 20_00)
    assert [(each.open, each.credit_notes) for each in balances.of(invoice.customer)] == [(0, 20_00)]


def test_a_credit_beyond_what_is_open_is_set_off_as_far_as_it_goes(clerk: Actor) -> None:
    invoice = makers.a_booked_invoice()
    received.receive("k", "manual", invoice.customer, "EUR", 100_00, date(2026, 11, 5), "", invoice, actor=clerk)
    note = credits.credit(invoice, why="Sorry", actor=clerk, gross_minor=60_00)
    assert (standing(invoice).state, standing(note).balance_minor) == ("paid", 40_00)


def test_a_credit_of_a_written_off_invoice_takes_the_write_off_back(clerk: Actor) -> None:
    invoice = makers.a_booked_invoice()
    write_offs.write_off(invoice, why="Bankrupt", actor=clerk)
    credits.credit(invoice, why="Was wrong", actor=clerk, gross_minor=20_00)
    assert (standing(invoice).written_off_minor, standing(invoice).credited_minor) == (100_00, 20_00)
    assert balances.differences() == []


def test_who_saw_other_figures_credits_nothing(clerk: Actor) -> None:
    invoice = makers.a_booked_invoice()
    credits.credit(invoice, why="Once", actor=clerk, gross_minor=20_00, left_seen_minor=120_00)
    with pytest.raises(CannotSettle, match=r"meanwhile: 100\.00 EUR is left"):
        credits.credit(invoice, why="Twice", actor=clerk, gross_minor=20_00, left_seen_minor=120_00)
    assert Document.objects.filter(credits=invoice).count() == 1


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"gross_minor": 120_01}, r"120\.00 EUR is left to credit, and 120\.01 EUR was asked for"),
        ({"gross_minor": -5}, "was asked for"),
        ({"lines": {1: 100_01}}, r"Of line 1 100\.00 EUR is left to credit"),
        ({"lines": {9: None}}, "no line 9"),
        ({"why": " "}, "Say why"),
    ],
)
def test_what_cannot_be_credited_is_told_and_leaves_nothing(clerk: Actor, asked: dict[str, Any], words: str) -> None:
    invoice = makers.a_booked_invoice()
    with pytest.raises(CannotSettle, match=words):
        credits.credit(invoice, **{"why": "x", "actor": clerk} | asked)
    assert Document.objects.count() == 1 and not Allocation.objects.exists() and not AuditEntry.objects.exists()


def test_a_credit_note_is_not_credited(clerk: Actor) -> None:
    note = credits.credit(makers.a_booked_invoice(), why="x", actor=clerk)
    with pytest.raises(CannotSettle, match="only invoices"):
        credits.credit(note, why="y", actor=clerk)


def test_a_draft_is_not_credited(clerk: Actor) -> None:
    draft = makers.a_draft_invoice([(1_00, "20")])
    with pytest.raises(CannotSettle, match="draft"):
        credits.credit(draft, why="x", actor=clerk)


def test_a_void_invoice_frees_its_visits_and_coupons(clerk: Actor) -> None:
    service = makers.a_service(makers.a_contract())
    visit = makers.a_visit(service, date(2026, 10, 5))
    contract = service.contract
    invoice = makers.a_booked_invoice(customer=contract.customer, contract=contract)
    coupon = Coupon.objects.create(
        code="X", contract=contract, amount_minor=1, valid_from=date(2026, 1, 1), title="X", used_on=invoice
    )
    type(visit).objects.update(billed_on=invoice)
    note = credits.void(invoice, why="Wrong customer", actor=clerk)
    visit.refresh_from_db(), coupon.refresh_from_db()
    assert (visit.billed_on, coupon.used_on) == (None, None)
    assert note is not None and note.gross_minor == invoice.gross_minor
    assert (standing(invoice).state, standing(invoice).balance_minor) == ("void", 0)
    entry = AuditEntry.objects.get(action="document.void")
    assert (entry.why, entry.after["credit_note"], entry.before["state"]) == ("Wrong customer", note.number, "open")  # type: ignore[index]


def test_a_void_after_a_partial_credit_credits_the_rest(clerk: Actor) -> None:
    invoice = makers.a_booked_invoice()
    credits.credit(invoice, why="a", actor=clerk, gross_minor=20_00)
    note = credits.void(invoice, why="b", actor=clerk)
    assert note is not None and note.gross_minor == 100_00


def test_a_void_of_what_is_credited_as_a_whole_makes_no_note(clerk: Actor) -> None:
    invoice = makers.a_booked_invoice()
    credits.credit(invoice, why="a", actor=clerk)
    assert credits.void(invoice, why="b", actor=clerk) is None
    assert standing(invoice).state == "void"


def test_a_void_gives_other_credit_back_to_the_customer(clerk: Actor) -> None:
    customer = makers.a_customer()
    other, invoice = (makers.a_booked_invoice(n, customer=customer) for n in (1, 2))
    received.receive("k", "manual", customer, "EUR", 120_00, date(2026, 11, 5), "", other, actor=clerk)
    theirs = credits.credit(other, why="a", actor=clerk, gross_minor=30_00)
    from billing.services import allocations

    allocations.set_off(theirs, invoice, actor=clerk)
    credits.void(invoice, why="b", actor=clerk)
    assert standing(theirs).balance_minor == 30_00
    assert balances.differences() == []


def test_a_paid_invoice_is_not_void_and_says_what_to_do(clerk: Actor) -> None:
    invoice = makers.a_booked_invoice()
    received.receive("k", "manual", invoice.customer, "EUR", 20_00, date(2026, 11, 5), "", invoice, actor=clerk)
    with pytest.raises(CannotSettle, match=r"20\.00 EUR is paid on INV-000001. Undo"):
        credits.void(invoice, why="x", actor=clerk)
    assert standing(invoice).state == "part_paid"


@pytest.mark.parametrize("state", ["pending", "unknown"])
def test_an_invoice_with_a_charge_under_way_is_not_void(clerk: Actor, state: str) -> None:
    invoice = makers.a_booked_invoice()
    Payment.objects.create(
        key="charge:1", provider="stripe", customer=invoice.customer, document=invoice, currency="EUR", amount_minor=1,
        state=state, created_at=invoice.created_at,
    )  # fmt: skip
    with pytest.raises(CannotSettle, match="under way"):
        credits.void(invoice, why="x", actor=clerk)


def test_a_credit_that_was_paid_out_stands_in_the_way_of_a_void(clerk: Actor) -> None:
    """The customer has that money: the invoice is not taken back as a whole."""
    invoice = makers.a_booked_invoice()
    paid = received.receive("k", "manual", invoice.customer, "EUR", 120_00, date(2026, 11, 5), "", invoice, actor=clerk)
    note = credits.credit(invoice, why="a", actor=clerk, gross_minor=20_00)
    given_back.pay_out(note, 20_00, key="o", provider="manual", why="asked", actor=clerk)
    given_back.reverse(paid, 120_00, "dispute:x:1", "lost", actor=clerk)
    with pytest.raises(CannotSettle, match="credited as a whole"):
        credits.void(invoice, why="b", actor=clerk)
    assert (standing(invoice).state, standing(invoice).balance_minor) == ("open", 120_00)
