"""/api/v1/workers: who serves the queues, and who did."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from queues.ledger import clock
from queues.ledger.requests import new_id
from queues.models import Worker

pytestmark = pytest.mark.django_db
URL = "/api/v1/workers"


@pytest.fixture
def workers(db: None) -> dict[str, Worker]:
    """One in each state."""
    now = clock.now()
    ends = {
        "running": {}, "stopping": {"stopping_at": now}, "stopped": {"stopping_at": now, "stopped_at": now},
        "lost": {"stopping_at": now, "lost_at": now},
    }  # fmt: skip
    return {
        state: Worker.objects.create(
            id=new_id(), name=f"w-{state}", host="north", pid=7, queues=["billing", "email"], slots=3, busy=1,
            started_at=now - timedelta(hours=1), beat_at=now, rss_mb=80.5, lock_path="/somewhere", **values,
        )
        for state, values in ends.items()
    }  # fmt: skip


def test_each_is_told_with_its_state_the_newest_first(as_: Callable[[str], APIClient], workers: Any) -> None:
    client, seen, url = as_("dispatcher"), [], f"{URL}?limit=3"
    while url:
        page = client.get(url).json()
        seen += page["items"]
        url = page["next"]
    assert [each["name"] for each in seen] == ["w-lost", "w-stopped", "w-stopping", "w-running"]
    assert [each["state"] for each in seen] == ["lost", "stopped", "stopping", "running"]
    assert seen[0]["queues"] == ["billing", "email"] and "lock_path" not in seen[0]


@pytest.mark.parametrize("state", ["running", "stopping", "stopped", "lost"])
def test_they_are_found_by_state_queue_and_host(as_: Callable[[str], APIClient], workers: Any, state: str) -> None:
    names = lambda **asked: [each["name"] for each in as_("admin").get(URL, asked).json()["items"]]  # noqa: E731
    assert names(state=state) == names(state=state, queue="email", host="north") == [f"w-{state}"]
    assert names(queue="reports") == names(host="south") == []


@pytest.mark.parametrize("who", ["customer", "driver", "nobody"])
def test_others_see_nothing(as_: Callable[[str], APIClient], who: str) -> None:
    assert as_(who).get(URL).status_code == 403
