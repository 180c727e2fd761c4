"""Prices in a browser: rules as cards, a new one without a round trip, what it would have cost, and stored from a day on."""

from __future__ import annotations

import pytest

from .conftest import Visit
from .test_content_security import LISTEN

pytestmark = pytest.mark.browser
LISTS = (
    "customer",
    "site",
    "contract",
    "service",
    "stay",
    "coupon",
    "pricelist",
    "visit",
    "taxrate",
    "fuelindex",
    "holidaycalendar",
    "seller",
)
# Without which element the page would not be too wide: the innermost ones.
BEYOND = """width => {
    const root = document.documentElement, forced = new Set();
    for (const e of document.querySelectorAll('#main *')) {
        const display = e.style.display;
        e.style.display = 'none';
        if (root.scrollWidth <= width) forced.add(e);
        e.style.display = display;
    }
    return [...forced].filter(e => ![...e.children].some(c => forced.has(c)))
        .map(e => `${e.tagName} ${e.id || e.name || e.className} ${Math.round(e.getBoundingClientRect().width)}`);
}"""


def test_prices_are_changed_with_what_it_would_have_cost_in_sight(visit: Visit) -> None:
    page = visit.page
    page.add_init_script(LISTEN)
    assert visit.demo.beside("shell", "-c", "from tests.billing.scene import fill; fill()").wait(60) == 0
    visit.sign_in("admin")
    visit.go("/admin/billing/pricelist/")
    page.click('#result_list a:text-is("CITY")')
    visit.shot("prices-list")
    page.click("text=New prices from a day")
    page.fill("[name=valid_from]", "2026-12-01")
    page.fill("[name=r1-amount]", "19.90")
    page.fill("[name=r4-included_t]", "0.3")
    page.select_option("#id_kind", "minimum")
    page.click("button[data-do=add]")
    card = page.locator("[data-rule]").last
    assert card.locator("[name$=-code]").input_value() == "minimum"
    card.locator("[name$=-amount]").fill("120")
    card.get_by_text("Emptying", exact=True).check()
    page.locator("[data-rule='0'] [name=r0-title]").fill("Monthly fee")
    page.locator("[data-rule='0'] [name=r0-title]").blur()
    assert card.get_by_text("Monthly fee", exact=True).is_visible()
    card.get_by_label("Move up").click()
    visit.shot("prices-editor")
    page.select_option("#id_month", "2026-10")
    page.click("text=Work it out")
    page.locator("#what-if .rm-words").wait_for()
    visit.shot("prices-what-if")
    assert "contracts would have paid another amount" in page.inner_text("#what-if")
    assert page.input_value("[name=r1-amount]") == "19.90"
    path = page.url.removeprefix(visit.demo.address).partition("#")[0]
    for scheme in ("light", "dark"):
        page.evaluate(f"document.documentElement.classList.toggle('dark', {str(scheme == 'dark').lower()})")
        for width in (1360, 390):
            page.set_viewport_size({"width": width, "height": 900})
            visit.shot(f"prices-what-if-{scheme}-{width}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_viewport_size({"width": 1360, "height": 900})
    page.fill("[name=r1-amount]", "cheap")
    page.click("text=Store these prices")
    page.get_by_text("Give a number, like 12.50.").wait_for()
    visit.shot("prices-wrong")
    page.fill("[name=r1-amount]", "19.90")
    page.click("text=Store these prices")
    page.get_by_text("Emptying: amount 18.50 → 19.90").wait_for()
    visit.shot("prices-stored")
    pages = [f"/admin/billing/{each}/" for each in LISTS]
    visit.go("/admin/billing/contract/")
    pages.append(str(page.locator("#result_list a[href*='/contract/']").first.get_attribute("href")))
    visit.go("/admin/billing/customer/")
    pages.append(str(page.locator("#result_list a[href*='/customer/']").first.get_attribute("href")))
    visit.go("/admin/billing/visit/")
    pages.append(str(page.locator("#result_list a[href*='/visit/']").first.get_attribute("href")))
    pages += [
        "/admin/billing/holidaycalendar/1/change/",
        "/admin/billing/service/1/change/",
        "/admin/billing/jurisdiction/1/change/",
        path,
    ]
    for scheme, width in (("light", 1360), ("dark", 1360), ("light", 390)):
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("s => localStorage.setItem('adminTheme', JSON.stringify(s))", scheme)
        for each in pages:
            visit.go(each)
            name = each.strip("/").removeprefix("admin/billing/").replace("/", "-").partition("?")[0]
            visit.shot(f"billing-{name}-{scheme}-{width}")
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{each} is {wide} wide on {width}: {page.evaluate(BEYOND, width)}"
