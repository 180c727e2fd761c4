"""The second factor: set up and removed by oneself, asked for at the login and by the API, audited, never told."""

from __future__ import annotations

import io
import re
import time
from base64 import b32decode
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from queues.encryption import is_sealed
from queues.ledger import second_factor
from queues.models import AuditEntry

PAGE = "/admin/second-factor/"
PASSWORD = "a-long-password-7"


@pytest.fixture
def person(user: Callable[[str], User]) -> User:
    found = user("manager")
    found.set_password(PASSWORD)
    found.save()
    return found


@pytest.fixture
def browser(person: User) -> Client:
    found = Client()
    found.force_login(person)
    return found


def code(key: bytes, steps: int = 0) -> str:
    """What an application would show, so many times thirty seconds from now. A code counts once, so tests need several."""
    made = TOTP(key)
    made.time = time.time() + 30 * steps
    return f"{made.token():06d}"


def forgive() -> None:
    """As after the second that the library lets nobody try again in."""
    for devices in (TOTPDevice, StaticDevice):
        devices.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)


def key_on(page: str) -> bytes:
    found = re.search(r'id="totp-key">([A-Z2-7 ]+)<', page)
    assert found
    return b32decode(found[1].replace(" ", ""))


def set_up(browser: Client) -> tuple[bytes, list[str]]:
    """The key, and the backup codes."""
    key = key_on(browser.get(PAGE).content.decode())
    page = browser.post(PAGE, {"code": code(key)}).content.decode()
    found = re.search(r'id="backup-codes">([^<]+)<', page)
    assert found
    return key, found[1].split()


def log_in(otp: str = "", password: str = PASSWORD) -> Any:
    return Client().post("/admin/login/?next=/admin/", {"username": "manager", "password": password, "otp": otp})


def api(**more: str) -> Any:
    body = {"username": "manager", "password": PASSWORD, **more}
    return Client().post("/api/token/", body, content_type="application/json")


def test_it_is_set_up_with_a_picture_drawn_here_and_a_first_code(browser: Client, person: User) -> None:
    answer = browser.get(PAGE)
    page = answer.content.decode()
    assert "<svg" in page and "no-store" in answer["Cache-Control"]
    assert not re.search(r"https?://[^\"' ]*(chart|qr)", page)
    assert "This is not the code" in browser.post(PAGE, {"code": "000000"}).content.decode()
    assert not TOTPDevice.objects.filter(confirmed=True).exists()
    forgive()
    _, codes = set_up(browser)
    assert len(codes) == 10 == len(set(codes))
    assert "On</span>" in browser.get(PAGE).content.decode()
    assert AuditEntry.objects.get().action == "user.second_factor.add"


def test_from_then_on_the_login_takes_a_code_and_each_code_once(browser: Client, person: User) -> None:
    key, _ = set_up(browser)
    assert log_in().status_code == 200
    assert log_in("123").status_code == 200
    forgive()
    now = code(key, 1)
    assert log_in(now).status_code == 302
    assert log_in(now).status_code == 200


def test_a_backup_code_signs_in_once(browser: Client, person: User) -> None:
    _, codes = set_up(browser)
    assert log_in(codes[0].upper()).status_code == 302
    forgive()
    assert log_in(codes[0]).status_code == 200


def test_a_missing_code_looks_like_a_wrong_password_and_counts_like_one(browser: Client, person: User) -> None:
    set_up(browser)

    def errors(page: bytes) -> str:
        told = page.decode().split("<form", 1)[0].split("</head>")[-1]
        return re.sub(r'nonce="[^"]+"', "", told)  # which is each answer's own

    assert errors(log_in().content) == errors(log_in(password="wrong").content)
    assert [log_in().status_code for _ in range(3)] == [200, 200, 429]


def test_the_api_takes_it_as_otp(browser: Client, person: User) -> None:
    key, codes = set_up(browser)
    for wrong in ({}, {"otp": ""}, {"otp": "000000"}):
        answer = api(**wrong)
        assert (answer.status_code, answer.json()["code"]) == (401, "no_active_account")
    forgive()
    assert set(api(otp=code(key, 1)).json()) == {"access", "refresh"}
    assert set(api(otp=codes[1]).json()) == {"access", "refresh"}


def test_an_account_without_one_needs_no_code_and_may_send_any(person: User) -> None:
    assert log_in().status_code == 302
    assert log_in("123456").status_code == 302
    assert api().status_code == api(otp="123456").status_code == 200


