"""Claims about imported bank statements: each booking once, for whom it is, and nothing half-written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Model

from billing.errors import CannotSettle, StatementUnreadable
from billing.models import (
    Allocation,
    BankLine,
    BankStatement,
    Customer,
    Document,
    Entry,
    Payment,
    PaymentAccount,
    Standing,
)
from billing.selectors import balances
from billing.services import bank, bank_lines, bank_matching, credits
from queues.contract import Actor
from queues.models import AuditEntry
from tests.billing import makers
from tests.billing.receivables.statements import OURS, camt, entry

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("time")]
IBAN = "AT483200000012345864"
KEPT: Sequence[type[Model]] = (BankStatement, BankLine, Payment, Allocation, Entry, AuditEntry)


@pytest.fixture
def customer() -> Customer:
    return makers.a_customer("C-1", name="Gasthaus Ente")


@pytest.fixture
def invoice(customer: Customer) -> Document:
    return makers.a_booked_invoice(1, customer=customer)


def imported(*entries: str, **over: Any) -> list[bank.Told]:
    return list(bank.import_statement(camt(*entries, **over), "b.xml", actor=Actor.system()).lines)


def state(document: Document) -> tuple[str, int]:
    standing = Standing.objects.get(document=document)
    return standing.state, standing.balance_minor


def counts() -> list[int]:
    return [model._default_manager.count() for model in KEPT]


@pytest.mark.parametrize(
    ("amount", "then", "free"),
    [("120.00", ("paid", 0), 0), ("50.00", ("part_paid", 70_00), 0), ("150.00", ("paid", 0), 30_00)],
)
def test_what_names_an_invoice_pays_it(invoice: Document, amount: str, then: tuple[str, int], free: int) -> None:
    told = imported(entry(amount, payer="Somebody else"))[0]
    assert (told.outcome, told.customer, told.documents, told.why) == (
        "matched", "C-1", ("INV-000001",), "It names INV-000001.",
    )  # fmt: skip
    payment = Payment.objects.get()
    assert (payment.provider, payment.received_on, payment.bank_line.state) == ("manual", date(2026, 11, 5), "matched")
    assert (state(invoice), balances.of(invoice.customer)[0].payments) == (then, free)
    assert Entry.objects.filter(debit="bank:manual", credit="receivable").count() == 1
    assert balances.differences() == []


def test_what_names_several_invoices_pays_them_in_that_order(invoice: Document) -> None:
    second = makers.a_booked_invoice(2, customer=invoice.customer)
    told = imported(entry("200.00", text="INV-000002, INV-000001"))[0]
    assert told.documents == ("INV-000002", "INV-000001")
    assert (state(second), state(invoice)) == (("paid", 0), ("part_paid", 40_00))


@pytest.mark.parametrize("text", ["inv 1", "INV-00 0001"])
def test_a_number_that_is_not_written_out_counts_if_the_amount_fits(invoice: Document, text: str) -> None:
    assert imported(entry("120.00", text=text, payer="X"))[0].outcome == "matched"
    assert imported(entry("120.01", text=text, payer="X", ref="R2"))[0].outcome == "unmatched"


def test_a_known_account_pays_the_invoice_of_that_amount(invoice: Document) -> None:
    second = makers.a_booked_invoice(2, customer=invoice.customer, net_minor=50_00, tax_minor=10_00)
    PaymentAccount.objects.create(customer=invoice.customer, provider=bank_matching.BANK, reference=IBAN)
    assert imported(entry("60.00", text="thanks"))[0].documents == ("INV-000002",)
    assert (state(second), state(invoice)) == (("paid", 0), ("open", 120_00))


def test_a_known_account_pays_what_is_longest_due_else(invoice: Document) -> None:
    PaymentAccount.objects.create(customer=invoice.customer, provider=bank_matching.BANK, reference=IBAN)
    assert imported(entry("77.00", text="thanks"))[0].outcome == "matched"
    assert state(invoice) == ("part_paid", 43_00)


def test_a_name_counts_if_the_amount_is_that_of_one_invoice(invoice: Document) -> None:
    assert imported(entry("120.00", text="thanks", payer="GASTHAUS ENTE"))[0].documents == ("INV-000001",)
    told = imported(entry("77.00", text="thanks", payer="GASTHAUS ENTE", ref="R2"))[0]
    assert told.why == "The payer is called as C-1 is, but the amount is not that of one open invoice."


def a_case(which: str, invoice: Document) -> str:
    if which == "void":
        credits.void(invoice, why="x", actor=Actor.system())
    if which == "several customers":
        makers.a_booked_invoice(2)
        return entry(text="INV-000001 INV-000002")
    if which == "currency of the account":
        PaymentAccount.objects.create(customer=invoice.customer, provider=bank_matching.BANK, reference=IBAN)
        return entry(text="", currency="CHF")
    if which == "draft":
        return entry(text="INV-000099", payer="X")
    return entry(currency="CHF" if which == "currency" else "EUR")


@pytest.mark.parametrize(
    ("which", "why"),
    [
        ("void", "INV-000001 is void."),
        ("several customers", "It names documents of several customers: INV-000001, INV-000002."),
        ("currency", "It is in CHF, and INV-000001 in EUR."),
        ("currency of the account", "The account is C-1's, who owes nothing in CHF."),
        ("draft", "It names no invoice, and the payer's account is not known."),
    ],
)
def test_what_cannot_be_matched_waits_for_people_and_says_why(invoice: Document, which: str, why: str) -> None:
    told = imported(a_case(which, invoice))[0]
    line = BankLine.objects.get()
    assert (told.outcome, told.why, line.problem, line.state, line.payment) == (
        "unmatched",
        why,
        why,
        "unmatched",
        None,
    )
    assert not Payment.objects.exists()


def test_a_booking_counts_once_in_whatever_file(invoice: Document) -> None:
    imported(entry("50.00"), form="054")
    told = imported(entry("50.00"), entry("20.00", ref="R2"), form="053")
    assert [(each.outcome, each.amount_minor) for each in told] == [("known", 50_00), ("matched", 20_00)]
    assert state(invoice) == ("part_paid", 50_00)


def test_the_same_file_again_is_refused_and_says_when_it_was_imported(invoice: Document) -> None:
    imported(entry())
    before = counts()
    with pytest.raises(StatementUnreadable, match=r"imported on 2026-11-20 already, as b\.xml"):
        imported(entry())
    assert counts() == before


def test_what_went_out_is_ignored(invoice: Document) -> None:
    assert imported(entry(side="DBIT"))[0].why == "It went out."
    assert (BankLine.objects.get().state, state(invoice)) == ("ignored", ("open", 120_00))


def test_a_dry_run_tells_the_same_and_keeps_nothing(invoice: Document) -> None:
    content, before = (
        camt(entry("50.00"), entry("30.00", ref="R2", text="?", payer="?"), entry(side="DBIT", ref="R3")),
        counts(),
    )
    dry = bank.import_statement(content, "b.xml", actor=Actor.system(), dry_run=True)
    assert (counts(), dry.statement, state(invoice)) == (before, None, ("open", 120_00))
    real = bank.import_statement(content, "b.xml", actor=Actor.system())
    assert dry.lines == real.lines
    assert real.counts == {"matched": 1, "unmatched": 1, "ignored": 1, "known": 0}


def test_a_file_with_a_bad_booking_leaves_nothing(invoice: Document) -> None:
    before = counts()
    with pytest.raises(StatementUnreadable):
        imported(entry("50.00"), entry("bad", ref="R2"))
    assert counts() == before


def test_a_failure_in_the_midst_leaves_nothing(invoice: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    """The power goes with the second booking."""
    real = bank_matching.match

    def match(booking: Any) -> Any:
        if booking.reference.endswith("R2"):
            raise KeyboardInterrupt
        return real(booking)

    monkeypatch.setattr(bank_matching, "match", match)
    before = counts()
    with pytest.raises(KeyboardInterrupt):
        imported(entry("50.00"), entry("20.00", ref="R2"))
    assert (counts(), state(invoice)) == (before, ("open", 120_00))


def test_another_banks_statement_is_told(invoice: Document) -> None:
    report = bank.import_statement(camt(entry(), account="DE02120300000000202051"), "b.xml", actor=Actor.system())
    assert report.warnings == (f"This is a statement of DE02120300000000202051, and the seller's account is {OURS}.",)


def test_an_unmatched_booking_is_assigned_once_and_its_account_remembered(invoice: Document, clerk: Actor) -> None:
    imported(entry("50.00", text="?", payer="?"))
    line = BankLine.objects.get()
    payment = bank_lines.assign(line, actor=clerk, document=invoice, why="They rang")
    line.refresh_from_db()
    assert (line.state, line.payment, line.problem, state(invoice)) == ("matched", payment, "", ("part_paid", 70_00))
    with pytest.raises(CannotSettle, match="matched already"):
        bank_lines.assign(line, actor=clerk, customer=invoice.customer)
    assert imported(entry("10.00", text="?", payer="?", ref="R2"))[0].outcome == "matched"


def test_a_booking_of_a_customers_pays_what_is_longest_due(invoice: Document, clerk: Actor) -> None:
    imported(entry("50.00", text="?", payer="?"))
    bank_lines.assign(BankLine.objects.get(), actor=clerk, customer=invoice.customer, remember=False)
    assert state(invoice) == ("part_paid", 70_00)
    assert not PaymentAccount.objects.exists()


def test_an_account_that_is_another_customers_stays_theirs(invoice: Document, clerk: Actor) -> None:
    imported(entry("50.00", text="?", payer="?"))
    other = makers.a_customer("C-2")
    PaymentAccount.objects.create(customer=other, provider=bank_matching.BANK, reference=IBAN)
    bank_lines.assign(BankLine.objects.get(), actor=clerk, document=invoice)
    assert PaymentAccount.objects.get().customer == other


def test_a_booking_is_not_assigned_across_currencies(invoice: Document, clerk: Actor) -> None:
    imported(entry("50.00", currency="CHF", text="?", payer="?"))
    with pytest.raises(CannotSettle, match="in CHF: choose"):
        bank_lines.assign(BankLine.objects.get(), actor=clerk, document=invoice)
    assert BankLine.objects.get().state == "unmatched"


def test_a_booking_that_is_no_customers_is_ignored_with_a_reason(invoice: Document, clerk: Actor) -> None:
    imported(entry("0.17", text="interest", payer="Bank"))
    line = BankLine.objects.get()
    with pytest.raises(CannotSettle, match="Say why"):
        bank_lines.ignore(line, actor=clerk, why=" ")
    bank_lines.ignore(line, actor=clerk, why="Interest")
    line.refresh_from_db()
    assert (line.state, line.problem) == ("ignored", "Interest")
    with pytest.raises(CannotSettle, match="ignored already"):
        bank_lines.assign(line, actor=clerk, document=invoice)


def test_the_command_tells_each_booking(invoice: Document, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, form = tmp_path / "november.csv", tmp_path / "form.json"
    file.write_text("Tag;Betrag;Verwendungszweck\n5.11.2026;50,00;INV-000001\n6.11.2026;-3,00;Spesen\n")
    form.write_text(
        json.dumps({"columns": {"booked_on": "Tag"}, "decimal": ",", "dates": "%d.%m.%Y", "currency": "EUR"})
    )
    call_command("import_bank", file, form=form, dry_run=True)
    assert "1 matched, 0 unmatched, 1 ignored, 0 known. Nothing was kept." in capsys.readouterr().out
    call_command("import_bank", file, form=form)
    told = capsys.readouterr().out
    assert "matched    2026-11-05         50.00 EUR  -: It names INV-000001." in told
    assert "ignored    2026-11-06         −3.00 EUR  -: It went out." in told
    assert state(invoice) == ("part_paid", 70_00)


def test_the_command_tells_in_json(invoice: Document, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "b.xml").write_bytes(camt(entry()))
    call_command("import_bank", tmp_path / "b.xml", json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["form"], told["counts"]["matched"], told["lines"][0]["customer"]) == ("camt053", 1, "C-1")


@pytest.mark.parametrize("name", ["absent.xml", "bad.xml"])
def test_the_command_fails_in_words(tmp_path: Path, name: str) -> None:
    (tmp_path / "bad.xml").write_text("<Document/>")
    with pytest.raises(CommandError, match=rf"{name}: .* Nothing was imported") as failed:
        call_command("import_bank", tmp_path / name)
    assert failed.value.returncode == 2
