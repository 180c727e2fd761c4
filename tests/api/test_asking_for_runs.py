"""POST jobs, read, cancel, retry: what a client sees from asking to the end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from rest_framework.test import APIClient

from queues.ledger import clock
from queues.models import AuditEntry, JobDefinition, Run

pytestmark = pytest.mark.django_db
URL = "/api/v1/queue/jobs"
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def ask(as_: Callable[[str], APIClient], jobs: Any, rung: Any) -> Callable[..., Any]:
    def post(body: Any, who: str = "dispatcher", **headers: str) -> Any:
        return as_(who).post(URL, body, format="json", headers=headers)

    return post


@pytest.mark.django_db(transaction=True)
def test_a_run_is_accepted_released_and_found_where_location_says(
    ask: Callable[..., Any], as_: Callable[[str], APIClient], rung: list[Any]
) -> None:
    answer = ask({"job": "tests.weigh", "params": {"tons": 7}, "why": "a trial"}, **{"X-Request-ID": "order-17"})
    assert answer.status_code == 202
    told = answer.json()
    assert answer["Location"] == told["url"] == f"/api/v1/queue/route-optimization/jobs/{told['id']}"
    assert (told["state"], told["job"], told["params"]) == ("pending", "tests.weigh", {"tons": 7, "note": ""})
    assert (told["actor"], told["source"], told["request_id"]) == ("dispatcher", "api", "order-17")
    assert [row[0] for row in rung] == ["route-optimization"]
    entry = AuditEntry.objects.get(action="run.enqueue")
    assert (entry.object_id, entry.why, entry.request_id) == (told["id"], "a trial", "order-17")
    assert as_("manager").get(answer["Location"]).json() == told


def test_a_moment_is_kept_in_utc(ask: Callable[..., Any]) -> None:
    with clock.frozen(NOON):
        told = ask({"job": "tests.weigh", "params": {"tons": 1}, "at": "2026-11-23T15:00:00+01:00"}).json()
    assert (told["state"], told["due_at"]) == ("scheduled", "2026-11-23T14:00:00.000Z")


@pytest.mark.parametrize(
    ("at", "code"),
    [
        ("2026-11-23T11:59:59Z", "in_past"),
        ("2026-11-23T12:00:00Z", "in_past"),
        ("2026-11-24T12:00:00", "no_offset"),
        ("9999-12-31T23:59:59Z", "too_far"),
        ("9999-12-31T23:59:59-12:00", "overflow"),
        ("tomorrow", "invalid"),
        (17, "invalid"),
    ],
)
def test_a_moment_that_cannot_be_meant_is_told_at_its_field(ask: Callable[..., Any], at: Any, code: str) -> None:
    with clock.frozen(NOON):
        answer = ask({"job": "tests.weigh", "params": {"tons": 1}, "at": at})
    assert answer.status_code == 422
    assert [(each["field"], each["code"]) for each in answer.json()["errors"]] == [("at", code)]


def test_an_unknown_job_is_404_with_the_nearest_name(ask: Callable[..., Any]) -> None:
    answer = ask({"job": "tests.wiegh"})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_job")
    assert "'tests.weigh'" in answer.json()["detail"]


def test_wrong_parameters_are_named_one_by_one(ask: Callable[..., Any]) -> None:
    answer = ask({"job": "tests.weigh", "params": {"tons": 31, "colour": "red"}})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_params")
    assert {each["field"] for each in answer.json()["errors"]} == {"params.tons", "params.colour"}
    assert all(each["message"] and each["code"] for each in answer.json()["errors"])
    missing = ask({"job": "tests.weigh"}).json()["errors"]
    assert [(each["field"], each["code"]) for each in missing] == [("params.tons", "missing")]
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {""}),
        ({"job": "tests.weigh", "definition": "x"}, {""}),
        ({"job": "tests.weigh", "prams": {}}, {"prams"}),
        ({"job": 7.5, "priority": "soon"}, {"job", "priority"}),
        ({"job": ["tests.weigh"]}, {"job"}),
        ({"job": "tests.weigh", "params": [1]}, {"params"}),
        ({"job": "tests.weigh", "priority": 101, "dedupe_key": "k" * 97}, {"priority", "dedupe_key"}),
        ([{"job": "tests.weigh"}], {""}),
        ("tests.weigh", {""}),
        (None, {""}),
    ],
)
def test_a_body_of_the_wrong_shape_names_what_is_wrong(ask: Callable[..., Any], body: Any, fields: set[str]) -> None:
    answer = ask(body)
    assert answer.status_code == 422
    assert {each["field"] for each in answer.json()["errors"]} == fields


def test_another_roles_job_is_403_and_says_what_is_allowed(ask: Callable[..., Any]) -> None:
    answer = ask({"job": "tests.bill", "params": {"tons": 1}})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert "route-optimization" in answer.json()["detail"]
    assert ask({"job": "tests.bill", "params": {"tons": 1}}, who="manager").status_code == 202


def test_a_key_that_lives_answers_with_its_run_and_only_within_its_job(ask: Callable[..., Any]) -> None:
    body = {"job": "tests.weigh", "params": {"tons": 1}, "dedupe_key": "day-1"}
    first, second = ask(body).json(), ask(body).json()
    assert first["id"] == second["id"]
    assert second["dedupe_key"] == "day-1"
    other = ask({**body, "job": "tests.bill"}, who="manager").json()
    assert (other["id"] != first["id"], other["queue"]) == (True, "billing")
    assert AuditEntry.objects.filter(action="run.enqueue").count() == 2


class TestDefinitions:
    @pytest.fixture
    def definition(self, jobs: Any, db: None) -> JobDefinition:
        return JobDefinition.objects.create(name="Weigh all", job="tests.weigh", params={"tons": 5, "note": "own"})

    def test_values_go_over_the_definitions_own(self, ask: Callable[..., Any], definition: JobDefinition) -> None:
        told = ask({"definition": "Weigh all", "params": {"tons": 6}, "priority": 9}).json()
        assert (told["params"], told["definition"], told["priority"]) == ({"tons": 6, "note": "own"}, "Weigh all", 9)

    def test_one_that_is_off_is_409(self, ask: Callable[..., Any], definition: JobDefinition) -> None:
        JobDefinition.objects.update(enabled=False)
        answer = ask({"definition": "Weigh all"})
        assert (answer.status_code, answer.json()["code"]) == (409, "disabled")
        assert "switch" in answer.json()["detail"]

    def test_an_unknown_one_is_404_with_the_nearest_name(self, ask: Callable[..., Any], definition: Any) -> None:
        answer = ask({"definition": "Weigh al"})
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_definition")
        assert "'Weigh all'" in answer.json()["detail"]

    def test_its_queue_decides_who_may(self, ask: Callable[..., Any], definition: JobDefinition) -> None:
        JobDefinition.objects.update(job="tests.bill")
        assert ask({"definition": "Weigh all"}).status_code == 403
        assert ask({"definition": "Weigh all"}, who="manager").status_code == 202

    def test_a_unique_one_keeps_its_own_key(self, ask: Callable[..., Any], definition: JobDefinition) -> None:
        JobDefinition.objects.update(unique=True)
        answer = ask({"definition": "Weigh all", "dedupe_key": "mine"})
        assert [each["field"] for each in answer.json()["errors"]] == ["dedupe_key"]
        assert ask({"definition": "Weigh all"}).json()["id"] == ask({"definition": "Weigh all"}).json()["id"]

    def test_wrong_values_are_told_as_the_client_wrote_them(self, ask: Callable[..., Any], definition: Any) -> None:
        answer = ask({"definition": "Weigh all", "params": {"tons": "many"}})
        assert [each["field"] for each in answer.json()["errors"]] == ["params.tons"]


class TestVerbs:
    def test_cancelling_ends_a_waiting_run_once(
        self, as_: Callable[[str], APIClient], a_run: Callable[..., Run]
    ) -> None:
        url = f"/api/v1/queue/route-optimization/jobs/{a_run().id}"
        answer = as_("dispatcher").post(f"{url}/cancel", {"why": "a mistake"}, format="json")
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
        assert [(each["kind"], each["note"]) for each in answer.json()["events"]] == [("cancelled", "a mistake")]
        again = as_("dispatcher").post(f"{url}/cancel")
        assert (again.status_code, again.json()["code"]) == (409, "wrong_state")
        assert AuditEntry.objects.get(action="run.cancel").why == "a mistake"

    def test_retrying_puts_a_cancelled_run_back(
        self, as_: Callable[[str], APIClient], a_run: Callable[..., Run]
    ) -> None:
        url = f"/api/v1/queue/route-optimization/jobs/{a_run().id}"
        client = as_("dispatcher")
        assert client.post(f"{url}/retry").status_code == 409
        client.post(f"{url}/cancel")
        answer = client.post(f"{url}/retry", {}, format="json")
        assert (answer.status_code, answer.json()["state"]) == (200, "pending")

    def test_a_misspelt_reason_is_not_passed_over(
        self, as_: Callable[[str], APIClient], a_run: Callable[..., Run]
    ) -> None:
        url = f"/api/v1/queue/route-optimization/jobs/{a_run().id}/cancel"
        answer = as_("dispatcher").post(url, {"reason": "x"}, format="json")
        assert answer.status_code == 422
        assert Run.objects.get().state == "pending"


def test_an_alias_of_a_queue_reads_the_same_run(as_: Callable[[str], APIClient], a_run: Callable[..., Run]) -> None:
    run = a_run(queue="route-optimization")
    Run.objects.update(queue="external-api")
    client = as_("admin")
    told = client.get(f"/api/v1/queue/external-api-coordination/jobs/{run.id}").json()
    assert told["url"] == f"/api/v1/queue/external-api/jobs/{run.id}"
    assert client.get("/api/v1/queue/stats/external-api-coordination").json()["queue"] == "external-api"
    unknown = client.get(f"/api/v1/queue/external/jobs/{run.id}")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_queue")


def test_a_finished_run_tells_its_result_times_and_error(
    as_: Callable[[str], APIClient], a_run: Callable[..., Run]
) -> None:
    run = a_run(
        state="dead", created_at=NOON, due_at=NOON, started_at=NOON + timedelta(seconds=2),
        finished_at=NOON + timedelta(seconds=5), attempt=6, progress_done=1, progress_total=4, progress_note="one of four",
        error_type="TransientError", error_code="transient", error_message="The scales are off.",
        error_detail="Traceback: secrets of the house",
    )  # fmt: skip
    answer = as_("manager").get(f"/api/v1/queue/route-optimization/jobs/{run.id}")
    told = answer.json()
    assert (told["wait_s"], told["processing_s"], told["total_s"]) == (2.0, 3.0, 5.0)
    assert told["error"] == {"type": "TransientError", "code": "transient", "message": "The scales are off."}
    assert told["progress"] == {"done": 1.0, "total": 4.0, "note": "one of four"}
    assert b"secrets" not in answer.content


def test_a_job_that_is_gone_still_shows_its_runs(as_: Callable[[str], APIClient], a_run: Callable[..., Run]) -> None:
    run = a_run(job="tests.was_here_once")
    told = as_("manager").get(f"/api/v1/queue/route-optimization/jobs/{run.id}").json()
    assert (told["job"], told["title"]) == ("tests.was_here_once", "tests.was_here_once")


def test_a_database_that_goes_away_is_503_and_leaves_nothing_half_done(
    ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: Any, **kwargs: Any) -> None:
        raise DatabaseError("server closed the connection to 10.0.0.7 unexpectedly")

    monkeypatch.setattr("queues.ledger.audit.write", away)
    answer = ask({"job": "tests.weigh", "params": {"tons": 1}})
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert b"10.0.0.7" not in answer.content
    assert not Run.objects.exists()
