"""POST jobs/batch: each item by itself, in order, in few statements, once for a key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from rest_framework.request import Request
from rest_framework.test import APIClient, APIRequestFactory

from queues.api.batches import JobsBatch
from queues.api.idempotency import HEADER, REPLAYED
from queues.api.parsers import MAX_BATCH_BYTES, BatchJSONParser
from queues.models import AuditEntry, IdempotencyRecord, JobDefinition, Run

pytestmark = pytest.mark.django_db
URL = "/api/v1/queue/jobs/batch"
As = Callable[[str], APIClient]
Send = Callable[..., Any]


def weigh(tons: int, **more: Any) -> dict[str, Any]:
    return {"job": "tests.weigh", "params": {"tons": tons}, **more}


@pytest.fixture
def send(as_: As, jobs: Any, rung: Any) -> Send:
    def post(items: Any, who: str = "dispatcher", **headers: str) -> Any:
        return as_(who).post(URL, {"items": items}, format="json", headers=headers)

    return post


def test_every_item_is_answered_in_its_place(send: Send) -> None:
    JobDefinition.objects.create(name="Weigh all", job="tests.weigh", params={"tons": 5})
    answer = send(
        [
            weigh(1),
            weigh(31),
            {"job": "tests.bill", "params": {"tons": 1}},
            {"definition": "Weigh all"},
            {"job": "tests.wiegh"},
            weigh(2, dedupe_key="d"),
            weigh(3, dedupe_key="d"),
            {"job": "tests.weigh", "prams": {}},
            weigh(4),
        ]
    )
    told = answer.json()
    assert (answer.status_code, told["accepted"], told["refused"]) == (202, 5, 4)
    assert [each["status"] for each in told["items"]] == [202, 422, 403, 202, 404, 202, 202, 422, 202]
    assert [each["index"] for each in told["items"]] == list(range(9))
    assert [each["problem"] and each["problem"]["code"] for each in told["items"]] == [
        None, "invalid_params", "not_allowed", None, "unknown_job", None, None, "invalid", None,
    ]  # fmt: skip
    assert told["items"][1]["problem"]["errors"][0]["field"] == "params.tons"
    assert told["items"][5]["run"]["id"] == told["items"][6]["run"]["id"]
    tons = [Run.objects.get(pk=told["items"][n]["run"]["id"]).params["tons"] for n in (0, 3, 5, 8)]
    assert tons == [1, 5, 2, 4]
    assert Run.objects.count() == 4


def test_an_accepted_item_says_where_to_ask(send: Send, as_: As) -> None:
    (item,) = send([weigh(1)]).json()["items"]
    run = as_("dispatcher").get(item["run"]["url"]).json()
    assert {name: run[name] for name in item["run"]} == item["run"]


def test_none_accepted_is_200(send: Send) -> None:
    answer = send([weigh(31), weigh(32)])
    assert (answer.status_code, answer.json()["accepted"]) == (200, 0)
    assert not Run.objects.exists() and not AuditEntry.objects.exists()


def test_what_is_alike_goes_in_few_statements_and_one_audit_entry(send: Send) -> None:
    counts = []
    send([weigh(31)])  # what is read once a minute, and not for this, is read by now
    for number in (10, 100):
        with CaptureQueriesContext(connection) as seen:
            answer = send([weigh(n % 30) for n in range(number)] + [weigh(1, priority=5), weigh(2, priority=5)])
        assert answer.json()["accepted"] == number + 2
        counts.append(len(seen))
    assert counts[0] == counts[1]
    entries = AuditEntry.objects.filter(action="run.enqueue_many").order_by("id")
    assert [each.after["count"] for each in entries] == [10, 2, 100, 2]
    assert not AuditEntry.objects.filter(action="run.enqueue").exists()
    assert Run.objects.filter(priority=5).count() == 4


def test_one_that_is_like_no_other_is_audited_as_ever(send: Send) -> None:
    send([weigh(1, why="first"), weigh(2, why="second")])
    assert list(AuditEntry.objects.order_by("id").values_list("action", "why")) == [
        ("run.enqueue", "first"),
        ("run.enqueue", "second"),
    ]


def test_five_hundred_fit_and_more_are_refused(send: Send) -> None:
    note = "x" * 900
    items = [{"job": "tests.weigh", "params": {"tons": n % 30, "note": note}} for n in range(500)]
    assert send(items).json()["accepted"] == 500
    for wrong in ([], [weigh(1)] * 501, "weigh", None, [1]):
        answer = send(wrong)
        assert (answer.status_code, answer.json()["errors"][0]["field"].split(".")[0]) == (422, "items"), wrong


def test_the_body_may_take_a_megabyte_and_each_item_ten_levels(send: Send, as_: As) -> None:
    raw = b'{"items": [' + b" " * MAX_BATCH_BYTES + b"]}"
    answer = as_("dispatcher").generic("POST", URL, raw, "application/json")
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert "1,048,576" in answer.json()["detail"]
    nested: Any = "x"
    for _ in range(9):
        nested = [nested]
    assert send([{"job": "tests.weigh", "params": nested}]).json()["items"][0]["status"] == 422
    answer = send([{"job": "tests.weigh", "params": [nested]}])
    assert (answer.status_code, answer.json()["code"]) == (422, "too_deep")


def test_one_key_is_for_the_whole_batch(send: Send) -> None:
    items = [weigh(1), weigh(31), weigh(2)]
    first, again = (send(items, **{HEADER: "k1"}) for _ in range(2))
    assert (first.json(), REPLAYED in first) == (again.json(), False)
    assert (again.status_code, again[REPLAYED]) == (202, "true")
    assert (Run.objects.count(), IdempotencyRecord.objects.count()) == (2, 1)
    other = send([weigh(1)], **{HEADER: "k1"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_conflict")


def test_a_replay_is_not_for_whom_the_queue_is_closed_by_now(send: Send, people: Any) -> None:
    send([weigh(1)], **{HEADER: "k1"})
    people["dispatcher"].groups.set(people["manager"].groups.all())
    assert send([weigh(1)], **{HEADER: "k1"}).status_code == 202  # managers run these, too
    send([{"job": "tests.bill", "params": {"tons": 1}}], **{HEADER: "k2"})
    people["dispatcher"].groups.clear()
    assert send([weigh(1)], **{HEADER: "k1"}).status_code == 403


def test_a_database_that_goes_away_leaves_nothing_half_done(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: Any, **kwargs: Any) -> None:
        raise DatabaseError("server closed the connection unexpectedly")

    with monkeypatch.context() as broken:
        broken.setattr("queues.api.batch_accepting.ask", away)
        answer = send([weigh(1), weigh(2), weigh(3, dedupe_key="d")], **{HEADER: "k1"})
    assert (answer.status_code, answer.json()["code"]) == (503, "database_away")
    assert not Run.objects.exists() and not IdempotencyRecord.objects.exists()
    assert REPLAYED not in send([weigh(1), weigh(2), weigh(3, dedupe_key="d")], **{HEADER: "k1"})


@pytest.mark.django_db(transaction=True)
def test_runs_are_released_after_the_whole_batch_is_stored(send: Send, rung: list[Any]) -> None:
    send([weigh(1), weigh(2), weigh(3, dedupe_key="d"), weigh(31)])
    assert [queue for queue, *_ in rung] == ["route-optimization"] * 3


@pytest.mark.parametrize(
    ("body", "jobs_asked_for"),
    [
        ({"items": [{}, {}, {}]}, 3),
        ({"items": []}, 1),
        ({"items": [{}] * 501}, 500),
        ({"items": "many"}, 1),
        ([1, 2], 1),
        ({}, 1),
    ],
)
def test_it_costs_as_many_jobs_as_it_has_items(body: Any, jobs_asked_for: int) -> None:
    raw = APIRequestFactory().post(URL, body, format="json")
    assert JobsBatch().cost(Request(raw, parsers=[BatchJSONParser()])) == jobs_asked_for
