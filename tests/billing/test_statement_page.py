"""A customer's account on its page, and as the PDF that is sent."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from pypdf import PdfReader

import project.urls  # noqa: F401  (finds the pages)
from tests.admin import money_scenes
from tests.billing import makers
from tests.billing.receivables.conftest import time  # noqa: F401  (a fixture)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("time")]
Browser = Callable[[str], Client]


@pytest.fixture
def page() -> str:
    payment = money_scenes.rows()["billing.payment"]
    return f"/admin/billing/standing/customer/{payment.customer_id}/"


def text_of(answer: Any) -> str:
    assert answer["Content-Type"] == "application/pdf"
    return "\n".join(each.extract_text() for each in PdfReader(BytesIO(answer.content)).pages).replace("−", "-")


def test_the_page_leads_to_the_pdf_of_the_same_days(page: str, as_: Browser) -> None:
    shown = as_("manager").get(f"{page}?currency=EUR&since=2026-11-03&until=2026-11-30").content.decode()
    assert f'href="{page}pdf/?currency=EUR&amp;since=2026-11-03&amp;until=2026-11-30"' in shown


def test_the_pdf_tells_what_the_page_tells_in_the_customers_language(page: str, as_: Browser) -> None:
    answer = as_("manager").get(f"{page}pdf/?currency=EUR&since=2026-11-03&until=2026-11-30")
    assert answer["Content-Disposition"] == 'attachment; filename="statement-C-pays-EUR-2026-11-03-2026-11-30.pdf"'
    told = text_of(answer)
    for word in ("Kontoauszug", "Gasthaus Ente", "Anfangssaldo", "240,00", "Zahlung, INV-000002", "-150,00", "90,00"):
        assert word in told, word
    assert "INV-000001" not in told  # it is of an earlier day
    whole = text_of(as_("manager").get(f"{page}pdf/"))
    assert "Rechnung INV-000001" in whole and "Rechnung INV-000002" in whole


def test_the_same_journal_is_the_same_bytes(page: str, as_: Browser) -> None:
    first, second = (as_("manager").get(f"{page}pdf/?until=2026-11-30").content for _ in range(2))
    assert first == second


def test_days_the_wrong_way_about_are_told_on_the_page(page: str, as_: Browser) -> None:
    query = "?currency=EUR&since=2026-11-30&until=2026-11-01"
    answer = as_("manager").get(f"{page}pdf/{query}")
    assert (answer.status_code, answer["Location"]) == (302, f"{page}{query}")
    assert "It ends before it begins." in as_("manager").get(answer["Location"]).content.decode()


def test_who_has_no_account_has_no_pdf_and_is_led_to_the_page_that_says_so(as_: Browser) -> None:
    customer = makers.a_customer("C-new")
    page = f"/admin/billing/standing/customer/{customer.pk}/"
    shown = as_("manager").get(page)
    assert shown.status_code == 200 and f"{page}pdf/" not in shown.content.decode()
    answer = as_("manager").get(f"{page}pdf/")
    assert (answer.status_code, answer["Location"]) == (302, page)
    assert as_("manager").get("/admin/billing/standing/customer/999999/pdf/").status_code == 404


def test_it_is_for_those_who_bill(page: str, as_: Browser) -> None:
    assert as_("dispatcher").get(f"{page}pdf/").status_code == 403
