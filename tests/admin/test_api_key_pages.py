"""API keys in the admin: for admins, shown once, with a reason, audited."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from queues.ledger import api_keys
from queues.models import ApiKey, AuditEntry

LIST = "/admin/queues/apikey/"


@pytest.fixture
def form(user: Callable[[str], User]) -> dict[str, Any]:
    return {
        "name": "Gate",
        "owner": user("manager").pk,
        "actions": ["read", "stats"],
        "queues": ["billing"],
        "why": "Scale",
    }


def text_on(page: str) -> str:
    found = re.search(r'id="api-key">(rm_[^<]+)<', page)
    assert found
    return found[1]


@pytest.mark.parametrize(("role", "status"), [("admin", 200), ("manager", 403), ("dispatcher", 403)])
def test_keys_are_for_admins(as_: Callable[[str], Client], form: dict[str, Any], role: str, status: int) -> None:
    browser = as_(role)
    assert [browser.get(page).status_code for page in (LIST, f"{LIST}add/")] == [status] * 2
    assert browser.post(f"{LIST}add/", form).status_code == status
    assert ApiKey.objects.exists() is (status == 200)
    if status == 403:
        as_("admin").post(f"{LIST}add/", form)
        key = ApiKey.objects.get()
        pages = [f"{LIST}{key.pk}/{verb}/" for verb in ("change", "rotate", "revoke")]
        assert [browser.get(page).status_code for page in pages] == [403] * 3


def test_a_new_key_is_shown_once_and_opens_the_api(as_: Callable[[str], Client], form: dict[str, Any]) -> None:
    browser = as_("admin")
    answer = browser.post(f"{LIST}add/", form)
    text = text_on(answer.content.decode())
    assert "no-store" in answer["Cache-Control"]
    assert Client().get("/api/v1/queue/stats", headers={"X-API-Key": text}).status_code == 200
    key, secret = ApiKey.objects.get(), api_keys.split(text)[1]  # type: ignore[index]
    for page in (LIST, f"{LIST}{key.pk}/change/", "/admin/queues/auditentry/"):
        shown = browser.get(page).content.decode()
        assert secret not in shown and key.digest not in shown
    assert f"rm_{key.prefix}_…" in browser.get(LIST).content.decode()


def test_a_new_secret_is_shown_once_and_the_old_one_is_refused(
    as_: Callable[[str], Client], form: dict[str, Any]
) -> None:
    browser = as_("admin")
    old = text_on(browser.post(f"{LIST}add/", form).content.decode())
    page = f"{LIST}{ApiKey.objects.get().pk}/rotate/"
    assert "Say why" in browser.post(page, {"why": ""}).content.decode()
    new = text_on(browser.post(page, {"why": "Leaked"}).content.decode())
    asked = [Client().get("/api/v1/queue/stats", headers={"X-API-Key": text}).status_code for text in (old, new)]
    assert asked == [401, 200]


def test_a_revoked_key_is_refused_and_stays_in_the_list(as_: Callable[[str], Client], form: dict[str, Any]) -> None:
    browser = as_("admin")
    text = text_on(browser.post(f"{LIST}add/", form).content.decode())
    key = ApiKey.objects.get()
    told = browser.post(f"{LIST}{key.pk}/revoke/", {"why": "Sold"}, follow=True).content.decode()
    assert "is revoked" in told and ">Revoked<" in told
    assert Client().get("/api/v1/queue/stats", headers={"X-API-Key": text}).status_code == 401
    assert "revoked already" in browser.post(f"{LIST}{key.pk}/revoke/", {"why": "Again"}).content.decode()
    assert "make a new one" in browser.post(f"{LIST}{key.pk}/rotate/", {"why": "Again"}).content.decode()
    assert list(AuditEntry.objects.order_by("id").values_list("action", "why")) == [
        ("api_key.create", "Scale"), ("api_key.revoke", "Sold"),
    ]  # fmt: skip


def test_what_cannot_be_made_is_said_beside_its_field(as_: Callable[[str], Client], form: dict[str, Any]) -> None:
    page = as_("admin").post(f"{LIST}add/", {**form, "actions": ["administer"]}).content.decode()
    assert "manager may administer on none of these queues" in page
    assert not ApiKey.objects.exists()


def test_a_key_is_neither_changed_nor_deleted(as_: Callable[[str], Client], form: dict[str, Any]) -> None:
    browser = as_("admin")
    browser.post(f"{LIST}add/", form)
    key = ApiKey.objects.get()
    browser.post(f"{LIST}{key.pk}/change/", {**form, "actions": ["administer"]})
    assert browser.post(f"{LIST}{key.pk}/delete/", {"why": "x"}).status_code == 403
    key.refresh_from_db()
    assert key.actions == ["read", "stats"]
