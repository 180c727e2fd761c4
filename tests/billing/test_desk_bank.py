"""The bank's pages: a statement is looked at, imported once, and what nobody could match is assigned or left alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from billing.models import BankLine, BankStatement, Document, Payment, Standing
from billing.selectors.balances import differences
from queues.models import AuditEntry
from tests.billing import makers
from tests.billing.receivables.statements import camt, entry

pytestmark = pytest.mark.django_db
Browser = Callable[[str], Client]
IMPORT = "/admin/billing/bankline/import/"


@pytest.fixture
def invoice() -> Document:
    return makers.a_booked_invoice(1, customer=makers.a_customer("C-1"))


@pytest.fixture
def line(invoice: Document, as_: Browser) -> BankLine:
    """120.00 from nobody that is known."""
    read(as_("manager"), camt(entry(text="thanks", payer="Somebody")))
    return BankLine.objects.get()


def read(browser: Client, content: bytes, **over: str) -> str:
    answer = browser.post(IMPORT, {"file": SimpleUploadedFile("november.xml", content), **over})
    assert answer.status_code == 200
    return answer.content.decode()


def post(browser: Client, line: BankLine, verb: str, **form: str) -> Any:
    return browser.post(f"/admin/billing/bankline/{line.pk}/{verb}/", form)


def stands(invoice: Document) -> tuple[str, int]:
    standing = Standing.objects.get(document=invoice)
    return standing.state, standing.balance_minor


def test_a_look_at_a_file_tells_what_would_become_of_it_and_keeps_nothing(invoice: Document, as_: Browser) -> None:
    told = read(as_("manager"), camt(entry()), dry_run="on")
    assert "Nothing was kept" in told and "It names INV-000001" in told
    assert not BankStatement.objects.exists() and not Payment.objects.exists() and stands(invoice) == ("open", 120_00)
    assert not AuditEntry.objects.exists()


def test_an_imported_file_pays_what_it_names_and_is_not_imported_twice(invoice: Document, as_: Browser) -> None:
    assert "Imported: november.xml" in read(as_("manager"), camt(entry()))
    assert stands(invoice) == ("paid", 0)
    assert "error" in read(as_("manager"), camt(entry())) and Payment.objects.count() == 1
    assert differences() == []


@pytest.mark.parametrize("content", [b"", b"<html/>", b"\x89PNG", camt(entry(amount="x"))])
def test_what_is_no_statement_is_told_beside_the_field(invoice: Document, as_: Browser, content: bytes) -> None:
    assert "error" in read(as_("manager"), content)
    assert not BankStatement.objects.exists() and not BankLine.objects.exists()


def test_a_booking_of_nobodys_waits_with_its_reason(line: BankLine, as_: Browser) -> None:
    shown = as_("manager").get("/admin/billing/bankline/?state__exact=unmatched").content.decode()
    assert "Somebody" in shown and "To be assigned" in shown and "120.00 EUR" in shown
    page = as_("manager").get(f"/admin/billing/bankline/{line.pk}/change/").content.decode()
    assert "Say whose it is…" in page and "Leave it alone…" in page


def test_an_assigned_booking_pays_the_invoice_once(line: BankLine, invoice: Document, as_: Browser) -> None:
    assert post(as_("manager"), line, "assign", invoice="INV-000001", why="Called").status_code == 302
    assert stands(invoice) == ("paid", 0)
    again = post(as_("manager"), line, "assign", invoice="INV-000001")
    assert again.status_code == 200 and Payment.objects.count() == 1
    page = as_("manager").get(f"/admin/billing/bankline/{line.pk}/change/").content.decode()
    assert "Payment of Gasthaus Ente" in page and "Say whose it is" not in page


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({}, "which invoice it pays"),
        ({"invoice": "INV-9"}, "no invoice INV-9"),
        ({"customer": "C-9"}, "no customer C-9"),
        ({"invoice": "INV-000001", "customer": "C-2"}, "is not C-2’s"),
    ],
)
def test_a_booking_is_not_assigned_to_what_is_not_there(
    line: BankLine, as_: Browser, form: dict[str, str], told: str
) -> None:
    makers.a_customer("C-2")
    assert told in post(as_("manager"), line, "assign", **form).content.decode()
    assert not Payment.objects.exists()


def test_what_is_left_alone_says_why_and_is_asked_about_no_more(line: BankLine, as_: Browser) -> None:
    assert "Say why" in post(as_("manager"), line, "ignore", why="").content.decode()
    assert post(as_("manager"), line, "ignore", why="The bank’s interest").status_code == 302
    line.refresh_from_db()
    assert (line.state, line.problem) == ("ignored", "The bank’s interest")
    assert "Somebody" not in as_("manager").get("/admin/billing/bankline/?state__exact=unmatched").content.decode()


def test_the_files_are_listed_with_what_is_to_be_assigned(line: BankLine, as_: Browser) -> None:
    shown = as_("manager").get("/admin/billing/bankstatement/").content.decode()
    assert "november.xml" in shown and "camt053" in shown
