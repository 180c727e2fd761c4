"""GET /api/v1/runs and one run by its id: filters, pages that hold still, few columns and few queries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from queues import policy
from queues.api.idempotency import REPLAYED
from queues.ledger import clock
from queues.ledger.requests import id_floor, new_id
from queues.models import AuditEntry, JobDefinition, Run, RunEvent, RunLogLine, Schedule

pytestmark = pytest.mark.django_db
URL = "/api/v1/runs"
MakeRun = Callable[..., Run]
As = Callable[[str], APIClient]


@pytest.fixture
def ids(as_: As) -> Callable[..., list[str]]:
    """The ids that a list tells, by its query."""

    def get(query: str = "", who: str = "manager") -> list[str]:
        answer = as_(who).get(f"{URL}?{query}")
        assert answer.status_code == 200, answer.content
        return [each["id"] for each in answer.json()["items"]]

    return get


def finished(make: MakeRun, state: str, ago_s: float, queue: str = "route-optimization", **values: Any) -> Run:
    at = clock.now() - timedelta(seconds=ago_s)
    return make(queue, state=state, started_at=at - timedelta(seconds=1), finished_at=at, **values)


def test_the_newest_come_first_and_the_oldest_if_asked(ids: Callable[..., list[str]], a_run: MakeRun) -> None:
    made = [str(a_run().id) for _ in range(3)]
    assert ids() == made[::-1]
    assert ids("order=created") == made


def test_pages_hold_still_while_runs_are_added(as_: As, a_run: MakeRun) -> None:
    made = [str(a_run().id) for _ in range(5)]
    client, seen, link = as_("manager"), [], f"{URL}?limit=2&state=pending"
    while link:
        answer = client.get(link)
        told = answer.json()
        seen += [each["id"] for each in told["items"]]
        assert answer.headers.get("Link") == (f'<{told["next"]}>; rel="next"' if told["next"] else None)
        link = told["next"]
        a_run()
    assert seen == made[::-1]
    assert set(told) == {"items", "next"}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("cursor=nonsense", "cursor"),
        ("cursor=WyJ4Il0", "cursor"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("order=sideways", "order"),
        ("state=pending,lost", "state"),
        ("state=", "state"),
        ("fields=id,colour", "fields"),
        ("created_since=2026-11-23T05:30:00", "created_since"),
        ("finished_since=2026-11-24T05:30:00Z&finished_until=2026-11-23T05:30:00Z", "finished_until"),
        ("q=x", "q"),
        ("qeue=billing", "qeue"),
    ],
)
def test_what_cannot_be_meant_is_told_at_its_name(as_: As, a_run: MakeRun, query: str, field: str) -> None:
    answer = as_("manager").get(f"{URL}?{query}")
    assert (answer.status_code, [each["field"] for each in answer.json()["errors"]]) == (422, [field])


def test_an_unknown_field_names_the_valid_ones(as_: As, people: Any) -> None:
    (error,) = as_("manager").get(f"{URL}?fields=id,colour").json()["errors"]
    assert "colour" in error["message"] and "finished_at" in error["message"]


def test_filters_hold_together(ids: Callable[..., list[str]], a_run: MakeRun) -> None:
    dead, done = finished(a_run, "dead", 10), finished(a_run, "succeeded", 20)
    bill, keyed = a_run("billing"), a_run(concurrency_key="customer:7")
    assert ids("state=dead") == [str(dead.id)]
    assert ids("state=dead,succeeded") == [str(done.id), str(dead.id)]
    assert ids("queue=billing") == ids("job=tests.bill") == [str(bill.id)]
    assert ids("queue=billing&state=dead") == []
    assert ids("concurrency_key=customer:7") == [str(keyed.id)]


def test_an_alias_finds_its_queue_and_an_unknown_one_is_404(as_: As, a_run: MakeRun) -> None:
    run = a_run(queue="route-optimization")
    Run.objects.update(queue="external-api")
    told = as_("admin").get(f"{URL}?queue=external-api-coordination").json()
    assert [each["id"] for each in told["items"]] == [str(run.id)]
    answer = as_("admin").get(f"{URL}?queue=extrenal")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_queue")


def test_a_definition_and_a_schedule_are_found_by_name(ids: Callable[..., list[str]], a_run: MakeRun) -> None:
    definition = JobDefinition.objects.create(name="Weigh all", job="tests.weigh", params={"tons": 1})
    schedule = Schedule.objects.create(name="Nightly", definition=definition, cron="0 3 * * *")
    run, _ = a_run(definition=definition, schedule=schedule), a_run()
    assert ids("definition=Weigh all") == ids("schedule=Nightly") == ids("q=weigh al") == [str(run.id)]
    assert ids("definition=Weigh none") == ids("schedule=Daily") == []


def test_a_dedupe_key_is_found_as_it_was_asked_for(as_: As, ids: Callable[..., list[str]], a_run: MakeRun) -> None:
    body = {"job": "tests.weigh", "params": {"tons": 1}, "dedupe_key": "day-1"}
    run = as_("dispatcher").post("/api/v1/queue/jobs", body, format="json").json()
    a_run()
    assert ids("dedupe_key=day-1") == ids("dedupe_key=day-1&job=tests.weigh") == ids("q=day-1") == [run["id"]]
    assert ids("dedupe_key=day-1&job=tests.bill") == []


def test_times_bound_a_list_at_both_ends(ids: Callable[..., list[str]], a_run: MakeRun) -> None:
    old, new = finished(a_run, "succeeded", 7200), finished(a_run, "dead", 60)
    since = (clock.now() - timedelta(hours=1)).isoformat().replace("+", "%2B")
    assert ids(f"finished_since={since}") == [str(new.id)]
    assert ids(f"finished_until={since}") == [str(old.id)]
    assert set(ids(f"created_since={since}")) == {str(old.id), str(new.id)}
    assert ids(f"created_until={since}") == []


def test_a_text_finds_ids_titles_and_keys(ids: Callable[..., list[str]], a_run: MakeRun) -> None:
    run = a_run(concurrency_key="customer:7")
    bill = a_run("billing")
    assert ids(f"q={run.id}") == ids("q=customer:7") == [str(run.id)]
    assert set(ids("q=weigh a load")) == {str(run.id), str(bill.id)}  # the title of both
    assert ids("q=tests.bi") == [str(bill.id)]
    assert ids("q=nothing like it") == []


def test_only_the_asked_fields_are_told_and_read(as_: As, a_run: MakeRun) -> None:
    run = a_run()
    client = as_("manager")
    assert client.get(f"{URL}?fields=id,state,params").json()["items"] == [
        {"id": str(run.id), "state": "pending", "params": {"tons": 3, "note": ""}}
    ]
    (usual,) = client.get(URL).json()["items"]
    assert not {"params", "result", "events"} & set(usual)
    one = client.get(usual["url"]).json()
    assert {name: one[name] for name in usual if name != "concurrency_key"} == {
        name: value for name, value in usual.items() if name != "concurrency_key"
    }


@pytest.mark.parametrize("query", ["", "fields=id,definition,schedule,params,result,error,progress", "q=weigh"])
def test_a_list_takes_as_many_queries_however_many_runs_there_are(as_: As, a_run: MakeRun, query: str) -> None:
    definition = JobDefinition.objects.create(name="Weigh all", job="tests.weigh", params={"tons": 1})
    client, counts = as_("manager"), []
    a_run(definition=definition)
    client.get(URL)  # what is read once a minute, and not for this, is read by now
    for _ in range(2):
        with CaptureQueriesContext(connection) as seen:
            assert client.get(f"{URL}?{query}").status_code == 200
        counts.append(len(seen))
        for _ in range(20):
            a_run(definition=definition)
    assert counts[0] == counts[1] <= 3


def test_who_may_read_one_queue_sees_that_one_alone(
    as_: As, ids: Callable[..., list[str]], a_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(policy._READS, policy.DISPATCHER, frozenset({"route-optimization"}))
    mine, other = a_run(), a_run("billing")
    assert ids("", "dispatcher") == [str(mine.id)]
    client = as_("dispatcher")
    assert client.get(f"{URL}?queue=billing").status_code == 404
    assert ids(f"q={other.id}", "dispatcher") == []
    for path in ("", "/progress", "/log", "/events", "/stream"):
        assert client.get(f"{URL}/{other.id}{path}").status_code == 404, path
        assert client.get(f"{URL}/{mine.id}{path}").status_code == 200, path
    for verb in ("cancel", "retry"):
        assert client.post(f"{URL}/{other.id}/{verb}").status_code == 404


def test_an_id_floor_is_below_every_id_of_its_moment() -> None:
    before = datetime.now(UTC)
    made = new_id()
    assert id_floor(before) <= made <= id_floor(before + timedelta(seconds=60))
    assert id_floor(datetime(1960, 1, 1, tzinfo=UTC)) == UUID(int=0)


# --- one run ---


def test_a_run_by_its_id_is_the_same_as_under_its_queue(as_: As, a_run: MakeRun) -> None:
    run, client = a_run(), as_("manager")
    assert client.get(f"{URL}/{run.id}").json() == client.get(f"/api/v1/queue/{run.queue}/jobs/{run.id}").json()
    answer = client.get(f"{URL}/{new_id()}")
    assert (answer.status_code, answer.json()["detail"]) == (404, "There is no such run.")


def test_progress_is_small_and_in_percent(as_: As, a_run: MakeRun) -> None:
    run = a_run(progress_done=1, progress_total=3, progress_note="one of three")
    told = as_("manager").get(f"{URL}/{run.id}/progress").json()
    assert (told["state"], told["done"], told["percent"], told["note"]) == ("pending", 1.0, 33.3, "one of three")
    Run.objects.update(progress_total=0)
    assert as_("manager").get(f"{URL}/{run.id}/progress").json()["percent"] is None


def test_a_log_is_read_in_pages_and_as_text(as_: As, a_run: MakeRun) -> None:
    run, client = a_run(), as_("manager")
    at = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    for n in range(3):
        RunLogLine.objects.create(run=run, at=at, attempt=1, level="info", message=f"line {n}")
    first = client.get(f"{URL}/{run.id}/log?limit=2").json()
    assert [each["message"] for each in first["items"]] == ["line 0", "line 1"]
    rest = client.get(first["next"]).json()
    assert ([each["message"] for each in rest["items"]], rest["next"]) == (["line 2"], None)
    text = client.get(f"{URL}/{run.id}/log?limit=2", headers={"Accept": "text/plain"})
    assert text["Content-Type"] == "text/plain; charset=utf-8"
    assert text.content.decode().splitlines() == [
        "2026-11-23T12:00:00.000Z info    1 line 0",
        "2026-11-23T12:00:00.000Z info    1 line 1",
    ]
    assert text["Link"].endswith('; rel="next"')


def test_all_events_are_read_in_pages(as_: As, a_run: MakeRun) -> None:
    run, client = a_run(), as_("manager")
    for n in range(3):
        RunEvent.objects.create(run=run, at=clock.now(), kind="retry", attempt=n)
    first = client.get(f"{URL}/{run.id}/events?limit=2").json()
    rest = client.get(first["next"]).json()
    assert [each["attempt"] for each in first["items"] + rest["items"]] == [0, 1, 2]


def test_verbs_by_id_are_the_same_services_and_may_be_sent_again(as_: As, a_run: MakeRun) -> None:
    run, client = a_run(), as_("dispatcher")
    answers = [
        client.post(f"{URL}/{run.id}/cancel", {"why": "a mistake"}, format="json", headers={"Idempotency-Key": "k1"})
        for _ in range(2)
    ]
    assert [(each.status_code, each.json()["state"]) for each in answers] == [(200, "cancelled")] * 2
    assert [REPLAYED in each for each in answers] == [False, True]
    assert AuditEntry.objects.get(action="run.cancel").why == "a mistake"
    assert client.post(f"{URL}/{run.id}/cancel").json()["code"] == "wrong_state"
    assert client.post(f"{URL}/{run.id}/retry").json()["state"] == "pending"


def test_who_may_only_read_a_run_is_told_so(as_: As, a_run: MakeRun) -> None:
    answer = as_("dispatcher").post(f"{URL}/{a_run('billing').id}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
