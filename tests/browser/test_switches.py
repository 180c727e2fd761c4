"""A switch thrown in a browser: asked first, in force at once, told on the queues' page, and put back."""

from __future__ import annotations

import pytest

from .conftest import Visit

pytestmark = pytest.mark.browser


def test_a_switch_is_thrown_and_put_back(visit: Visit) -> None:
    page = visit.page
    visit.sign_in("admin")
    page.click("a:has-text('Switches')")
    card = page.locator("#switch-optimization")
    assert card.get_by_text("On", exact=True).is_visible()
    visit.shot("switches")
    card.get_by_text("Switch off").click()
    page.fill("[name=why]", "Losses are suspected since this morning's deployment")
    visit.shot("switch-off")
    page.click("button:has-text('Switch it off')")
    page.wait_for_url("**/admin/queues/switch/")
    assert card.get_by_text("Off", exact=True).is_visible()
    visit.shot("switches-off")
    visit.go("/admin/queues/queue/")
    assert page.get_by_text("The plain settings are in force").is_visible()
    visit.shot("queues-plain")
    page.set_viewport_size({"width": 390, "height": 844})
    visit.shot("queues-plain-phone")
    visit.go("/admin/queues/switch/")
    visit.shot("switches-phone")
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390, f"the page is {wide} wide on a phone"
    page.set_viewport_size({"width": 1360, "height": 900})
    page.evaluate("document.documentElement.classList.add('dark')")
    visit.shot("switches-dark")
    card.get_by_text("As the environment says").click()
    page.fill("[name=why]", "It was the network")
    page.click("button:has-text('Leave it to the environment')")
    page.wait_for_url("**/admin/queues/switch/")
    assert card.get_by_text("On", exact=True).is_visible()
