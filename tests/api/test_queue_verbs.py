"""Pause, resume, drain, clean and retry-failed, as a client sees them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from queues import catalogue
from queues.engine import bulk
from queues.ledger import clock
from queues.models import AuditEntry, JobDefinition, Queue, Run

from .described import answer_of, check, document

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
RETRY = "/api/admin/queue/retry-failed"


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return document()


@pytest.fixture
def told(
    schema: dict[str, Any], as_: Callable[[str], APIClient], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """told("billing/pause", why="…"): the answer to an admin's request, which must be as the schema says."""
    monkeypatch.setattr("queues.engine.bulk.release_runs", lambda pairs, **how: 0)

    def post(path: str, **body: Any) -> Any:
        url = path if path.startswith("/") else f"/api/v1/queue/{path}"
        answer = as_("admin").post(url, body, format="json", headers={"X-Request-ID": "shift-7"})
        described = schema["paths"].get(url) or schema["paths"][re.sub("queue/[^/]+/", "queue/{queue}/", url)]
        for content in answer_of(schema, described["post"], answer.status_code)["content"].values():
            check(schema, content, answer.json())
        return answer

    return post


@pytest.fixture
def dead(a_run: Callable[..., Run]) -> Callable[..., Run]:
    """A run of a queue that failed for good."""

    def make(queue: str = "billing", **values: Any) -> Run:
        now = clock.now()
        return a_run(queue, **{"state": "dead", "finished_at": now, "error_code": "store_away", **values})

    return make


def state_of(run: Run) -> str:
    return str(Run.objects.values_list("state", flat=True).get(pk=run.pk))


class TestPauseAndDrain:
    def test_a_queue_is_paused_until_a_time_and_resumed(self, told: Callable[..., Any]) -> None:
        with clock.frozen(NOON):
            answer = told("billing/pause", why="Prices are wrong", until="2026-11-23T14:00:00+01:00")
        body = answer.json()
        assert (answer.status_code, body["queue"], body["paused"]) == (200, "billing", True)
        assert (body["paused_until"], body["pause_reason"]) == ("2026-11-23T13:00:00.000Z", "Prices are wrong")
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor, entry.source, entry.request_id) == ("queue.pause", "admin", "api", "shift-7")
        assert told("billing/resume").json()["paused"] is False
        again = told("billing/resume", why="To be sure")
        assert (again.status_code, again.json()["code"]) == (409, "wrong_state")

    def test_a_queue_is_drained_and_the_status_tells_it(
        self, told: Callable[..., Any], as_: Callable[[str], APIClient]
    ) -> None:
        Queue.objects.filter(pk="external-api").update(executor="asyncio")
        body = told("external-api-coordination/drain", why="Moving hosts").json()
        assert (body["queue"], body["draining"], body["drain_reason"]) == ("external-api", True, "Moving hosts")
        status = {each["queue"]: each for each in as_("dispatcher").get("/api/v1/queue/status").json()["queues"]}
        assert status["external-api"].items() >= body.items()
        assert (status["external-api"]["executor"], status["billing"]["executor"]) == ("asyncio", "threads")
        assert told("external-api/drain", why="Again").status_code == 409
        assert told("external-api/resume").json()["draining"] is False

    def test_all_are_paused_and_resumed(self, told: Callable[..., Any]) -> None:
        told("billing/pause", why="Prices are wrong")
        body = told("all/pause", why="The database moves").json()
        assert (body["already"], len(body["changed"])) == (["billing"], len(catalogue.NAMES) - 1)
        assert Queue.objects.get(pk="billing").pause_reason == "Prices are wrong"
        body = told("all/resume").json()
        assert (body["already"], set(body["changed"])) == ([], set(catalogue.NAMES))

    @pytest.mark.parametrize("verb", ["pause", "resume", "drain", "clean"])
    def test_an_unknown_queue_is_404_with_the_names(self, told: Callable[..., Any], verb: str) -> None:
        answer = told(f"bills/{verb}", why="?")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_queue")
        assert "billing" in answer.json()["detail"]

    @pytest.mark.parametrize("verb", ["drain", "clean"])
    def test_all_are_neither_drained_nor_cleaned(self, told: Callable[..., Any], verb: str) -> None:
        assert told(f"all/{verb}", why="?").status_code == 404

    @pytest.mark.parametrize(
        ("path", "body", "field", "code"),
        [
            ("billing/pause", {}, "why", "required"),
            ("billing/pause", {"why": "  "}, "why", "blank"),
            ("billing/pause", {"why": "x" * 301}, "why", "max_length"),
            ("billing/pause", {"why": "?", "until": "2026-11-23T11:00:00Z"}, "until", "in_past"),
            ("billing/pause", {"why": "?", "until": "2026-11-23T13:00:00"}, "until", "no_offset"),
            ("all/pause", {"why": "?", "untill": None}, "untill", "unknown"),
            ("billing/drain", {}, "why", "required"),
            ("billing/clean", {"why": "?", "states": []}, "states", "empty"),
            ("billing/clean", {"why": "?", "states": ["running"]}, "states", "invalid_choice"),
            ("billing/clean", {"why": "?", "states": "pending"}, "states", "not_a_list"),
            ("billing/clean", {"why": "?", "older_than_s": "nan"}, "older_than_s", "invalid"),
            ("billing/clean", {"why": "?", "older_than_s": -1}, "older_than_s", "min_value"),
            (RETRY, {"why": "?", "limit": 0}, "limit", "min_value"),
            (RETRY, {"why": "?", "state": "dead"}, "state", "unknown"),
            (
                RETRY,
                {"why": "?", "since": "2026-11-23T11:00:00Z", "until": "2026-11-23T10:00:00Z"},
                "until",
                "before_since",
            ),
        ],
    )
    def test_a_body_that_is_wrong_names_the_field(
        self, told: Callable[..., Any], path: str, body: dict[str, Any], field: str, code: str
    ) -> None:
        with clock.frozen(NOON):
            answer = told(path, **body)
        assert answer.status_code == 422
        assert [(each["field"], each["code"]) for each in answer.json()["errors"]] == [(field, code)]


