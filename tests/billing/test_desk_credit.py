"""What is left of a credit note: set off against another invoice, paid out; and all of a customer's credit at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from billing.models import Allocation, Document, Entry, Standing
from billing.selectors.balances import differences
from queues.models import AuditEntry
from tests.admin import money_scenes
from tests.billing import makers

pytestmark = pytest.mark.django_db
Browser = Callable[[str], Client]
KEY = "0198c0de-0000-7000-8000-000000000002"
OUT = {"amount": "5.00", "paid_on": "2026-11-06", "key": KEY, "why": "They leave us"}


@pytest.fixture
def scene() -> dict[str, Any]:
    """INV-000011 over 120.00 is open; of a credit note 12.00 is left."""
    return money_scenes.credit()


def url(document: Document, verb: str = "change") -> str:
    return f"/admin/billing/document/{document.pk}/{verb}/"


def stands(document: Document) -> tuple[str, int]:
    standing = Standing.objects.get(document=document)
    return standing.state, standing.balance_minor


def text(browser: Client, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def said(browser: Client, address: str, **posted: Any) -> str:
    """What the page says after a deed."""
    answer = browser.post(address, posted, follow=True)
    assert answer.redirect_chain, [line for line in answer.content.decode().splitlines() if "error" in line]
    return answer.content.decode()


def off(scene: dict[str, Any], **over: str) -> dict[str, str]:
    return {"document": str(scene["owed"].pk), "amount": "", "why": "Asked for", "seen": "1200", **over}


def untouched(scene: dict[str, Any]) -> bool:
    """Nothing was set off, paid out or audited."""
    mine = AuditEntry.objects.filter(action__in=("document.set_off", "document.pay_out", "customer.settle"))
    return stands(scene["owed"])[1] == 120_00 and stands(scene["note"])[1] == 12_00 and not mine.exists()


def test_a_note_with_something_left_offers_what_can_be_done_and_an_invoice_does_not(
    scene: dict[str, Any], as_: Browser
) -> None:
    shown = text(as_("manager"), url(scene["note"]))
    assert "Set off against an invoice…" in shown and "Pay out…" in shown
    shown = text(as_("manager"), url(scene["owed"]))
    assert "Set off against an invoice…" not in shown and "Pay out…" not in shown


def test_it_is_set_off_as_far_as_it_goes_with_one_entry_in_the_audit_log(scene: dict[str, Any], as_: Browser) -> None:
    told = said(as_("manager"), url(scene["note"], "set-off"), **off(scene))
    assert "12.00 EUR is set off against INV-000011." in told
    assert (stands(scene["owed"]), stands(scene["note"])) == (("part_paid", 108_00), ("paid", 0))
    assert AuditEntry.objects.get(action="document.set_off").why == "Asked for" and differences() == []
    assert "Set off against an invoice…" not in text(as_("manager"), url(scene["note"]))


def test_a_part_of_it_is_set_off_once_however_often_its_form_is_sent(scene: dict[str, Any], as_: Browser) -> None:
    said(as_("manager"), url(scene["note"], "set-off"), **off(scene, amount="4.50"))
    again = as_("manager").post(url(scene["note"], "set-off"), off(scene, amount="4.50"))
    assert "7.50 EUR is free. Look again." in again.content.decode()
    assert (stands(scene["owed"])[1], stands(scene["note"])[1]) == (115_50, 7_50)


def test_it_may_pay_what_was_written_off(scene: dict[str, Any], as_: Browser) -> None:
    form = text(as_("manager"), url(scene["note"], "set-off"))
    assert "INV-000013" in form and "120.00 EUR written off" in form
    said(as_("manager"), url(scene["note"], "set-off"), **off(scene, document=str(scene["lost"].pk)))
    standing = Standing.objects.get(document=scene["lost"])
    assert (standing.state, standing.credited_minor, standing.written_off_minor) == ("uncollectible", 12_00, 108_00)
    assert differences() == []


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"amount": "12.01"}, "At most 12.00 EUR"),
        ({"amount": "0"}, "above nothing"),
        ({"amount": "-1"}, "above nothing"),
        ({"amount": "1.005"}, "no more than 2 decimal"),
        ({"amount": "all"}, "Enter a number"),
        ({"document": ""}, "This field is required"),
        ({"document": "{note}"}, "Select a valid choice"),
        ({"document": "{other}"}, "Select a valid choice"),
    ],
)
def test_a_wrong_set_off_is_told_beside_its_field_and_nothing_is_done(
    scene: dict[str, Any], as_: Browser, wrong: dict[str, str], told: str
) -> None:
    keys = {"{note}": scene["note"].pk, "{other}": makers.a_booked_invoice(20).pk}
    form = off(scene, **{name: str(keys.get(value, value)) for name, value in wrong.items()})
    answer = as_("manager").post(url(scene["note"], "set-off"), form)
    assert told in answer.content.decode() and untouched(scene)


def test_no_more_is_set_off_than_is_open_on_the_invoice(scene: dict[str, Any], as_: Browser) -> None:
    small = makers.a_booked_invoice(21, customer=scene["in_credit"], net_minor=1_00, tax_minor=20)
    answer = as_("manager").post(url(scene["note"], "set-off"), off(scene, document=str(small.pk), amount="1.21"))
    assert "At most 1.20 EUR: no more is open on INV-000021." in answer.content.decode() and untouched(scene)


def test_what_was_set_off_is_taken_off_again_from_the_notes_page(scene: dict[str, Any], as_: Browser) -> None:
    said(as_("manager"), url(scene["note"], "set-off"), **off(scene))
    address = f"/admin/billing/payment/allocation/{Allocation.objects.get(document=scene['owed']).pk}/undo/"
    assert address in text(as_("manager"), url(scene["note"]))
    told = said(as_("manager"), address, why="The other one was meant")
    assert "taken off INV-000011 again" in told and f"Credit note {scene['note']}" in told
    assert (stands(scene["owed"])[1], stands(scene["note"])[1]) == (120_00, 12_00)


def test_credit_is_paid_out_and_booked_once_however_often_its_form_is_sent(scene: dict[str, Any], as_: Browser) -> None:
    for _ in range(2):
        told = said(as_("manager"), url(scene["note"], "pay-out"), **OUT)
    assert "5.00 EUR of" in told and "is booked as paid out." in told
    entry = Entry.objects.get(posting=f"refund:manual:{KEY}")
    assert (entry.debit, entry.credit, entry.amount_minor, str(entry.booked_on)) == (
        "receivable", "bank:manual", 5_00, "2026-11-06",
    )  # fmt: skip
    assert stands(scene["note"])[1] == 7_00 and differences() == []
    assert AuditEntry.objects.get(action="document.pay_out").why == "They leave us"
    assert "Paid out" in text(as_("manager"), url(scene["note"]))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"amount": "12.01"}, "At most 12.00 EUR"),
        ({"amount": ""}, "This field is required"),
        ({"amount": "-5"}, "above nothing"),
        ({"paid_on": "2036-01-01"}, "has not gone yet"),
        ({"paid_on": "yesterday"}, "Enter a valid date"),
        ({"why": ""}, "Say why"),
    ],
)
def test_a_wrong_pay_out_is_told_beside_its_field_and_nothing_is_booked(
    scene: dict[str, Any], as_: Browser, wrong: dict[str, str], told: str
) -> None:
    answer = as_("manager").post(url(scene["note"], "pay-out"), {**OUT, **wrong})
    assert told in answer.content.decode() and untouched(scene)
    assert not Entry.objects.filter(posting=f"refund:manual:{KEY}").exists()


def test_of_an_invoice_nothing_is_set_off_or_paid_out(scene: dict[str, Any], as_: Browser) -> None:
    for verb, form in (("set-off", off(scene)), ("pay-out", OUT)):
        answer = as_("manager").post(url(scene["owed"], verb), form)
        assert answer.status_code == 200, verb
    assert untouched(scene)


def test_a_customers_page_tells_the_credit_and_all_of_it_is_set_against_what_is_open(
    scene: dict[str, Any], as_: Browser
) -> None:
    page = f"/admin/billing/customer/{scene['in_credit'].pk}/"
    shown = text(as_("manager"), f"{page}change/")
    assert f"Credit note {scene['note']}" in shown and "12.00 EUR" in shown and f"{page}settle/" in shown
    assert "Credit: 12.00 EUR; open: 120.00 EUR" in text(as_("manager"), f"{page}settle/")
    told = said(as_("manager"), f"{page}settle/", currency="EUR", why="End of the year")
    assert "12.00 EUR is set against INV-000011." in told
    assert (stands(scene["owed"])[1], stands(scene["note"])[1]) == (108_00, 0) and differences() == []
    assert AuditEntry.objects.get(action="customer.settle").why == "End of the year"
    assert "nothing that it could pay" in text(as_("manager"), f"{page}settle/")


def test_another_currency_is_not_settled(scene: dict[str, Any], as_: Browser) -> None:
    page = f"/admin/billing/customer/{scene['in_credit'].pk}/settle/"
    assert "Select a valid choice" in as_("manager").post(page, {"currency": "USD"}).content.decode()
    assert untouched(scene)


def test_nobody_but_who_bills_gives_credit_away(scene: dict[str, Any], as_: Browser) -> None:
    for address, form in (
        (url(scene["note"], "set-off"), off(scene)),
        (url(scene["note"], "pay-out"), OUT),
        (f"/admin/billing/customer/{scene['in_credit'].pk}/settle/", {"currency": "EUR"}),
    ):
        assert as_("dispatcher").get(address).status_code == 403
        assert as_("dispatcher").post(address, form).status_code == 403
    assert untouched(scene)
