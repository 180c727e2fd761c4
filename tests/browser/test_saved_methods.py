"""A customer's ways to pay in a browser: two are saved from the customer's page, one is chosen, one taken away, here and at the provider."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.billing.payments.stand_in import VISA, Desk
from tests.engine.conftest import until

from .clerks_pages import looked_at
from .conftest import Visit
from .test_content_security import LISTEN

pytestmark = pytest.mark.browser
ANOTHER = "5555555555554444"


def test_ways_to_pay_are_saved_chosen_and_taken_away_on_the_customers_page(visit: Visit, stripe: Desk) -> None:
    page = visit.page
    page.add_init_script(LISTEN)
    visit.sign_in("manager")
    visit.go("/admin/billing/customer/")
    page.click("#result_list tbody a >> nth=0")
    customer = page.url.removeprefix(visit.demo.address).partition("?")[0]
    page.click("a:has-text('Save one…')")
    page.fill("[name=method]", VISA)
    page.click("button:has-text('Save it')")
    page.get_by_text("please; never the number of a card.").wait_for()
    visit.shot("methods-refused")

    visa, other = stripe.card(VISA), stripe.card(ANOTHER)
    for method, label in ((visa, "… 4242"), (other, "… 4444")):
        visit.go(customer)
        page.click("a:has-text('Save one…')")
        page.fill("[name=method]", method)
        page.click("button:has-text('Save it')")
        row(page, label).get_by_text("Is charged").wait_for(timeout=30_000)
    visit.shot("methods-saved")
    row(page, "… 4242").get_by_text("Charge this one…").click()
    page.click("button:has-text('Charge this one')")
    row(page, "… 4242").get_by_text("Is charged").wait_for()

    drop = str(row(page, "… 4242").get_by_text("Take away…").get_attribute("href"))
    save = str(page.get_by_text("Save one…").get_attribute("href"))
    for name, address in (("list", customer), ("save", save), ("drop", drop)):
        looked_at(visit, f"methods-{name}", address)
    visit.go(drop)
    page.fill("[name=why]", "The card was lost")
    page.click("button:has-text('Take it away')")
    row(page, "… 4242").get_by_text("Taken away").wait_for()
    row(page, "… 4444").get_by_text("Is charged").wait_for()
    assert row(page, "… 4242").locator("a").count() == 0
    visit.shot("methods-one-left")
    until(lambda: json.loads(stripe.ask("GET", f"/v1/payment_methods/{visa}")[1])["customer"] is None)


def row(page: Any, label: str) -> Any:
    return page.locator("#methods tbody tr", has_text=label)
