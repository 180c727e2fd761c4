"""The clerk's month in a browser: from the draft of a run to the money, on the running demo with its workers.

Two managers: the first prepares and mends; the second approves. Every page is looked at in light, dark and on a phone.
"""

from __future__ import annotations

import os
import re
from datetime import date
from pathlib import Path

import pytest

from billing.services.samples import last_month
from tests.billing.clerks_scene import CLINIC, INN, RIGHT, SLIP

from .clerks_pages import import_of_the_bank, item, looked_at, prepared, to_be_paid
from .conftest import RunningDemo, Visit
from .test_content_security import LISTEN

pytestmark = pytest.mark.browser
FIRST, SECOND = "manager", "manager.two"
LISTS = (
    "document/overview", "billingrun", "billingrun/prepare", "document", "payment", "bankline", "bankline/import", "bankstatement",
    "standing", "dunning", "dispute", "providerevent", "entry",
)  # fmt: skip


@pytest.fixture(scope="module")
def month(demo: RunningDemo) -> date:
    """The month to be billed; the one before it is billed."""
    assert demo.beside("shell", "-c", "from tests.billing.clerks_scene import fill; fill()").wait(60) == 0
    return last_month(date.today())


def test_a_month_is_drafted_mended_approved_by_another_billed_and_paid(
    visit: Visit, month: date, tmp_path: Path
) -> None:
    page = visit.page
    page.add_init_script(LISTEN)
    visit.sign_in(FIRST)
    run = prepared(visit, month)
    visit.shot("month-preview")
    if os.environ.get("ROUNDSMAN_SHOTS"):
        looked_at(visit, "preview", run)
    unresolved = page.locator("#reconciliation .bi-total", has_text="Unresolved").locator(".rm-num")
    assert unresolved.all_inner_texts() == ["0", "0"]  # of periods, of visits

    page.click("a.rm-tab:has-text('Outliers')")
    clinic, inn = item(page, CLINIC), item(page, INN)
    assert "4 extra pick-ups instead of none: +116.00" in inn.inner_text()
    assert f"Emptying: price since {month:%Y-%m}-15: {SLIP} instead of {RIGHT}" in clinic.inner_text()
    clinic.get_by_text("Send back").click()
    page.click("button:has-text('Send it back')")
    page.get_by_text("Say why: others will want to know.").wait_for()
    page.fill("[name=why]", f"A slip: {SLIP} for {RIGHT}")
    page.click("button:has-text('Send it back')")
    page.get_by_text("is sent back.").wait_for()

    visit.go("/admin/billing/pricelist/")
    page.click(f"text={CLINIC}")
    page.click("a:has-text('no end')")
    page.fill("[name=r1-amount]", RIGHT)
    page.fill("[name=why]", "As agreed in writing")
    visit.shot("month-price-editor")
    page.click("button:has-text('Store these prices') >> visible=true")
    page.get_by_text("The same prices as before.").wait_for()

    visit.go(f"{run}?show=sent_back")
    assert f"A slip: {SLIP} for {RIGHT}" in item(page, CLINIC).inner_text()
    item(page, CLINIC).get_by_text("Draft again").click()
    page.click("button:has-text('Draft it again')")
    page.get_by_text("drafted", exact=False).first.wait_for()
    visit.go(f"{run}?q=CLINIC")
    assert SLIP not in item(page, CLINIC).inner_text()

    page.click("#run-approve")
    page.get_by_text("and you prepared it: somebody else has to look at it and approve it.").wait_for()
    assert page.locator("button:has-text('Approve it')").count() == 0
    visit.shot("month-refused")

    page.context.clear_cookies()
    visit.sign_in(SECOND)
    visit.go(run)
    page.click("#run-approve")
    page.click("button:has-text('Approve it')")
    page.click("#run-finalise")
    page.click("button:has-text('Make them final')")
    page.locator("#run-collect").wait_for(timeout=30_000)
    visit.go(f"{run}?q=CLINIC")
    number = item(page, CLINIC).locator(".rm-badge", has_text="INV-").inner_text()
    assert re.fullmatch(r"INV-\d{6}", number)

    page.click(f"a:has-text('{CLINIC}')")
    page.locator("#lines summary", has_text="Emptying").first.click()
    derived = page.locator("#lines details[open]")
    assert RIGHT in derived.inner_text() and "done" in derived.inner_text().lower()
    visit.shot("month-document")
    document = page.url
    owed = to_be_paid(page)
    with page.expect_download() as downloading:
        page.click("a:has-text('PDF')")
    assert Path(downloading.value.path()).read_bytes().startswith(b"%PDF-")

    page.click("a:has-text('Credit…')")
    page.get_by_text("Lines", exact=True).click()
    page.fill("[name=line_1]", "10.00")
    page.fill("[name=why]", "The yard was closed for two days")
    visit.shot("month-credit")
    page.click("form.rm-card button[type=submit]")
    page.goto(document)
    assert to_be_paid(page) == owed - 1200  # with its tax of 20 %

    page.click("a:has-text('Record a payment')")
    page.fill("[name=amount]", "50.00")
    page.fill("[name=reference]", "Receipt 17")
    page.click("button:has-text('Record it')")
    page.get_by_text(f"50.00 EUR recorded for {number}.").wait_for()
    assert to_be_paid(page) == owed - 1200 - 5000
    import_of_the_bank(visit, tmp_path, number)
    visit.go("/admin/billing/standing/")
    left = owed - 1200 - 5000 - 2000
    assert f"{left // 100}.{left % 100:02}" in page.locator("#ageing-EUR tr", has_text="C-CLINIC").inner_text()


def test_every_page_of_billing_fits_in_light_and_dark_and_on_a_phone(visit: Visit, month: date) -> None:
    page = visit.page
    page.add_init_script(LISTEN)
    visit.sign_in(SECOND)
    pages = {name.replace("/", "-"): f"/admin/billing/{name}/" for name in LISTS}
    for model in ("billingrun", "document", "payment", "bankline", "entry"):
        visit.go(pages[model])
        links = page.locator(f"#result_list tbody a[href*='/billing/{model}/']")
        if links.count():
            pages[f"one-{model}"] = str(links.first.get_attribute("href")).partition("?")[0]
    visit.go("/admin/billing/standing/")
    pages["statement"] = str(page.locator("[id^=ageing] tbody a").first.get_attribute("href"))
    visit.go("/admin/billing/document/?q=CLINIC")  # credited and paid, where the month above was
    links = page.locator("#result_list tbody a[href*='/billing/document/']", has_text="INV-")
    pages["one-invoice"] = str(links.first.get_attribute("href"))
    for name, path in pages.items():
        looked_at(visit, name, path)
