"""Whatever goes wrong, the answer is one RFC 9457 problem that tells what and never how the house is built."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404
from django.test import Client
from rest_framework import exceptions
from rest_framework.test import APIClient

from queues import errors as ours
from queues.api import problems
from queues.api.parsers import MAX_BODY_BYTES, MAX_DEPTH

URL = "/api/v1/queue/jobs"


@pytest.fixture
def send(as_: Callable[[str], APIClient]) -> Callable[..., Any]:
    client = as_("admin")

    def post(raw: bytes, content_type: str = "application/json", **headers: str) -> Any:
        return client.generic("POST", URL, raw, content_type, headers=headers)

    return post


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ours.UnknownJob("a.b"), 404, "unknown_job"),
        (ours.UnknownQueue("a", ["b"]), 404, "unknown_queue"),
        (ours.InvalidParams("a.b", [ours.FieldError("x", "wrong")]), 422, "invalid_params"),
        (ours.TooLarge("much"), 413, "too_large"),
        (ours.NotAllowed("no"), 403, "not_allowed"),
        (ours.WrongState("no"), 409, "wrong_state"),
        (ours.Disabled("off"), 409, "disabled"),
        (ours.IdempotencyConflict("other"), 422, "idempotency_conflict"),
        (ours.RateLimited("later", 7), 429, "rate_limited"),
        (ours.LimitsUnavailable("later"), 503, "limits_unavailable"),
        (ours.TransientError("away"), 503, "transient"),
        (ours.LeaseLost("inside"), 500, "internal"),
        (exceptions.NotAuthenticated(), 401, "not_authenticated"),
        (exceptions.PermissionDenied(), 403, "permission_denied"),
        (exceptions.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (exceptions.UnsupportedMediaType("text/plain"), 415, "unsupported_media_type"),
        (exceptions.Throttled(3.2), 429, "throttled"),
        (exceptions.ParseError(), 400, "parse_error"),
        (exceptions.ValidationError({"a": ["wrong"]}), 422, "invalid"),
        (Http404(), 404, "not_found"),
        (PermissionDenied(), 403, "not_allowed"),
        (RequestDataTooBig(), 413, "too_large"),
        (OperationalError("inside"), 503, "database_away"),
        (InterfaceError("inside"), 503, "database_away"),
        (DataError("inside"), 500, "internal"),
        (IntegrityError("inside"), 500, "internal"),
        (KeyError("inside"), 500, "internal"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_each_error_has_its_status_and_code(error: Exception, status: int, code: str) -> None:
    answer = problems.exception_handler(error, {"request": None})
    told = json.loads(answer.content)
    assert (answer.status_code, told["status"], told["code"]) == (status, status, code)
    assert answer["Content-Type"] == "application/problem+json"
    assert set(told) - {"errors"} == {"type", "title", "status", "detail", "code", "instance"}
    assert told["detail"] and told["title"] and told["type"] == f"urn:roundsman:problem:{code}"
    assert "inside" not in told["detail"]
    assert ("Retry-After" in answer) == (status in (429, 503))


def test_every_error_of_ours_that_a_client_can_cause_has_a_status() -> None:
    inner = {ours.PermanentError, ours.LeaseLost, ours.RunTimeout, ours.RunCancelled, ours.WorkerStopping}
    kinds = {
        kind
        for kind in vars(ours).values()
        if isinstance(kind, type) and issubclass(kind, ours.RoundsmanError) and kind is not ours.RoundsmanError
    }
    assert kinds - inner == {kind for kind, _ in problems.STATUS}


def test_nested_details_become_a_flat_list() -> None:
    error = exceptions.ValidationError({"a": [{}, {"b": ["wrong"]}], "non_field_errors": ["both"]})
    found = [(each.field, each.message) for each in problems.problem_of(error).errors]
    assert found == [("a.1.b", "wrong"), ("", "both")]


def test_a_surprise_is_logged_with_the_requests_id_and_told_to_nobody(
    send: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def surprise(*args: Any) -> None:
        raise ZeroDivisionError("the key is hunter2")

    monkeypatch.setattr("queues.api.views.ask", surprise)
    answer = send(b'{"job": "queues.clean_history"}', **{"X-Request-ID": "trip-9"})
    assert (answer.status_code, answer.json()["instance"]) == (500, "trip-9")
    assert b"hunter2" not in answer.content
    record = next(each for each in caplog.records if each.name == "queues.api.problems")
    assert "trip-9" in record.getMessage()
    assert record.exc_info


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"{", 400, "parse_error"),
        (b"\xff{}", 400, "parse_error"),
        (b'{"job": NaN}', 400, "parse_error"),
        (b'{"job": 1' + b"0" * 5000 + b"}", 400, "parse_error"),
        (b'{"job": "a\\u0000b"}', 422, "bad_text"),
        (b'{"params": {"\\ud800": 1}}', 422, "bad_text"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), 422, "too_deep"),
        (b"[" * 60_000, 422, "too_deep"),
        (b'{"why": "' + b"x" * MAX_BODY_BYTES + b'"}', 413, "too_large"),
    ],
)
def test_a_body_that_cannot_be_read_says_why(send: Callable[..., Any], raw: bytes, status: int, code: str) -> None:
    answer = send(raw)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert len(answer.content) < 2000


def test_the_largest_and_deepest_body_is_read(send: Callable[..., Any]) -> None:
    nested: Any = 1
    for _ in range(MAX_DEPTH - 1):
        nested = [nested]
    raw = json.dumps({"job": "a.b", "params": {}, "strange": nested}).encode()
    answer = send(raw[:-1] + b" " * (MAX_BODY_BYTES - len(raw)) + b"}")
    assert [each["field"] for each in answer.json()["errors"]] == ["strange"]


def test_a_body_in_chunks_is_not_taken_for_an_empty_one(as_: Callable[[str], APIClient]) -> None:
    headers = {"Transfer-Encoding": "chunked", "Authorization": as_("admin")._credentials["HTTP_AUTHORIZATION"]}
    answer = Client().generic("POST", URL, b"", "application/json", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (411, "length_required")


def test_other_media_types_are_415_and_form_posts_too(send: Callable[..., Any]) -> None:
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        assert send(b"job=a.b", media_type).status_code == 415


def test_a_problem_is_told_whatever_the_client_accepts(send: Callable[..., Any]) -> None:
    answer = send(b"{}", accept="image/png")
    assert answer.status_code in (406, 422)
    assert answer["Content-Type"] == "application/problem+json"


def test_405_says_what_is_allowed(send: Callable[..., Any], as_: Callable[[str], APIClient]) -> None:
    answer = as_("admin").delete(URL)
    assert answer.status_code == 405
    assert answer["Allow"] == "POST"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    ["/api", "/api/", "/api/v1", "/api/token", "/api/v1/queue/jobs/", "/api/v1/queue/%00", "/api/v1/alerts/a%0Ab"],
)
def test_a_path_that_is_none_is_a_problem_too(client: Any, path: str) -> None:
    for method in (client.get, client.post):
        answer = method(path)
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
