"""A webhook made in a browser: its secret shown once, a test that arrives signed, and what came of it."""

from __future__ import annotations

import time

import pytest

from tests.engine.receiver import Receiver, receiving

from .conftest import Visit

pytestmark = pytest.mark.browser


def test_a_webhook_is_made_tested_and_its_message_looked_at(visit: Visit) -> None:
    page = visit.page
    visit.sign_in("admin")
    with receiving(Receiver()) as receiver:
        visit.go("/admin/queues/webhookendpoint/")
        visit.shot("webhooks-empty")
        visit.go("/admin/queues/webhookendpoint/add/")
        page.fill("[name=url]", receiver.url)
        page.fill("[name=description]", "Dead letters to the duty phone")
        for label in ("A run failed for good: a dead letter", "A run was cancelled", "Billing", "Route optimisation"):
            page.locator("form").get_by_text(label, exact=True).last.click()
        visit.shot("webhook-add")
        page.click("button:has-text('Make the webhook')")
        secret = page.inner_text("#webhook-secret")
        visit.shot("webhook-secret")
        page.click("text=I have it")
        visit.shot("webhook")
        assert secret.startswith("whsec_") and secret not in page.content()
        page.click("a:has-text('Send a test')")
        visit.shot("webhook-test")
        page.click("button:has-text('Send a test')")
        end = time.monotonic() + 20
        while not receiver.seen:
            assert time.monotonic() < end, "the test did not arrive"
            time.sleep(0.1)
        assert receiver.seen[0].verified(secret)["type"] == "webhook.test"
        receiver.usual = 503
        page.click("a:has-text('Send a test')")
        page.click("button:has-text('Send a test')")
        while len(receiver.seen) < 2:
            assert time.monotonic() < end, "the second test did not arrive"
            time.sleep(0.1)
        page.click("a:has-text('Deliveries')")
        while "It answered 503." not in page.content():
            assert time.monotonic() < end, "what came of it is not told"
            page.reload()
    visit.shot("webhook-deliveries")
    page.locator("a:has-text('webhook.test')").first.click()
    page.locator("summary").first.click()
    visit.shot("webhook-delivery")
    pages = ("webhookendpoint/", "webhookendpoint/add/", "webhookdelivery/")
    paths = [*(f"/admin/queues/{each}" for each in pages), page.url.removeprefix(visit.demo.address)]
    page.set_viewport_size({"width": 390, "height": 844})
    for number, path in enumerate(paths):
        visit.go(path)
        visit.shot(f"webhooks-phone-{number}")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390, f"{path} is {wide} wide on a phone"
    page.set_viewport_size({"width": 1360, "height": 900})
    for number, path in enumerate(paths):
        visit.go(path)
        page.evaluate("document.documentElement.classList.add('dark')")
        visit.shot(f"webhooks-dark-{number}")
