"""A customer's saved ways to pay: seen on the customer's page, one saved, one made the one that is charged, one taken away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing import ports
from billing.models import PaymentMethod
from billing.selectors.payments import method_of
from billing.services import credits, received
from project.chaos import till
from queues.models import AuditEntry, Run
from tests.admin import money_scenes
from tests.billing import makers

pytestmark = pytest.mark.django_db
Browser = Callable[[str], Client]
PAID_ON = date(2026, 11, 7)
WHY = {"why": "Asked by telephone"}


@pytest.fixture(autouse=True)
def provider() -> Iterator[None]:
    ports.register(till.Till())
    yield
    ports.forget(till.NAME)


@pytest.fixture
def scene() -> dict[str, Any]:
    """The newer of two saved methods is charged."""
    return money_scenes.credit()


def page(scene: dict[str, Any]) -> str:
    return f"/admin/billing/customer/{scene['in_credit'].pk}/change/"


def url(method: PaymentMethod, verb: str) -> str:
    return f"/admin/billing/customer/method/{method.pk}/{verb}/"


def said(browser: Client, address: str, **posted: Any) -> str:
    answer = browser.post(address, posted, follow=True)
    assert answer.redirect_chain, [line for line in answer.content.decode().splitlines() if "error" in line]
    return answer.content.decode()


def test_a_customers_page_tells_each_and_which_is_charged(scene: dict[str, Any], as_: Browser) -> None:
    shown = as_("manager").get(page(scene)).content.decode()
    assert shown.index("Visa … 1881") < shown.index("Is charged") < shown.index("SEPA … 3201")
    assert url(scene["older"], "prefer") in shown and url(scene["newer"], "drop") in shown
    assert url(scene["newer"], "prefer") not in shown, "it is charged already"


def test_the_other_one_is_charged_from_now_on_and_twice_is_once(scene: dict[str, Any], as_: Browser) -> None:
    for _ in range(2):
        assert "SEPA … 3201 is charged from now on." in said(as_("manager"), url(scene["older"], "prefer"), **WHY)
    assert method_of(scene["in_credit"]) == scene["older"]
    entry = AuditEntry.objects.get(action="payment_method.prefer")
    assert (entry.why, entry.object_label) == (WHY["why"], "SEPA … 3201")


def test_one_that_is_taken_away_is_charged_no_more_at_once_and_a_job_tells_the_provider(
    scene: dict[str, Any], as_: Browser
) -> None:
    assert "Visa … 1881 is never charged again." in said(as_("manager"), url(scene["newer"], "drop"), **WHY)
    assert method_of(scene["in_credit"]) == scene["older"]
    run = Run.objects.get(job="billing.drop_method")
    assert run.parameters == {"provider": till.NAME, "method": "card-12", "why": WHY["why"]}
    assert AuditEntry.objects.get(action="payment_method.drop").actor == "manager"
    shown = as_("manager").get(page(scene)).content.decode()
    assert "Taken away" in shown and url(scene["newer"], "drop") not in shown


def test_what_is_taken_away_is_neither_taken_away_again_nor_charged(scene: dict[str, Any], as_: Browser) -> None:
    said(as_("manager"), url(scene["newer"], "drop"), **WHY)
    for verb in ("drop", "prefer"):
        assert as_("manager").post(url(scene["newer"], verb), WHY).status_code == 200
    assert method_of(scene["in_credit"]) == scene["older"]
    assert Run.objects.filter(job="billing.drop_method").count() == 1
    assert AuditEntry.objects.filter(action__startswith="payment_method.").count() == 1


def test_one_of_a_provider_that_is_not_set_up_is_shown_and_left_alone(scene: dict[str, Any], as_: Browser) -> None:
    ports.forget(till.NAME)
    shown = as_("manager").get(page(scene)).content.decode()
    assert "Not set up here" in shown and url(scene["older"], "prefer") not in shown
    for verb in ("drop", "prefer"):
        assert as_("manager").post(url(scene["older"], verb), WHY).status_code == 200
    assert PaymentMethod.objects.filter(usable=True, preferred=True).get() == scene["newer"]
    assert not Run.objects.exists() and not AuditEntry.objects.filter(action__startswith="payment_method.").exists()


def test_one_is_saved_by_a_job_that_the_page_follows_and_twice_is_once(scene: dict[str, Any], as_: Browser) -> None:
    address = page(scene).replace("change/", "save-method/")
    assert address in as_("manager").get(page(scene)).content.decode()
    for _ in range(2):
        told = said(as_("manager"), address, provider=till.NAME, method=" pm_13 ", **WHY)
    run = Run.objects.get(job="billing.save_method")
    assert run.parameters == {"customer": "C-credit", "provider": till.NAME, "method": "pm_13"}
    assert "It is being saved." in told and f"/{run.pk}/progress/" in told
    entry = AuditEntry.objects.get(action="customer.save_method")
    assert (entry.object_id, entry.why, entry.actor) == (str(scene["in_credit"].pk), WHY["why"], "manager")


@pytest.mark.parametrize("number", ["4242424242424242", "4242 4242 4242 4242", "pm_", "pm-1", ""])
def test_what_is_no_id_of_a_provider_is_refused_beside_its_field(
    scene: dict[str, Any], as_: Browser, number: str
) -> None:
    address = page(scene).replace("change/", "save-method/")
    shown = as_("manager").post(address, {"provider": till.NAME, "method": number}).content.decode()
    assert ("never the number of a card." in shown) if number else ("This field is required" in shown)
    assert not Run.objects.exists()


def test_where_nobody_takes_payments_none_is_saved(scene: dict[str, Any], as_: Browser) -> None:
    ports.forget(till.NAME)
    address = page(scene).replace("change/", "save-method/")
    assert address not in as_("manager").get(page(scene)).content.decode()
    shown = as_("manager").post(address, {"provider": till.NAME, "method": "pm_13"}).content.decode()
    assert "No payment provider is set up here." in shown and not Run.objects.exists()


def test_taking_away_asks_why(scene: dict[str, Any], as_: Browser) -> None:
    assert "Say why" in as_("manager").post(url(scene["newer"], "drop"), {"why": ""}).content.decode()
    assert method_of(scene["in_credit"]) == scene["newer"] and not Run.objects.exists()


def test_nobody_but_who_bills_touches_them(scene: dict[str, Any], as_: Browser) -> None:
    assert as_("dispatcher").post(page(scene).replace("change/", "save-method/"), WHY).status_code == 403
    for verb in ("prefer", "drop"):
        assert as_("dispatcher").get(url(scene["older"], verb)).status_code == 403
        assert as_("dispatcher").post(url(scene["newer"], verb), WHY).status_code == 403
        assert as_("manager").get(url(PaymentMethod(pk=0), verb)).status_code == 404
    assert as_("dispatcher").get(page(scene)).status_code == 403
    assert method_of(scene["in_credit"]) == scene["newer"]


def test_a_customer_with_much_credit_and_many_methods_takes_no_more_queries(
    scene: dict[str, Any], as_: Browser
) -> None:
    browser, customer = as_("manager"), scene["in_credit"]
    makers.a_booked_invoice(30, customer=customer)

    def more(n: int) -> None:
        PaymentMethod.objects.create(customer=customer, provider=till.NAME, reference=f"more-{n}")
        received.receive(f"manual:more-{n}", "manual", customer, "EUR", 500_00, PAID_ON, "", actor=money_scenes.CLERK)
        credits.credit(scene["owed"], why="Late", actor=money_scenes.CLERK, gross_minor=1_00)

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert "more-0" in browser.get(page(scene)).content.decode()
        return len(seen)

    more(0)
    few = queries()
    for n in range(1, 9):
        more(n)
    assert queries() == few
