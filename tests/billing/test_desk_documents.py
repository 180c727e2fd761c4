"""A document's page: what it tells, and its verbs, each with its question, its why and its audit entry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.test import Client

from billing.models import Document, Dunning, Entry, Payment, Standing
from billing.services import finalise, runs
from billing.services.approval import approve
from queues.contract import Actor
from queues.models import AuditEntry
from tests.billing import makers

pytestmark = pytest.mark.django_db
CLERK, OTHER = Actor(label="manager", source="admin"), Actor(label="ada", source="admin", user_id=7)
Browser = Callable[[str], Client]
AMOUNT = {"what": "amount", "gross": "12.00", "seen": "26400", "why": "Asked for"}


@pytest.fixture
def invoice() -> Document:
    """Final, over 264.00: a base fee of 100.00 and four pick-ups of 30.00, and 20 %."""
    makers.a_price_list(
        rules=[{**rule, "amount": "30.00"} if rule["code"] == "pick_up" else rule for rule in makers.RULES]
    )
    service = makers.a_service(makers.a_contract("K-1"))
    for day in (5, 12, 19, 26):
        makers.a_visit(service, date(2026, 10, day), f"V-{day}")
    run = runs.prepare(makers.NOVEMBER, actor=CLERK)
    approve(run, actor=OTHER, preview_hash=run.preview_hash)
    finalise.finalise(run.code, actor=OTHER)
    return Document.objects.get()


def url(document: Document, verb: str = "change") -> str:
    return f"/admin/billing/document/{document.pk}/{verb}/"


def text(browser: Client, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def done(browser: Client, address: str, **posted: Any) -> None:
    answer = browser.post(address, posted)
    assert answer.status_code == 302, [line for line in answer.content.decode().splitlines() if "error" in line]


def test_letters_that_cannot_be_printed_are_named_on_the_page(as_: Browser) -> None:
    plain = makers.a_final_invoice(1, customer=makers.a_customer("C-1", name="山田清掃 Ente"))
    strange = makers.a_final_invoice(2, customer=makers.a_customer("C-2", name="Ente \U00013000 Söhne"))
    assert "cannot be printed" not in text(as_("manager"), url(plain))
    shown = text(as_("manager"), url(strange))
    assert "<b>These letters cannot be printed:</b> \U00013000." in shown


def test_each_line_tells_how_it_came_about_and_on_which_visits_it_rests(invoice: Document, as_: Browser) -> None:
    shown = text(as_("manager"), url(invoice))
    assert "4 pick-ups × 30.00 = 120.00 EUR" in shown
    assert all(f"V-{day}" in shown for day in (5, 12, 19, 26))
    assert "264.00 EUR" in shown and "44.00 EUR" in shown
    assert "revenue:pick_up" in shown, "its journal entries"
    assert "Gasthaus Ente" in shown and "Roundsman Sample Haulage" in shown


def test_a_draft_has_no_verbs(as_: Browser) -> None:
    makers.a_visit(makers.a_service(makers.a_contract("K-1")), date(2026, 10, 5))
    runs.prepare(makers.NOVEMBER, actor=CLERK)
    shown = text(as_("manager"), url(Document.objects.get()))
    assert "Draft" in shown and "Credit…" not in shown and "Record a payment" not in shown


def test_an_amount_is_credited_and_the_note_leads_back(invoice: Document, as_: Browser) -> None:
    browser = as_("manager")
    done(browser, url(invoice, "credit"), **AMOUNT)
    note = Document.objects.get(kind="credit_note")
    assert (note.gross_minor, note.reason) == (12_00, "Asked for")
    assert Standing.objects.get(document=invoice).balance_minor == 252_00
    assert "Asked for" in text(browser, url(note)) and invoice.number in text(browser, url(note))
    assert f"Credited by {note.number}" in text(browser, url(invoice))


def test_the_same_credit_sent_twice_counts_once(invoice: Document, as_: Browser) -> None:
    done(as_("manager"), url(invoice, "credit"), **AMOUNT)
    again = as_("manager").post(url(invoice, "credit"), AMOUNT)
    assert again.status_code == 200 and Document.objects.filter(kind="credit_note").count() == 1


def test_lines_are_credited_by_their_amounts(invoice: Document, as_: Browser) -> None:
    line = invoice.lines.get(code="pick_up")
    form = {"what": "lines", f"line_{line.position}": "30.00", "seen": "26400", "why": "Not emptied on the 5th"}
    done(as_("manager"), url(invoice, "credit"), **form)
    assert Document.objects.get(kind="credit_note").gross_minor == 36_00


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"gross": "300.00"}, "At most 264.00 EUR"),
        ({"gross": ""}, "How much?"),
        ({"gross": "-1"}, "above nothing"),
        ({"gross": "1.005"}, "no more than 2 decimal"),
        ({"what": "lines"}, "how much of which lines"),
        ({"why": ""}, "Say why"),
    ],
)
def test_a_wrong_credit_is_told_beside_its_field(
    invoice: Document, as_: Browser, wrong: dict[str, str], told: str
) -> None:
    answer = as_("manager").post(url(invoice, "credit"), {**AMOUNT, **wrong})
    assert told in answer.content.decode()
    assert not Document.objects.filter(kind="credit_note").exists()


def test_a_void_invoice_frees_its_period(invoice: Document, as_: Browser) -> None:
    done(as_("manager"), url(invoice, "void"), why="Wrong customer")
    assert Standing.objects.get(document=invoice).state == "void"
    assert AuditEntry.objects.filter(why="Wrong customer", actor="manager").exists()


def test_a_payment_is_recorded_once_however_often_its_form_is_sent(invoice: Document, as_: Browser) -> None:
    form = {
        "amount": "100.00",
        "received_on": "2026-11-05",
        "reference": "Cheque 17",
        "key": "0198c0de-0000-7000-8000-000000000001",
        "why": "",
    }
    done(as_("manager"), url(invoice, "pay"), **form)
    done(as_("manager"), url(invoice, "pay"), **form)
    assert Payment.objects.get().amount_minor == 100_00
    standing = Standing.objects.get(document=invoice)
    assert (standing.state, standing.balance_minor) == ("part_paid", 164_00)
    assert Entry.objects.filter(debit="bank:manual").count() == 1


def test_money_of_tomorrow_is_not_recorded(invoice: Document, as_: Browser) -> None:
    form = {"amount": "1.00", "received_on": "2036-01-01", "key": "0198c0de-0000-7000-8000-000000000001"}
    assert "has not come yet" in as_("manager").post(url(invoice, "pay"), form).content.decode()


def test_what_is_written_off_is_asked_for_no_more(invoice: Document, as_: Browser) -> None:
    done(as_("manager"), url(invoice, "write-off"), why="Bankrupt")
    assert Standing.objects.get(document=invoice).state == "uncollectible"
    assert Entry.objects.filter(debit="bad_debt", amount_minor=264_00).exists()


def test_a_promise_is_noted(invoice: Document, as_: Browser) -> None:
    done(as_("manager"), url(invoice, "promise"), until="2036-01-01", why="Called")
    assert Dunning.objects.get().promised_until == date(2036, 1, 1)
    assert "Promised" in text(as_("manager"), url(invoice))


def test_without_a_saved_method_there_is_no_charge(invoice: Document, as_: Browser) -> None:
    asked = text(as_("manager"), url(invoice, "charge"))
    assert "no saved method" in asked and "Charge it" not in asked


def test_its_pdf_and_xml_are_downloaded(invoice: Document, as_: Browser) -> None:
    pdf = as_("manager").get(f"/admin/billing/document/{invoice.pk}/file/pdf/")
    assert pdf["Content-Type"] == "application/pdf" and pdf.content.startswith(b"%PDF")
    xml = as_("manager").get(f"/admin/billing/document/{invoice.pk}/file/ubl/")
    assert b"<cbc:ID>" in xml.content and str(invoice.number) in xml["Content-Disposition"]
    assert as_("manager").get(f"/admin/billing/document/{invoice.pk}/file/exe/").status_code == 404


def test_the_list_is_filtered_by_standing_and_takes_few_queries(
    invoice: Document, as_: Browser, django_assert_max_num_queries: Any
) -> None:
    browser = as_("manager")
    for number in range(100, 130):
        makers.a_final_invoice(number)
    with django_assert_max_num_queries(16):
        shown = text(browser, "/admin/billing/document/?standing=overdue")
    assert "INV-000100" in shown or "INV-000129" in shown
    assert str(invoice.number) not in text(browser, "/admin/billing/document/?standing=paid")


def test_nobody_but_who_bills_comes_in(invoice: Document, as_: Browser) -> None:
    for verb in (
        "change",
        "credit",
        "void",
        "write-off",
        "recover",
        "pay",
        "charge",
        "promise",
        "set-off",
        "pay-out",
        "file/pdf",
    ):
        assert as_("dispatcher").get(url(invoice, verb)).status_code == 403
        assert as_("manager").get(url(Document(), verb)).status_code == 404
