"""Rate limits in the admin: for administrators, proven, audited, taken back with a reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from queues.contract import Actor
from queues.ledger import allowances
from queues.models import Allowance, AuditEntry

LIST, ADD = "/admin/queues/allowance/", "/admin/queues/allowance/add/"
FORM = {"kind": "role", "name": "dispatcher", "bucket": "creation", "count": "60", "per_s": "60", "note": "Mornings"}


@pytest.fixture
def made(db: None, actor: Actor) -> Allowance:
    row = Allowance(kind="key", name="ab12", bucket="general", count=5000, per_s=900, note="The depot's scales")
    Allowance.objects.bulk_create([row])  # whether or not there are API keys in this house
    return Allowance.objects.get()


@pytest.mark.parametrize(("role", "status"), [("admin", 200), ("manager", 403), ("dispatcher", 403), ("customer", 302)])
def test_the_pages_are_for_administrators(
    as_: Callable[[str], Client], role: str, status: int, made: Allowance
) -> None:
    browser = as_(role)
    assert [browser.get(path).status_code for path in (LIST, ADD, f"{LIST}{made.pk}/change/")] == [status] * 3
    assert browser.post(ADD, FORM).status_code == (302 if status == 200 else status)
    assert Allowance.objects.filter(name="dispatcher").exists() == (status == 200)
    assert ("Rate limits" in browser.get("/admin/", follow=True).content.decode()) == (role == "admin")


def test_the_list_says_whose_limit_is_what(as_: Any, made: Allowance) -> None:
    page = as_("admin").get(LIST).content.decode()
    assert "ab12" in page and "5,000 in 15 min" in page and "API key" in page and "The depot&#x27;s scales" in page
    assert "ab12" in as_("admin").get(LIST, {"q": "scales"}).content.decode()


def test_one_is_added_changed_and_taken_back_and_the_audit_log_tells(as_: Any) -> None:
    browser = as_("admin")
    assert browser.post(ADD, FORM).status_code == 302
    row = Allowance.objects.get()
    assert allowances.in_force()["role", "dispatcher", "creation"].limit == 60
    page = f"{LIST}{row.pk}/change/"
    assert browser.post(page, {"count": "90", "per_s": "60", "note": "Mornings", "name": "manager"}).status_code == 302
    row.refresh_from_db()
    assert (row.name, row.count, row.version) == ("dispatcher", 90, 2)
    assert browser.post(f"{LIST}{row.pk}/delete/", {"why": "The season is over"}).status_code == 302
    entries = AuditEntry.objects.order_by("id").values_list("action", "actor", "before", "after", "why")
    assert [entry[0] for entry in entries] == ["allowance.create", "allowance.change", "allowance.delete"]
    assert entries[1][1:4] == ("admin", {"count": 60}, {"count": 90}) and entries[2][4] == "The season is over"
    assert ("role", "dispatcher", "creation") not in allowances.in_force()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"name": "dispatchers"}, "There is no role"),
        ({"kind": "user", "name": "admn"}, "Did you mean"),
        ({"count": "0"}, "greater than or equal to 1"),
        ({"per_s": "90000"}, "less than or equal to 86400"),
    ],
)
def test_what_would_not_work_is_told_in_the_form(as_: Any, change: dict[str, str], told: str) -> None:
    page = as_("admin").post(ADD, {**FORM, **change})
    assert page.status_code == 200 and told in page.content.decode()
    assert not Allowance.objects.exists()


def test_the_same_twice_is_told_in_the_form(as_: Any) -> None:
    browser = as_("admin")
    assert [browser.post(ADD, FORM).status_code for _ in range(2)] == [302, 200]


def test_a_user_is_found_by_name(as_: Any, user: Callable[[str], User]) -> None:
    user("driver")
    assert as_("admin").post(ADD, {**FORM, "kind": "user", "name": "driver"}).status_code == 302
