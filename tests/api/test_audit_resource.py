"""/api/v1/audit: who changed what, for admins."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from queues.contract import Actor
from queues.ledger import audit, clock

pytestmark = pytest.mark.django_db
URL = "/api/v1/audit"
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def entries(db: None) -> None:
    ada, ben = Actor("ada", "admin", 1, "10.0.0.1", "r-1"), Actor("ben", "api", 2)
    for minute, (actor, action, kind, label) in enumerate(
        [
            (ada, "definition.create", "definition", "Bill all"),
            (ben, "schedule.pause", "schedule", "Nightly"),
            (ada, "queue.change", "queue", "Billing"),
        ]
    ):
        with clock.frozen(NOON + timedelta(minutes=minute)):
            audit.write(
                actor, action, object_type=kind, object_id=f"{minute}7", object_label=label,
                before={"concurrency": 1}, after={"concurrency": 2}, why="Monday" if minute == 2 else "",
            )  # fmt: skip


@pytest.fixture
def found(as_: Callable[[str], APIClient], entries: None) -> Callable[..., list[str]]:
    return lambda **asked: [each["action"] for each in as_("admin").get(URL, asked).json()["items"]]


def test_the_newest_comes_first_whole(as_: Callable[[str], APIClient], entries: None) -> None:
    first = as_("admin").get(f"{URL}?limit=1").json()
    told = first["items"][0]
    assert (told["actor"], told["action"], told["at"]) == ("ada", "queue.change", "2026-11-23T12:02:00.000Z")
    assert (told["before"], told["after"]) == ({"concurrency": 1}, {"concurrency": 2})
    rest = as_("admin").get(first["next"]).json()
    assert [each["action"] for each in rest["items"]] == ["schedule.pause"]


def test_they_are_found_by_every_filter(found: Callable[..., list[str]]) -> None:
    assert found(actor="ben") == found(source="api") == found(object_type="schedule") == ["schedule.pause"]
    assert found(action="queue.change") == found(text="monday") == found(object_type="queue", object_id="27")
    assert found(since="2026-11-23T12:01:00Z", until="2026-11-23T12:02:00Z") == ["schedule.pause"]
    assert found(text="nightly") == found(text="17") == ["schedule.pause"]
    assert found(actor="carl") == []


def test_personal_data_is_masked(as_: Callable[[str], APIClient], db: None) -> None:
    audit.write(
        Actor("ada", "admin"), "x.change", object_type="x", object_id="1", why="Call +43 660 1234567",
        after={"mail": "jane.doe@example.com"},
    )  # fmt: skip
    told = as_("admin").get(URL).json()["items"][0]
    assert (told["after"], told["why"]) == ({"mail": "j…@example.com"}, "Call …67")


@pytest.mark.parametrize("who", ["manager", "dispatcher", "customer", "driver", "nobody"])
def test_it_is_for_admins(as_: Callable[[str], APIClient], who: str) -> None:
    assert as_(who).get(URL).status_code == 403


def test_nobody_writes_it(as_: Callable[[str], APIClient]) -> None:
    for method in ("post", "put", "patch", "delete"):
        answer: Any = getattr(as_("admin"), method)(URL, {}, format="json")
        assert answer.status_code == 405
