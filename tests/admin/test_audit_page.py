"""The audit log's pages: found by anything, masked, sealed, and taken along as a file."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext

from queues.contract import Actor
from queues.ledger import audit, clock
from queues.ledger.seals import Sealer
from queues.models import AuditEntry, AuditSeal

LIST = "/admin/queues/auditentry/"
CSV, LINES = f"{LIST}export/csv/", f"{LIST}export/jsonl/"


def entry(who: str = "ada", action: str = "queue.change", **values: Any) -> AuditEntry:
    source = values.pop("source", "admin")
    actor = Actor(label=who, source=source, user_id=7, address="10.0.0.7", request_id=values.pop("request_id", "r-1"))
    told: dict[str, Any] = {"object_type": "queue", "object_id": "billing", "object_label": "Billing", **values}
    audit.write(actor, action, **told)
    return AuditEntry.objects.latest("id")


@pytest.fixture
def personal(db: None) -> AuditEntry:
    return entry(
        "bob", "user.change", object_type="user", object_id="7", object_label="maria@example.com", source="api",
        before={"email": "maria@example.com", "limit": 1}, after={"phone": "+43 660 1234567", "limit": 2},
        why="Asked by joe@example.org", request_id="r-77",
    )  # fmt: skip


@pytest.fixture
def trusted(user: Callable[[str], User]) -> None:
    """The admin may see personal data."""
    user("admin").user_permissions.add(Permission.objects.get(codename="see_unmasked_audit"))


def text(answer: Any) -> str:
    return (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode()


def shown(browser: Client, **query: str) -> set[str]:
    """The actors whose entries the list shows."""
    answer: Any = browser.get(LIST, query)
    assert answer.status_code == 200
    return {row.actor for row in answer.context["cl"].result_list}


@pytest.mark.parametrize(("role", "status"), [("admin", 200), ("manager", 403), ("dispatcher", 403), ("customer", 302)])
def test_all_of_it_is_for_administrators(as_: Any, personal: AuditEntry, role: str, status: int) -> None:
    browser = as_(role)
    for page in (LIST, f"{LIST}{personal.pk}/change/", CSV, LINES):
        assert browser.get(page).status_code == status
    assert browser.get(f"{LIST}export/xls/").status_code == (404 if status == 200 else status)


@pytest.mark.parametrize(
    "query",
    [
        {"actor": "bob"}, {"deed": "user.change"}, {"type": "user"}, {"from": "api"}, {"q": "bob"}, {"q": "r-77"},
        {"q": "user.change"}, {"q": "JOE@example"}, {"q": "660 1234567"}, {"q": "maria phone"}, {"q": "7"},
    ],
)  # fmt: skip
def test_an_entry_is_found_by(as_: Any, personal: AuditEntry, query: dict[str, str]) -> None:
    entry("ada")
    assert shown(as_("admin")) == {"ada", "bob"} and shown(as_("admin"), **query) == {"bob"}


def test_days_are_included_at_both_ends_in_the_viewers_zone(as_: Any) -> None:
    now = clock.now()
    with clock.frozen(now - timedelta(days=3)):
        entry("old")
    entry("new")
    browser = as_("admin")
    day, before = f"{now:%Y-%m-%d}", f"{now - timedelta(days=3):%Y-%m-%d}"
    assert shown(browser, at_from=day) == {"new"} and shown(browser, at_to=before) == {"old"}
    assert shown(browser, at_from=before, at_to=day) == {"old", "new"}
    assert shown(browser, at_from="soon") == {"old", "new"}


def test_the_list_tells_what_is_sealed_and_hides_personal_data(as_: Any, personal: AuditEntry) -> None:
    Sealer().round()
    entry("later", why="Nobody knows")
    page = as_("admin").get(LIST).content.decode()
    assert f"Sealed up to <code>{AuditSeal.objects.get()}" in page and "not yet" in page
    assert "m…@example.com" in page and "j…@example.org" in page
    assert "maria@" not in page and "joe@" not in page


def test_the_list_takes_as_many_queries_for_many_entries_as_for_few(
    as_: Any, personal: AuditEntry, django_assert_num_queries: Any
) -> None:
    browser = as_("admin")
    browser.get(LIST)
    with CaptureQueriesContext(connection) as few:
        browser.get(LIST)
    for number in range(30):
        entry(f"who{number}")
    Sealer().round()
    with django_assert_num_queries(len(few)):
        browser.get(LIST)


class TestAnEntry:
    def page(self, browser: Client, entry: AuditEntry, query: str = "") -> tuple[int, str]:
        answer = browser.get(f"{LIST}{entry.pk}/change/{query}")
        return answer.status_code, answer.content.decode()

    def test_before_and_after_are_told_masked_beside_the_seal(self, as_: Any, personal: AuditEntry) -> None:
        browser = as_("admin")
        code, page = self.page(browser, personal)
        assert code == 200 and "not yet" in page and "Personal data is masked." in page and "Show it" not in page
        assert "m…@example.com" in page and "…67" in page and "maria@" not in page and "1234567" not in page
        Sealer().round()
        assert AuditSeal.objects.get().digest in self.page(browser, personal)[1]

    def test_unmasked_it_is_shown_to_whom_it_was_given_and_that_is_entered(
        self, as_: Any, personal: AuditEntry, trusted: None
    ) -> None:
        browser = as_("admin")
        assert "Show it" in self.page(browser, personal)[1]
        code, page = self.page(browser, personal, "?unmasked=1")
        assert code == 200 and "maria@example.com" in page and "+43 660 1234567" in page and "masked" not in page
        seen = AuditEntry.objects.latest("id")
        assert (seen.action, seen.actor, seen.object_id) == ("audit.unmask", "admin", str(personal.pk))

    def test_unmasked_it_is_refused_to_others(self, as_: Any, personal: AuditEntry) -> None:
        assert self.page(as_("admin"), personal, "?unmasked=1")[0] == 403
        assert as_("admin").get(f"{CSV}?unmasked=1").status_code == 403
        assert AuditEntry.objects.count() == 1

    def test_what_holds_no_personal_data_hides_nothing(self, as_: Any) -> None:
        assert "masked" not in self.page(as_("admin"), entry(after={"limit": 3}))[1]


class TestAnExport:
    def test_it_is_of_what_the_filters_leave_and_is_entered(self, as_: Any, personal: AuditEntry) -> None:
        entry("ada")
        Sealer().round()
        browser = as_("admin")
        page: Any = browser.get(LIST, {"actor": "bob", "p": "1"})
        addresses = dict(page.context["exports"])
        assert addresses == {"Export CSV": f"{CSV}?actor=bob", "Export JSON lines": f"{LINES}?actor=bob"}
        answer = browser.get(addresses["Export CSV"])
        assert "no-store" in answer["Cache-Control"] and answer["Content-Type"].startswith("text/csv")
        assert answer["Content-Disposition"].startswith('attachment; filename="audit-2')
        (row,) = csv.DictReader(StringIO(text(answer)))
        assert (row["actor"], row["object_label"], row["seal"]) == ("bob", "m…@example.com", "1")
        assert json.loads(row["after"]) == {"phone": "…67", "limit": 2}
        told = AuditEntry.objects.latest("id")
        assert (told.action, told.actor) == ("audit.export", "admin")
        assert told.after == {"format": "csv", "masked": True, "filters": {"actor": "bob"}}

    def test_unmasked_json_lines_for_whom_it_was_given(self, as_: Any, personal: AuditEntry, trusted: None) -> None:
        (line,) = text(as_("admin").get(f"{LINES}?unmasked=1&q=r-77")).splitlines()
        assert json.loads(line)["before"] == {"email": "maria@example.com", "limit": 1}
        assert AuditEntry.objects.latest("id").after["masked"] is False

    @pytest.mark.django_db(transaction=True)
    def test_under_asgi_it_comes_piece_by_piece(
        self, user: Callable[[str], User], personal: AuditEntry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("queues.ledger.audit_export.CHUNK", 2)
        for number in range(5):
            entry(f"who{number}")
        someone = user("admin")

        async def ask() -> list[bytes]:
            browser = AsyncClient()
            await browser.aforce_login(someone)
            answer: Any = await browser.get(LINES)
            assert answer.is_async
            return [piece async for piece in answer.streaming_content]

        pieces = async_to_sync(ask)()
        assert [piece.count(b"\n") for piece in pieces] == [2, 2, 2]


def test_the_permission_is_given_by_an_administrator_and_audited(as_: Any, user: Callable[[str], User]) -> None:
    someone, permission = user("manager"), Permission.objects.get(codename="see_unmasked_audit")
    other = Permission.objects.get(codename="add_user")
    someone.user_permissions.add(other)
    page = as_("admin").get(f"/admin/auth/user/{someone.pk}/change/").content.decode()
    assert "See personal data in the audit log" in page and "Can add user" not in page
    form = {"username": "manager", "is_active": "on", "is_staff": "on", "groups": [someone.groups.get().pk]}
    as_("admin").post(f"/admin/auth/user/{someone.pk}/change/", {**form, "user_permissions": [permission.pk]})
    told = AuditEntry.objects.get()
    assert (told.before, told.after) == ({"extra": []}, {"extra": ["see_unmasked_audit"]})
    assert set(someone.user_permissions.all()) == {permission, other}
