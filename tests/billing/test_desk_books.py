"""What the pages of billing tell of disputes, reminders and the books; that none of them changes a thing, nor grows slower with its rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

import project.urls  # noqa: F401  (finds the pages)
from billing.models import BillingRun, Dispute, Dunning, Payment, ProviderEvent, Reminder
from billing.services import bank, received
from tests.admin import money_scenes
from tests.billing import makers
from tests.billing.final_books import everything
from tests.billing.receivables.conftest import time  # noqa: F401  (a fixture)
from tests.billing.receivables.statements import camt, entry

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("time")]
Browser = Callable[[str], Client]
TOLD = {
    "dispute/": ("Gasthaus Ente", "120.00 EUR", "fraudulent"),
    "dispute/{dispute}/change/": ("dp_1", "manual:1", "fraudulent"),
    "providerevent/": ("evt_1", "charge.succeeded", "Waits"),
    "providerevent/{providerevent}/change/": ("&quot;id&quot;: &quot;evt_1&quot;",),
    "reminder/": ("INV-000001", "First reminder", "120.00 EUR"),
    "reminder/{reminder}/change/": ("INV-000001", "First reminder"),
    "dunning/": ("INV-000001", "25 Nov 2026"),
    "entry/": ("document:INV-000001", "revenue:base", "payment:manual:1", "bank:manual", "150.00"),
    "entry/?account=bank:manual": ("payment:manual:1",),
    "entry/{entry}/change/": ("document:INV-000001", "receivable"),
    "standing/": ("Gasthaus Ente", "120.00", "1–30 days late", "30.00"),
    "standing/?on=2026-11-10": ("Not due yet", "10 Nov 2026"),
    "standing/customer/{customer}/": ("INV-000001", "INV-000002", "90.00"),
    "standing/customer/{customer}/?currency=EUR&since=2026-11-03&until=2026-11-30": ("Opening balance", "240.00"),
    "document/overview/": ("240.00", "150.00", "1 bank booking to assign", "1 open dispute", "1 provider event"),
}
LISTS = (
    "billingrun", "document", "payment", "bankline", "bankstatement", "dispute", "providerevent", "entry", "standing", "reminder", "dunning",
    "document/overview",
)  # fmt: skip
ONES = ("document", "payment", "standing", "bankline", "bankstatement", "dispute", "providerevent", "entry", "reminder", "dunning")  # fmt: skip
PARTS = ("line", "adjustment", "taxgroup", "documentfile", "allocation", "refund", "runitem", "series")
FORGED = {
    "amount_minor": "1",
    "gross_minor": "1",
    "number": "X",
    "state": "draft",
    "debit": "bank",
    "title": "X",
    "_save": "Save",
}


@pytest.fixture
def scene() -> dict[str, Any]:
    return money_scenes.rows()


def address(path: str, scene: dict[str, Any]) -> str:
    keys = {name.partition(".")[2]: row.pk for name, row in scene.items() if name.startswith("billing.")}
    return "/admin/billing/" + path.format(**keys, customer=scene["billing.payment"].customer_id)


@pytest.mark.parametrize("path", TOLD)
def test_a_page_tells_what_there_is(path: str, scene: dict[str, Any], as_: Browser) -> None:
    answer = as_("manager").get(address(path, scene))
    assert answer.status_code == 200
    shown = answer.content.decode()
    assert [word for word in TOLD[path] if word not in shown] == []


@pytest.mark.parametrize("path", TOLD)
def test_a_dispatcher_sees_nothing_of_it(path: str, scene: dict[str, Any], as_: Browser) -> None:
    assert as_("dispatcher").get(address(path, scene)).status_code == 403


def test_a_journal_of_one_account_leaves_the_others_out(scene: dict[str, Any], as_: Browser) -> None:
    assert "revenue:base</td>" not in as_("manager").get("/admin/billing/entry/?account=bank:manual").content.decode()


def test_the_way_to_a_page_is_told_in_peoples_words(scene: dict[str, Any], as_: Browser) -> None:
    journal = as_("manager").get("/admin/billing/entry/").content.decode()
    assert "Journal entries" in journal and ">Entries" not in journal
    payment = scene["billing.payment"]
    for verb in ("change", "refund"):
        shown = as_("manager").get(f"/admin/billing/payment/{payment.pk}/{verb}/").content.decode()
        way = shown[: shown.index('id="content"')]
        assert "150.00 EUR, 5 Nov 2026" in way and payment.key not in way


def test_a_customer_that_is_not_there_has_no_account(as_: Browser) -> None:
    assert as_("manager").get("/admin/billing/standing/customer/77/").status_code == 404


@pytest.mark.parametrize("query", ["?since=x&until=2026-11-30", "?currency=XXX", "?on=x", "?on="])
def test_a_day_or_a_currency_that_is_none_is_told_and_breaks_nothing(
    query: str, scene: dict[str, Any], as_: Browser
) -> None:
    for path in ("standing/", "standing/customer/{customer}/"):
        assert as_("manager").get(address(path, scene) + query).status_code == 200


# --- nothing is changed here ---


@pytest.mark.parametrize("name", ONES)
@pytest.mark.parametrize("verb", ["add/", "{pk}/change/", "{pk}/delete/"])
def test_what_is_final_is_not_changed_by_a_post(name: str, verb: str, scene: dict[str, Any], as_: Browser) -> None:
    row = scene[f"billing.{name}"]
    before, was = everything(), type(row).objects.filter(pk=row.pk).values().get()
    answer = as_("admin").post(f"/admin/billing/{name}/" + verb.format(pk=row.pk), FORGED)
    assert answer.status_code in (403, 404) or (verb == "{pk}/change/" and answer.status_code in (200, 302))
    assert everything() == before and type(row).objects.filter(pk=row.pk).values().get() == was


@pytest.mark.parametrize("name", ONES)
def test_a_list_has_no_deed_for_all_that_is_ticked(name: str, scene: dict[str, Any], as_: Browser) -> None:
    row, before = scene[f"billing.{name}"], everything()
    as_("admin").post(
        f"/admin/billing/{name}/", {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    )
    assert everything() == before and type(row).objects.filter(pk=row.pk).exists()


def test_lines_files_and_allocations_have_no_pages_to_change_them(scene: dict[str, Any], as_: Browser) -> None:
    assert not {model._meta.model_name for model in admin.site._registry} & set(PARTS)
    for name in PARTS:
        assert as_("admin").post(f"/admin/billing/{name}/1/change/", FORGED).status_code == 404


def test_a_draft_has_none_of_the_verbs_of_a_final_document(scene: dict[str, Any], as_: Browser) -> None:
    draft = scene["billing.runitem"].document
    for verb in ("credit", "void", "write-off", "recover", "pay", "charge", "promise", "set-off", "pay-out"):
        for ask in (as_("manager").get, as_("manager").post):
            assert ask(f"/admin/billing/document/{draft.pk}/{verb}/").status_code == 404


# --- as many queries for many rows as for a few ---


@pytest.mark.parametrize("name", LISTS)
def test_a_list_takes_as_many_queries_for_many_rows_as_for_a_few(
    name: str, scene: dict[str, Any], as_: Browser
) -> None:
    browser, path = as_("manager"), f"/admin/billing/{name}/"
    many(10, first=10)
    browser.get(path)
    few = queries(browser, path)
    many(20, first=20)
    assert queries(browser, path) <= few


def queries(browser: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as found:
        assert browser.get(path).status_code == 200
    return len(found)


def many(count: int, first: int) -> None:
    """So many of each, each of another customer's."""
    at = money_scenes.AT
    for number in range(first, first + count):
        invoice = makers.a_booked_invoice(number, customer=makers.a_customer(f"C-{number}"))
        paid: Payment = received.receive(
            f"manual:{number}", "manual", invoice.customer, "EUR", 100_00, date(2026, 11, 5), "", invoice, actor=money_scenes.CLERK
        )  # fmt: skip
        Dispute.objects.create(provider="tests", reference=f"dp_{number}", payment=paid, amount_minor=1, opened_at=at)
        ProviderEvent.objects.create(
            provider="tests", event_id=f"e{number}", kind="k", created_at=at, received_at=at, body="{}"
        )
        Reminder.objects.create(
            document=invoice, step=1, title="R", balance_minor=1, currency="EUR", sent_on=at.date(), at=at
        )
        Dunning.objects.create(document=invoice)
        day = date(2020, 1, 1) + timedelta(days=number)
        BillingRun.objects.create(code=f"many-{number}", through=day, issue_date=day)
        text = entry("20.00", ref=f"M{number}", text=f"{invoice.number}")
        bank.import_statement(camt(text), f"{number}.xml", actor=money_scenes.CLERK)
