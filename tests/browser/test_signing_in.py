"""The login, a second factor set up and used, and a machine's key, in a browser on the running demo."""

from __future__ import annotations

import time
from base64 import b32decode

import pytest
from django_otp.oath import TOTP

from .conftest import Visit

pytestmark = pytest.mark.browser


def code(key: str, steps: int) -> str:
    """What an authenticator application shows, so many times thirty seconds from now."""
    made = TOTP(b32decode(key.replace(" ", "")))
    made.time = time.time() + 30 * steps
    return f"{made.token():06d}"


def in_every_dress(visit: Visit, name: str) -> None:
    """Light and dark, wide and on a telephone."""
    for dress in ("light", "dark"):
        visit.page.evaluate("dark => document.documentElement.classList.toggle('dark', dark)", dress == "dark")
        for width, words in ((1360, ""), (390, "-phone")):
            visit.page.set_viewport_size({"width": width, "height": 844})
            visit.page.wait_for_timeout(150)
            wide = visit.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{name} is {wide} px too wide at {width}"
            visit.shot(f"{name}-{dress}{words}")
    visit.page.evaluate("document.documentElement.classList.remove('dark')")
    visit.page.set_viewport_size({"width": 1360, "height": 900})


def test_a_second_factor_is_set_up_used_and_removed(visit: Visit) -> None:
    page = visit.page
    visit.go("/admin/login/?next=/admin/")
    in_every_dress(visit, "login")
    page.fill("[name=username]", "manager")
    page.fill("[name=password]", "wrong")
    page.click("button[type=submit]")
    page.get_by_text("This is not right").first.wait_for()
    visit.shot("login-wrong")

    visit.sign_in("manager")
    visit.go("/admin/second-factor/")
    key = page.inner_text("#totp-key")
    assert page.locator(".rm-qr svg").bounding_box()["width"] > 150  # type: ignore[index]
    in_every_dress(visit, "second-factor-add")
    page.fill("[name=code]", code(key, 0))
    page.click("text=Set it up")
    page.locator("#backup-codes").wait_for()
    in_every_dress(visit, "second-factor-codes")
    backup = page.inner_text("#backup-codes").split()

    page.context.clear_cookies()
    visit.go("/admin/login/?next=/admin/")
    page.fill("[name=username]", "manager")
    page.fill("[name=password]", visit.demo.password)
    page.fill("[name=otp]", code(key, 1))
    page.click("button[type=submit]")
    page.wait_for_url("**/admin/")

    visit.go("/admin/second-factor/remove/")
    page.fill("[name=code]", backup[0])
    page.click("button.rm-danger")
    page.get_by_text("the password alone signs you in").wait_for()


def test_a_machines_key_is_made_and_shown_once(visit: Visit) -> None:
    page = visit.page
    visit.sign_in("admin")
    visit.go("/admin/queues/apikey/add/")
    page.fill("[name=name]", "Depot gate")
    page.select_option("[name=owner]", label="manager")
    page.check("[name=actions][value=read]")
    page.check("[name=actions][value=stats]")
    page.check("[name=queues][value=billing]")
    in_every_dress(visit, "api-key-form")
    page.click("text=Make the key")
    text = page.inner_text("#api-key")
    in_every_dress(visit, "api-key-secret")
    answer = page.request.get(f"{visit.demo.address}/api/v1/queue/stats", headers={"X-API-Key": text})
    assert answer.status == 200
    page.click("text=I have it")
    page.get_by_text("Depot gate").first.wait_for()
    in_every_dress(visit, "api-keys")
    page.get_by_text("Depot gate").first.click()
    page.get_by_text("What it may do").wait_for()
    in_every_dress(visit, "api-key")
