"""POST queue/billing and its like: a job of the type that the path names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from queues import registry
from queues.api.job_types import TYPES, jobs_of
from queues.contract import Done, JobContext, Outcome
from queues.models import Run
from queues.registry import NoParams

pytestmark = pytest.mark.django_db
BASE = "/api/v1/queue"
As = Callable[[str], APIClient]


def _handle(ctx: JobContext, params: NoParams) -> Outcome:
    return Done()


@pytest.fixture
def sync(jobs: Any, rung: Any) -> Iterator[str]:
    """The only job of data-sync."""
    assert jobs_of("data-sync") == []
    registry.spec("tests.sync", queue="data-sync", params=NoParams, aliases=("tests.old_sync",)).handler(_handle)
    yield "tests.sync"
    registry.forget("tests.sync")


@pytest.mark.parametrize("body", [{}, {"job": "tests.sync"}, {"job": "tests.old_sync", "params": {}}])
def test_the_only_job_of_a_type_need_not_be_named(as_: As, sync: str, body: dict[str, Any]) -> None:
    answer = as_("manager").post(f"{BASE}/data-sync", body, format="json")
    told = answer.json()
    assert (answer.status_code, told["job"], told["queue"]) == (202, sync, "data-sync")
    assert answer["Location"] == told["url"] == f"{BASE}/data-sync/jobs/{told['id']}"


def test_every_option_of_a_request_is_taken(as_: As, sync: str) -> None:
    body = {"at": "2099-01-01T00:00:00+01:00", "priority": 7, "dedupe_key": "d", "why": "a trial"}
    answer = as_("manager").post(f"{BASE}/data-sync", body, format="json")
    assert answer.status_code == 422  # five years ahead at most
    told = as_("manager").post(f"{BASE}/data-sync", {**body, "at": None}, format="json").json()
    assert (told["priority"], told["dedupe_key"]) == (7, "d")


def test_of_several_one_must_be_named(as_: As, jobs: Any, rung: Any) -> None:
    answer = as_("admin").post(f"{BASE}/maintenance", {}, format="json")
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["field"], error["code"]) == (422, "job", "required")
    assert "queues.clean_history" in error["message"]
    body = {"job": "queues.clean_history", "params": {"dry_run": True}}
    assert as_("admin").post(f"{BASE}/maintenance", body, format="json").json()["job"] == "queues.clean_history"


def test_a_type_without_jobs_is_404_and_says_what_there_is(as_: As, jobs: Any, rung: Any) -> None:
    answer = as_("admin").post(f"{BASE}/notifications", {}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_job_of_this_type")
    assert "billing" in answer.json()["detail"] and "maintenance" in answer.json()["detail"]


def test_a_job_that_is_declared_without_a_handler_does_not_count(as_: As, jobs: Any, rung: Any) -> None:
    registry.spec("tests.sync", queue="data-sync", params=NoParams)
    try:
        assert as_("admin").post(f"{BASE}/data-sync", {}, format="json").json()["code"] == "no_job_of_this_type"
    finally:
        registry.forget("tests.sync")


def test_a_job_of_another_type_is_404_and_says_what_there_is(as_: As, sync: str) -> None:
    answer = as_("admin").post(f"{BASE}/data-sync", {"job": "tests.weigh", "params": {"tons": 1}}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_job_of_this_type")
    assert "tests.sync" in answer.json()["detail"]
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("kind", "allowed"),
    [
        ("route-optimization", {"admin", "manager", "dispatcher"}),
        ("billing", {"admin", "manager"}),
        ("notifications", {"admin", "dispatcher"}),
        ("data-sync", {"admin", "manager"}),
        ("maintenance", {"admin"}),
    ],
)
def test_each_role_reaches_its_types(as_: As, jobs: Any, rung: Any, kind: str, allowed: set[str]) -> None:
    found = {
        who
        for who in ("admin", "manager", "dispatcher", "customer", "driver", "nobody")
        if as_(who).post(f"{BASE}/{kind}", {"nonsense": 1}, format="json").status_code != 403
    }
    assert found == allowed and kind in TYPES
    assert as_("anonymous").post(f"{BASE}/{kind}", {}, format="json").status_code == 401


def test_it_may_be_sent_again_and_waited_for(as_: As, sync: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("queues.api.prefer.wait_here", lambda run_id, s: False)
    headers = {"Idempotency-Key": "k1", "Prefer": "wait=5"}
    first, again = (as_("manager").post(f"{BASE}/data-sync", {}, format="json", headers=headers) for _ in range(2))
    assert (first.json()["id"], again["Idempotency-Replayed"]) == (again.json()["id"], "true")
