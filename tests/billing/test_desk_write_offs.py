"""What was written off: money that comes after all, and a write-off that is taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from billing.models import Document, Entry, Standing
from billing.selectors.balances import differences
from queues.models import AuditEntry
from tests.admin import money_scenes

pytestmark = pytest.mark.django_db
Browser = Callable[[str], Client]
BACK = {"amount": "20.00", "seen": "12000", "why": "They pay after all"}
PAY = {"amount": "50.00", "received_on": "2026-11-06", "reference": "", "key": "0198c0de-0000-7000-8000-000000000003"}


@pytest.fixture
def lost() -> Document:
    """An invoice over 120.00, written off."""
    found: Document = money_scenes.credit()["lost"]
    return found


def url(document: Document, verb: str = "change") -> str:
    return f"/admin/billing/document/{document.pk}/{verb}/"


def stands(document: Document) -> tuple[str, int, int, int]:
    """State, to be paid, paid, written off."""
    found = Standing.objects.get(document=document)
    return found.state, found.balance_minor, found.paid_minor, found.written_off_minor


def said(browser: Client, address: str, **posted: Any) -> str:
    answer = browser.post(address, posted, follow=True)
    assert answer.redirect_chain, [line for line in answer.content.decode().splitlines() if "error" in line]
    return answer.content.decode()


def test_an_invoice_that_is_written_off_takes_money_and_can_be_open_again(lost: Document, as_: Browser) -> None:
    shown = as_("manager").get(url(lost)).content.decode()
    assert "Record a payment…" in shown and "Take the write-off back…" in shown
    assert "Write off…" not in shown and "Charge saved method…" not in shown


def test_money_that_comes_after_all_takes_the_write_off_back_as_far_as_it_goes(lost: Document, as_: Browser) -> None:
    assert "Written off: 120.00 EUR" in as_("manager").get(url(lost, "pay")).content.decode()
    assert "50.00 EUR recorded" in said(as_("manager"), url(lost, "pay"), **PAY)
    assert stands(lost) == ("uncollectible", 0, 50_00, 70_00) and differences() == []


def test_a_part_of_a_write_off_is_taken_back_once_however_often_its_form_is_sent(lost: Document, as_: Browser) -> None:
    assert "20.00 EUR of INV-000013 is open again." in said(as_("manager"), url(lost, "recover"), **BACK)
    again = as_("manager").post(url(lost, "recover"), BACK)
    assert "changed meanwhile" in again.content.decode()
    assert stands(lost) == ("part_paid", 20_00, 0, 100_00) and differences() == []
    assert Entry.objects.get(posting="recovery:INV-000013").amount_minor == 20_00
    assert AuditEntry.objects.get(action="document.recover").why == "They pay after all"
    shown = as_("manager").get(url(lost)).content.decode()
    assert shown.index("Written off</b>") < shown.index("Write-off taken back</b>")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"amount": "120.01"}, "At most 120.00 EUR"),
        ({"amount": "0.00"}, "above nothing"),
        ({"amount": ""}, "This field is required"),
        ({"amount": "1.001"}, "no more than 2 decimal"),
        ({"why": " "}, "Say why"),
    ],
)
def test_a_wrong_amount_is_told_beside_its_field_and_nothing_is_taken_back(
    lost: Document, as_: Browser, wrong: dict[str, str], told: str
) -> None:
    assert told in as_("manager").post(url(lost, "recover"), {**BACK, **wrong}).content.decode()
    assert stands(lost) == ("uncollectible", 0, 0, 120_00)
    assert not AuditEntry.objects.filter(action="document.recover").exists()


def test_what_is_not_written_off_is_not_taken_back(lost: Document, as_: Browser) -> None:
    owed = Document.objects.get(number="INV-000011")
    assert "Take it back" not in as_("manager").get(url(owed, "recover")).content.decode()
    assert as_("manager").post(url(owed, "recover"), BACK).status_code == 200
    assert stands(owed) == ("open", 120_00, 0, 0)


def test_nobody_but_who_bills_takes_it_back(lost: Document, as_: Browser) -> None:
    assert as_("dispatcher").get(url(lost, "recover")).status_code == 403
    assert as_("dispatcher").post(url(lost, "recover"), BACK).status_code == 403
    assert stands(lost)[3] == 120_00