class TestClean:
    def test_what_waits_is_counted_and_discarded(self, told: Callable[..., Any], a_run: Callable[..., Run]) -> None:
        due, later = a_run("billing"), a_run("billing", state="scheduled")
        foreign = a_run("route-optimization")
        counted = told("billing/clean", why="?", dry_run=True)
        assert (counted.status_code, counted.json()) == (200, {"count": 2, "cancelled": 0, "run": None})
        assert state_of(due) == "pending"
        assert not AuditEntry.objects.exists()
        answer = told("billing/clean", why="Wrong prices")
        assert (answer.status_code, answer.json()) == (200, {"count": 2, "cancelled": 2, "run": None})
        assert [state_of(run) for run in (due, later, foreign)] == ["cancelled", "cancelled", "pending"]
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.why, entry.after["count"]) == ("queue.clean", "Wrong prices", 2)

    def test_it_can_be_narrowed(
        self, told: Callable[..., Any], a_run: Callable[..., Run], jobs: dict[str, str]
    ) -> None:
        a_run("billing", created_at=clock.now() - timedelta(hours=2))
        a_run("billing")
        a_run("billing", state="scheduled")
        count = lambda **narrow: told("billing/clean", why="?", dry_run=True, **narrow).json()["count"]  # noqa: E731
        assert count() == 3
        assert count(states=["pending"]) == 2
        assert count(older_than_s=3600) == 1
        assert count(job=jobs["billing"]) == 3
        assert count(job=jobs["route-optimization"]) == 0

    def test_a_misspelt_job_is_404_and_the_runs_of_one_that_is_gone_are_found(
        self, told: Callable[..., Any], a_run: Callable[..., Run]
    ) -> None:
        answer = told("billing/clean", why="?", job="tests.bil")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_job")
        a_run("billing", job="tests.was_here_once")
        assert told("billing/clean", why="?", job="tests.was_here_once").json()["cancelled"] == 1

    def test_over_the_limit_a_run_does_it_and_is_told(
        self,
        told: Callable[..., Any],
        a_run: Callable[..., Run],
        as_: Callable[[str], APIClient],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(bulk, "AT_ONCE", 1)
        runs = [a_run("billing"), a_run("billing")]
        answer = told("billing/clean", why="Wrong prices")
        body = answer.json()
        assert (answer.status_code, body["count"], body["cancelled"]) == (202, 2, 0)
        assert answer["Location"] == body["run"]["url"]
        doing = as_("manager").get(answer["Location"]).json()
        assert (doing["id"], doing["job"], doing["state"]) == (body["run"]["id"], "queues.clean_queue", "pending")
        assert (doing["params"]["queue"], doing["params"]["limit"], doing["actor"]) == ("billing", 2, "admin")
        assert {state_of(run) for run in runs} == {"pending"}


class TestRetryFailed:
    def test_dead_runs_go_back_and_those_with_a_live_key_are_skipped(
        self, told: Callable[..., Any], dead: Callable[..., Run], a_run: Callable[..., Run]
    ) -> None:
        rows = [dead(), dead("route-optimization"), dead(dedupe_key="tests.bill:day-1")]
        a_run("billing", dedupe_key="tests.bill:day-1")
        answer = told(RETRY, why="The store is back")
        assert (answer.status_code, answer.json()) == (200, {"count": 3, "retried": 2, "skipped": 1, "run": None})
        assert [state_of(run) for run in rows] == ["pending", "pending", "dead"]
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor, entry.why) == ("run.retry_many", "admin", "The store is back")

    def test_it_can_be_narrowed(self, told: Callable[..., Any], dead: Callable[..., Run], jobs: dict[str, str]) -> None:
        definition = JobDefinition.objects.create(name="Bill all", job=jobs["billing"])
        early = clock.now() - timedelta(hours=2)
        dead(finished_at=early)
        dead(definition=definition, error_code="timeout")
        dead("route-optimization")
        hour_ago = (clock.now() - timedelta(hours=1)).isoformat()
        count = lambda **narrow: told(RETRY, why="?", dry_run=True, **narrow).json()["count"]  # noqa: E731
        assert count() == 3
        assert count(queue="billing") == 2
        assert count(queue="billing", job=jobs["billing"], since=hour_ago) == 1
        assert count(until=hour_ago) == 1
        assert count(definition="Bill all") == 1
        assert count(error_code="timeout") == 1
        assert told(RETRY, why="?", limit=2).json() == {"count": 3, "retried": 2, "skipped": 0, "run": None}

    @pytest.mark.parametrize(
        ("narrow", "code"),
        [
            ({"queue": "bills"}, "unknown_queue"),
            ({"job": "tests.bil"}, "unknown_job"),
            ({"definition": "Bill al"}, "unknown_definition"),
        ],
    )
    def test_a_misspelt_name_is_404(
        self, told: Callable[..., Any], jobs: dict[str, str], narrow: dict[str, str], code: str
    ) -> None:
        JobDefinition.objects.create(name="Bill all", job=jobs["billing"])
        answer = told(RETRY, why="?", **narrow)
        assert (answer.status_code, answer.json()["code"]) == (404, code)

    def test_over_the_limit_a_run_does_it_and_is_told(
        self, told: Callable[..., Any], dead: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bulk, "AT_ONCE", 1)
        dead(), dead()
        answer = told(RETRY, why="The store is back", error_code="store_away")
        assert (answer.status_code, answer.json()["retried"]) == (202, 0)
        doing = Run.objects.get(pk=answer.json()["run"]["id"])
        assert (doing.job, doing.params["error_code"]) == ("queues.retry_failed", "store_away")
        assert told(RETRY, why="?", limit=1).status_code == 200
