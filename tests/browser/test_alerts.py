"""An alert in a browser: a line is set, the watch opens the alert, it is acknowledged, and it leads to its mute."""

from __future__ import annotations

import pytest

from .conftest import Visit

pytestmark = pytest.mark.browser
SMALL = {
    "/admin/queues/alert/": "alerts-phone",
    "/admin/queues/alertoverride/": "lines-phone",
    "/admin/": "dashboard-phone",
}


def test_an_alert_opens_is_acknowledged_and_muted(visit: Visit) -> None:
    page = visit.page
    visit.sign_in("admin")
    page.click("a:has-text('Alerts')")
    visit.shot("alerts-none")
    page.click("a:has-text('Lines and mutes')")
    visit.go("/admin/queues/alertoverride/add/")
    page.select_option("[name=rule]", "worker_memory")
    page.fill("[name=warning]", "1")
    page.fill("[name=reason]", "To see an alert")
    visit.shot("alert-line-form")
    page.click("button[name=_save]")
    page.wait_for_url("**/admin/queues/alertoverride/")
    visit.shot("alert-lines")

    visit.go("/admin/")  # the first page is polled: the alert comes by itself
    alert = page.locator("#dashboard a:has-text('Worker memory')").first
    alert.wait_for(timeout=60_000)
    visit.shot("dashboard-alert")
    alert.click()
    page.wait_for_url("**/admin/queues/alert/*/change/")
    page.click("a:has-text('Acknowledge')")
    page.fill("[name=why]", "It is only a test")
    visit.shot("alert-acknowledge")
    page.click("button:has-text('I am on it')")
    assert page.get_by_text("It is only a test", exact=True).is_visible()
    visit.shot("alert")
    page.click("a:has-text('Line or mute')")
    assert page.input_value("[name=warning]") == "1.0"
    page.fill("[name=muted_until]", "2036-01-01T00:00:00")
    page.click("button[name=_save]")

    visit.go("/admin/queues/alert/")
    assert page.get_by_text("Muted until").is_visible()
    visit.shot("alerts")
    page.set_viewport_size({"width": 390, "height": 844})
    for path, name in SMALL.items():
        visit.go(path)
        visit.shot(name)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390, f"the page {path} is {wide} wide on a phone"
