"""How errors are judged, as an admin's client reads and changes it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from queues.ledger import clock
from queues.models import AuditEntry, ErrorRule, Run, RunEvent

from .described import answer_of, check, document

pytestmark = pytest.mark.django_db
PATH = "/api/v1/queue/error-rules"


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return document()


@pytest.fixture
def told(schema: dict[str, Any], as_: Callable[[str], APIClient]) -> Callable[..., Any]:
    """told("put", error_type="…"): the answer to an admin's request, which must be as the schema says."""

    def ask(method: str, query: str = "", **body: Any) -> Any:
        answer = getattr(as_("admin"), method)(PATH + query, body or None, format="json", headers={"X-Request-ID": "s7"})  # fmt: skip
        described = answer_of(schema, schema["paths"][PATH][method], answer.status_code)
        for content in described.get("content", {}).values():
            check(schema, content, answer.json())
        return answer

    return ask


@pytest.fixture
def failed(a_run: Callable[..., Run]) -> Callable[..., None]:
    """Attempts that failed so, hours ago."""

    def make(error_type: str, error_code: str = "", *, retried: int = 0, dead: int = 0, hours: float = 1) -> None:
        run, at = a_run(), clock.now() - timedelta(hours=hours)
        data = {"error_type": error_type, "error_code": error_code}
        for kind, times in ((RunEvent.Kind.RETRY, retried), (RunEvent.Kind.FAILED, dead)):
            RunEvent.objects.bulk_create([RunEvent(run=run, at=at, kind=kind, data=data) for _ in range(times)])

    return make


def rule_of(answer: Any, error_type: str, error_code: str = "") -> dict[str, Any]:
    [found] = [r for r in answer.json()["rules"] if (r["error_type"], r["error_code"]) == (error_type, error_code)]
    return dict(found)


def test_a_rule_is_added_changed_and_taken_back(told: Callable[..., Any]) -> None:
    added = told("put", error_type="StoreBusy", error_code="429", permanent=False, note="Mornings", why="It passes")
    assert (added.status_code, added.json()["origin"], added.json()["version"]) == (201, "staff", 1)
    changed = told("put", error_type="StoreBusy", error_code="429", permanent=True)
    assert (changed.status_code, changed.json()["permanent"], changed.json()["note"]) == (200, True, "")
    assert told("delete", "?error_type=StoreBusy&error_code=429&why=Enough").status_code == 204
    assert not ErrorRule.objects.exists()
    entries = AuditEntry.objects.order_by("id").values_list("action", "actor", "source", "request_id", "why")
    assert list(entries) == [
        ("error_rule.create", "admin", "api", "s7", "It passes"),
        ("error_rule.change", "admin", "api", "s7", ""),
        ("error_rule.delete", "admin", "api", "s7", "Enough"),
    ]


def test_the_list_tells_where_each_rule_comes_from_and_what_it_decided(told: Any, failed: Any) -> None:
    told("put", error_type="HTTPError", error_code="404", permanent=False, note="Their index lags")
    failed("HTTPError", "404", retried=3)
    failed("HTTPError", "404", retried=7, hours=25)
    failed("HTTPError", "403", dead=2)
    failed("WriteTimeout", retried=4, dead=1)
    answer = told("get")
    own = rule_of(answer, "HTTPError", "404")
    assert (own["origin"], own["permanent"], own["shipped_permanent"], own["retried_24h"], own["dead_24h"]) == ("staff", False, None, 3, 0)  # fmt: skip
    family = rule_of(answer, "HTTPError", "4xx")
    assert (family["origin"], family["permanent"], family["retried_24h"], family["dead_24h"]) == ("shipped", True, 0, 2)
    assert answer.json()["without_rule"] == [
        {"error_type": "WriteTimeout", "error_code": "", "retried_24h": 4, "dead_24h": 1}
    ]
    assert answer.json()["counted_whole"] is True


def test_a_shipped_rule_that_staff_overruled_is_listed_once(told: Any) -> None:
    told("put", error_type="TypeError", permanent=False)
    row = rule_of(told("get"), "TypeError")
    assert (row["origin"], row["permanent"], row["shipped_permanent"]) == ("staff", False, True)


def test_more_failures_than_are_counted_are_told(told: Any, failed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("queues.ledger.error_counts.NEWEST", 5)
    failed("TypeError", dead=8)
    answer = told("get")
    assert answer.json()["counted_whole"] is False and rule_of(answer, "TypeError")["dead_24h"] == 5


def test_reading_takes_as_many_queries_for_many_rules_as_for_few(
    told: Any, as_: Any, django_assert_max_num_queries: Any
) -> None:
    client = as_("admin")
    for n in range(30):
        told("put", error_type=f"Error{n}", permanent=True)
    with django_assert_max_num_queries(6):  # two to sign in
        client.get(PATH)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "error_type"),
        ({"error_type": "requests.ConnectTimeout", "permanent": True}, "error_type"),
        ({"error_type": "StoreBusy", "error_code": "too many", "permanent": True}, "error_code"),
        ({"error_type": "StoreBusy"}, "permanent"),
        ({"error_type": "StoreBusy", "permanent": True, "code": "429"}, "code"),
    ],
)
def test_a_wrong_rule_is_refused_by_field(told: Any, body: dict[str, Any], field: str) -> None:
    answer = told("put", **body)
    assert answer.status_code == 422 and field in [error["field"] for error in answer.json()["errors"]]
    assert not ErrorRule.objects.exists()


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("?error_type=StoreBusy", 404, "unknown_rule"),
        ("?error_type=TypeError", 404, "unknown_rule"),
        ("?error_type=Store%00Busy", 422, "invalid"),
        ("?error_type=StoreBusy&type=x", 422, "invalid"),
        ("", 422, "invalid"),
    ],
)
def test_taking_back_what_nobody_wrote_is_told(told: Any, query: str, status: int, code: str) -> None:
    answer = told("delete", query)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert ("is shipped" in answer.json()["detail"]) == ("TypeError" in query)


def test_the_example_is_valid(schema: dict[str, Any]) -> None:
    body = schema["paths"][PATH]["put"]["requestBody"]["content"]["application/json"]
    for example in body["examples"].values():
        check(schema, body, example["value"])
