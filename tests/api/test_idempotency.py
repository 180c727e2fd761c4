"""Idempotency-Key: a request that got no answer may be sent again, also by two hundred at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import DatabaseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient, APIRequestFactory, force_authenticate

from queues.api.actor import actor_of
from queues.api.endpoint import Endpoint
from queues.api.idempotency import HEADER, REPLAYED, once_row, once_run
from queues.engine import control
from queues.ledger import clock
from queues.models import AuditEntry, IdempotencyRecord, JobDefinition, Run
from queues.policy import Action
from tests.crowd import at_once

pytestmark = pytest.mark.django_db
URL = "/api/v1/queue/jobs"
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
KEY = "6c1f6a6e-7d0b-4c8e-9a55-0f3f2b1d9c11"
BODY = {"job": "tests.weigh", "params": {"tons": 7}}
Ask = Callable[..., Any]


@pytest.fixture
def ask(as_: Callable[[str], APIClient], jobs: Any, rung: Any) -> Ask:
    def post(body: Any = BODY, key: str = KEY, who: str = "dispatcher") -> Any:
        return as_(who).post(URL, body, format="json", headers={HEADER: key})

    return post


def test_the_same_request_again_gets_the_first_answer(ask: Ask) -> None:
    first, again = ask(), ask()
    assert (first.status_code, again.status_code) == (202, 202)
    assert (again.json(), again["Location"]) == (first.json(), first["Location"])
    assert (REPLAYED in first, again[REPLAYED]) == (False, "true")
    assert (Run.objects.count(), AuditEntry.objects.filter(action="run.enqueue").count()) == (1, 1)


def test_without_the_header_every_request_is_a_run(as_: Callable[[str], APIClient], jobs: Any, rung: Any) -> None:
    answers = [as_("dispatcher").post(URL, BODY, format="json") for _ in range(2)]
    assert not any(REPLAYED in answer for answer in answers)
    assert (Run.objects.count(), IdempotencyRecord.objects.count()) == (2, 0)


def test_a_replay_is_the_first_answer_to_the_letter_whatever_became_of_the_run(
    ask: Ask, as_: Callable[[str], APIClient]
) -> None:
    first = ask()
    as_("dispatcher").post(f"{first['Location']}/cancel")
    again = ask()
    assert (again.status_code, again.content, again[REPLAYED]) == (202, first.content, "true")


@pytest.mark.parametrize("other", [{"params": {"tons": 8}}, {"priority": 0}, {"why": "another"}])
def test_the_same_key_with_another_body_is_422(ask: Ask, other: dict[str, Any]) -> None:
    ask()
    answer = ask({**BODY, **other})
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_conflict")
    assert KEY in answer.json()["detail"]
    assert (Run.objects.count(), AuditEntry.objects.count()) == (1, 1)


def test_the_body_may_be_written_in_another_way(ask: Ask, as_: Callable[[str], APIClient]) -> None:
    first = ask()
    raw = b'{\n  "params" : {"t\\u006fns":7 },\t"job": "tests.weigh"}\n'
    again = as_("dispatcher").generic("POST", URL, raw, "application/json", headers={HEADER: KEY})
    assert (again.json()["id"], again[REPLAYED]) == (first.json()["id"], "true")


def test_keys_of_two_users_are_two_keys(ask: Ask) -> None:
    assert ask().json()["id"] != ask(who="manager").json()["id"]
    assert REPLAYED in ask() and REPLAYED in ask(who="manager")


@pytest.mark.parametrize("key", ["", " ", "two words", "schlüssel", "tab\t", "k" * 256])
def test_a_header_that_is_no_key_is_422_and_says_what_would_be_right(ask: Ask, key: str) -> None:
    answer = ask(key=key)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    (error,) = answer.json()["errors"]
    assert (error["field"], error["code"]) == (HEADER, "bad_key")
    assert "1 to 255 visible ASCII characters" in error["message"]
    assert not Run.objects.exists()


@pytest.mark.parametrize("key", ["k", "~" * 255, '"quoted"'])
def test_a_header_of_visible_ascii_is_a_key(ask: Ask, key: str) -> None:
    assert ask(key=key).json()["id"] == ask(key=key).json()["id"]


def test_a_request_that_failed_leaves_its_key_free(ask: Ask) -> None:
    assert ask({"job": "tests.weigh", "params": {"tons": 31}}).status_code == 422
    assert ask({"job": "tests.bill", "params": {"tons": 1}}).status_code == 403
    answer = ask()
    assert (answer.status_code, REPLAYED in answer) == (202, False)


def test_a_database_that_goes_away_is_503_and_the_same_request_succeeds_when_it_is_back(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: Any, **kwargs: Any) -> None:
        raise DatabaseError("server closed the connection unexpectedly")

    with monkeypatch.context() as broken:
        broken.setattr("queues.ledger.audit.write", away)
        answer = ask()
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "database_away", "5")
    assert not Run.objects.exists() and not IdempotencyRecord.objects.exists()
    answer = ask()
    assert (answer.status_code, REPLAYED in answer) == (202, False)


@pytest.mark.django_db(transaction=True)
def test_a_run_is_accepted_and_replayed_while_redis_is_away(as_: Callable[[str], APIClient], jobs: Any) -> None:
    first, again = (as_("dispatcher").post(URL, BODY, format="json", headers={HEADER: KEY}) for _ in range(2))
    assert (first.status_code, first.json()["state"]) == (202, "pending")
    assert (again.json(), again[REPLAYED]) == (first.json(), "true")
    assert Run.objects.get().state == "pending"


@pytest.mark.django_db(transaction=True)
def test_two_hundred_at_once_are_one_run_audited_and_released_once(
    as_: Callable[[str], APIClient], jobs: Any, rung: list[Any]
) -> None:
    clients = [as_("dispatcher") for _ in range(200)]
    clients[0].get("/healthz")  # the first request makes the middlewares' counters, which threads would make twice

    def post(number: int) -> tuple[int, str, bool]:
        answer = clients[number].post(URL, BODY, format="json", headers={HEADER: KEY})
        return answer.status_code, answer.headers.get("Location", ""), REPLAYED in answer

    answers = at_once(200, post)
    assert {status for status, _, _ in answers} == {202}
    assert len({location for _, location, _ in answers}) == 1
    assert [replayed for _, _, replayed in answers].count(False) == 1
    assert (Run.objects.count(), AuditEntry.objects.filter(action="run.enqueue").count(), len(rung)) == (1, 1, 1)


def test_a_replay_is_answered_although_its_time_has_come_since(ask: Ask) -> None:
    body = {**BODY, "at": "2026-11-23T12:00:01Z"}
    with clock.frozen(NOON):
        first = ask(body)
    with clock.frozen(NOON + timedelta(hours=1)):
        again = ask(body)
        assert ask(body, key="another").status_code == 422
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])


def test_a_definition_that_changed_or_is_off_since_is_replayed(ask: Ask) -> None:
    JobDefinition.objects.create(name="Weigh all", job="tests.weigh", params={"tons": 5})
    first = ask({"definition": "Weigh all"})
    JobDefinition.objects.update(enabled=False, params={"tons": 6})
    again = ask({"definition": "Weigh all"})
    assert (again.status_code, again.json()["id"], again[REPLAYED]) == (202, first.json()["id"], "true")


def test_a_deduped_answer_is_what_is_replayed(ask: Ask, as_: Callable[[str], APIClient]) -> None:
    body = {**BODY, "dedupe_key": "day-1"}
    live = ask(body, key="one").json()["id"]
    deduped = ask(body, key="two")
    assert (deduped.json()["id"], REPLAYED in deduped) == (live, False)
    Run.objects.update(state="succeeded", finished_at=clock.now())
    assert (ask(body, key="two").json()["id"], ask(body, key="three").json()["id"] == live) == (live, False)
    assert AuditEntry.objects.filter(action="run.enqueue").count() == 2


def test_a_run_past_its_retention_is_told_as_it_was_and_not_run_again(ask: Ask) -> None:
    first = ask()
    Run.objects.all().delete()
    again = ask()
    assert (again.status_code, again.content, again[REPLAYED]) == (202, first.content, "true")
    assert not Run.objects.exists()


def test_an_answer_that_an_older_version_kept_is_409_and_nothing_is_done_twice(ask: Ask) -> None:
    ask()
    IdempotencyRecord.objects.update(answer=None)
    answer = ask()
    assert (answer.status_code, answer.json()["code"], Run.objects.count()) == (409, "gone", 1)


def test_who_lost_the_role_is_not_shown_the_run(ask: Ask, people: dict[str, User]) -> None:
    body = {"job": "tests.bill", "params": {"tons": 1}}
    assert ask(body, who="manager").status_code == 202
    people["manager"].groups.set([Group.objects.get(name="dispatcher")])
    answer = ask(body, who="manager")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


def test_another_endpoint_has_it_for_one_call(a_run: Callable[..., Run], people: dict[str, User]) -> None:
    class CancelOnce(Endpoint):
        needs = {"POST": Action.ENQUEUE}

        def post(self, request: Request, queue: str, run_id: Any) -> Response:
            run, headers = once_run(request, lambda: control.cancel(run_id, actor=actor_of(request)))
            return Response({"state": run["state"]}, headers=headers)

    def post(path: str, run: Run) -> Any:
        request = APIRequestFactory().post(path, {}, format="json", headers={HEADER: KEY})
        force_authenticate(request, people["dispatcher"])
        return CancelOnce.as_view()(request, queue=run.queue, run_id=run.id)

    run, other = a_run(), a_run()
    assert [post("/one", run).headers.get(REPLAYED) for _ in range(2)] == [None, "true"]
    assert post("/other", other).status_code == 422  # the path is part of what was asked
    assert AuditEntry.objects.filter(action="run.cancel").count() == 1


def test_an_answer_with_a_secret_is_kept_as_its_row_alone(people: dict[str, User]) -> None:
    class MakeOnce(Endpoint):
        needs = {"POST": Action.ENQUEUE}

        def post(self, request: Request) -> Response:
            rows = JobDefinition.objects.all()
            row, headers = once_row(request, lambda: rows.create(name="hush", job="queues.ping"), rows)
            return Response({"secret": row.name}, headers=headers)

    def post() -> Any:
        request = APIRequestFactory().post("/one", {}, format="json", headers={HEADER: KEY})
        force_authenticate(request, people["dispatcher"])
        return MakeOnce.as_view()(request)

    first, again = post(), post()
    assert (again.data, first.headers.get(REPLAYED), again.headers[REPLAYED]) == (first.data, None, "true")
    assert (IdempotencyRecord.objects.get().answer, JobDefinition.objects.count()) == (None, 1)
    JobDefinition.objects.all().delete()
    assert (post().status_code, JobDefinition.objects.count()) == (409, 0)


def test_the_schema_tells_of_both_headers(as_: Callable[[str], APIClient]) -> None:
    answer = as_("dispatcher").get("/api/schema/", headers={"Accept": "application/json"})
    operation = answer.json()["paths"][URL]["post"]
    (key,) = [each for each in operation["parameters"] if each["name"] == HEADER]
    assert (key["name"], key.get("required", False)) == (HEADER, False)
    assert operation["responses"]["202"]["headers"][REPLAYED]["schema"] == {"type": "string", "enum": ["true"]}
