"""A clerk uses up a customer's credit in a browser; each question fits in every look."""

from __future__ import annotations

import pytest

from .clerks_pages import looked_at
from .conftest import Visit
from .test_content_security import LISTEN

pytestmark = pytest.mark.browser
FILL = "from tests.admin.money_scenes import credit; credit(9500, 'stripe')"


def test_credit_is_found_on_the_customers_page_set_off_and_paid_out(visit: Visit) -> None:
    page = visit.page
    page.add_init_script(LISTEN)
    assert visit.demo.beside("shell", "-c", FILL).wait(60) == 0
    visit.sign_in("manager")
    visit.go("/admin/billing/customer/?q=C-credit")
    page.click("#result_list a:text-is('C-credit')")
    customer = path(visit)
    assert "Visa … 1881" in page.inner_text("#methods")
    assert "12.00 EUR" in page.inner_text("#credit")
    page.click("#credit a:has-text('Credit note')")
    note = path(visit)
    questions = {"credit-customer": customer, "credit-note": note}
    for verb in ("set-off", "pay-out"):
        questions[f"credit-{verb}"] = note.replace("change/", f"{verb}/")
    for verb in ("settle", "pay"):
        questions[f"credit-{verb}"] = customer.replace("change/", f"{verb}/")
    visit.go("/admin/billing/document/?q=C-credit&standing=uncollectible")
    page.click("#result_list tbody a:has-text('INV-')")
    lost = path(visit)
    questions |= {"credit-lost": lost, "credit-recover": lost.replace("change/", "recover/")}
    for name, address in questions.items():
        looked_at(visit, name, address)

    visit.go(note)
    page.click("a:has-text('Set off against an invoice')")
    page.fill("[name=amount]", "20")
    page.click("button:has-text('Set it off')")
    page.get_by_text("At most 12.00 EUR.").wait_for()
    page.fill("[name=amount]", "7.00")
    page.click("button:has-text('Set it off')")
    page.get_by_text("7.00 EUR is set off against INV-009500.").wait_for()
    page.click("a:has-text('Pay out')")
    assert page.input_value("[name=amount]") == "5.00"
    page.fill("[name=why]", "They leave us")
    page.click("button:has-text('Book it')")
    page.get_by_text("is booked as paid out.").wait_for()
    assert "0.00 EUR" in page.locator("#standing .bi-total").inner_text()
    visit.shot("credit-note-used")


def test_weekdays_are_ticked_by_name(visit: Visit) -> None:
    page = visit.page
    page.add_init_script(LISTEN)
    visit.sign_in("manager")
    visit.go("/admin/billing/service/?pattern__exact=weekly")
    page.locator("#result_list tbody a[href*='/service/']").first.click()
    page.get_by_label("Sunday", exact=True).check()
    service = path(visit)
    looked_at(visit, "service", service)
    page.get_by_label("Sunday", exact=True).check()
    page.locator("[name=_continue]").first.click()
    page.get_by_text("was changed successfully").wait_for()
    assert page.get_by_label("Sunday", exact=True).is_checked()


def path(visit: Visit) -> str:
    return str(visit.page.url).removeprefix(visit.demo.address).partition("?")[0]