def test_it_is_removed_with_a_code_and_audited(browser: Client, person: User) -> None:
    key, _ = set_up(browser)
    assert "was used before" in browser.post(f"{PAGE}remove/", {"code": "000000"}).content.decode()
    assert TOTPDevice.objects.filter(confirmed=True).exists()
    forgive()
    assert browser.post(f"{PAGE}remove/", {"code": code(key, 1)}).status_code == 302
    assert not TOTPDevice.objects.exists()
    assert log_in().status_code == 302
    assert [e.action for e in AuditEntry.objects.order_by("id")] == [
        "user.second_factor.add",
        "user.second_factor.remove",
    ]


def test_neither_key_nor_codes_are_in_the_audit_log(browser: Client, person: User) -> None:
    key, codes = set_up(browser)
    told = str(list(AuditEntry.objects.values()))
    assert not any(each in told for each in (*codes, TOTPDevice.objects.get().key, key.hex()))


def test_who_reads_the_tables_learns_neither_key_nor_codes(browser: Client, person: User) -> None:
    key, codes = set_up(browser)
    kept = TOTPDevice.objects.get().key
    assert is_sealed(kept) and len(kept) <= 80 and key.hex() not in kept
    stored = set(StaticToken.objects.values_list("token", flat=True))
    assert len(stored) == len(codes) and not stored & set(codes)


def test_devices_from_before_are_sealed_by_the_migration_and_go_on(browser: Client, person: User) -> None:
    key = bytes(range(20))
    TOTPDevice.objects.create(user=person, confirmed=True, key=key.hex())
    box = StaticDevice.objects.create(user=person, confirmed=True)
    StaticToken.objects.create(device=box, token="abcd2345")
    import_module("queues.migrations.0010_second_factor_sealed").seal(apps, None)
    assert is_sealed(TOTPDevice.objects.get().key)
    assert second_factor.passes(person, code(key)) and second_factor.passes(person, "ABCD 2345")
    forgive()
    assert not second_factor.passes(person, "abcd2345")  # it works once


def test_a_new_encryption_key_takes_the_authenticator_along(browser: Client, person: User, settings: Any) -> None:
    key, _ = set_up(browser)
    settings.ENCRYPTION_KEYS = ["n" * 40, *settings.ENCRYPTION_KEYS]
    call_command("reseal", stdout=io.StringIO())
    settings.ENCRYPTION_KEYS = ["n" * 40]
    forgive()
    assert second_factor.passes(person, code(key, 1))


def test_where_it_is_required_staff_see_nothing_but_the_page_to_set_it_up(
    browser: Client, person: User, settings: Any
) -> None:
    settings.STAFF_TOTP_REQUIRED = True
    for page in ("/admin/", "/admin/queues/run/", "/admin/rq/"):
        answer = browser.get(page)
        assert (answer.status_code, answer["Location"]) == (302, PAGE), page
    assert "Set it up to go on" in browser.get(PAGE).content.decode()
    set_up(browser)
    assert browser.get("/admin/queues/run/").status_code == 200


def test_it_is_not_required_unless_the_setting_says_so(browser: Client) -> None:
    assert browser.get("/admin/queues/run/").status_code == 200


def test_other_peoples_keys_have_no_page(client: Client, db: None) -> None:
    client.force_login(User.objects.create_superuser("root", password="x"))
    for page in ("/admin/otp_totp/totpdevice/", "/admin/otp_static/staticdevice/", "/admin/axes/accessattempt/"):
        assert client.get(page).status_code == 404, page


def test_strangers_are_led_to_the_login(client: Client, db: None) -> None:
    for page in (PAGE, f"{PAGE}remove/"):
        answer = client.get(page)
        assert answer.status_code == 302 and answer["Location"].startswith("/admin/login/")


def test_the_command_removes_it_of_somebody_who_lost_it(browser: Client, person: User) -> None:
    set_up(browser)
    call_command("second_factor", "remove", "manager", reason="Lost in the river", stdout=io.StringIO())
    assert log_in().status_code == 302
    entry = AuditEntry.objects.order_by("-id")[0]
    assert (entry.action, entry.why, entry.source) == ("user.second_factor.remove", "Lost in the river", "command")
    with pytest.raises(CommandError, match="no second factor"):
        call_command("second_factor", "remove", "manager", reason="Again")
