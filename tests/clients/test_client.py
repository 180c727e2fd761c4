"""The client's methods, against the application itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from roundsman_client import ApiError, Client, TimedOut

from queues.models import JobDefinition, Queue, Run, Schedule

from .conftest import BILL, JOB, Naps, end, writes

SignedIn = Callable[..., Client]
SOON = datetime(2999, 1, 1, tzinfo=UTC)


def test_a_run_is_asked_for_and_read(signed_in: SignedIn) -> None:
    client = signed_in()
    run = client.run_job(JOB, {"tons": 3}, priority=7, why="A test")
    assert (run.job, run.state, run.priority, run.params, run.ended) == (
        JOB,
        "pending",
        7,
        {"tons": 3, "note": ""},
        False,
    )
    assert client.read_run(run.id).created_at == run.created_at
    later = client.run_job(JOB, {"tons": 3}, at=datetime.now(UTC) + timedelta(days=1))
    assert later.state == "scheduled" and later.due_at is not None and later.due_at.tzinfo is not None


def test_a_run_that_ends_in_time_is_answered_with_its_result(signed_in: SignedIn, quick: None) -> None:
    run = signed_in().run_job(JOB, {"tons": 3}, wait_s=5)
    assert run.succeeded and run.result == {"tons": 3}


def test_waiting_ends_with_the_run_or_with_the_time(signed_in: SignedIn) -> None:
    ids: list[str] = []
    naps = Naps(lambda: None, lambda: end(*ids, state="dead", error_code="spilled", error_message="All of it"))
    client = signed_in(sleep=naps)
    ids.append(client.run_job(JOB, {"tons": 3}).id)
    run = client.wait(ids[0])
    assert run.ended and not run.succeeded and run.error is not None and run.error.code == "spilled"
    waiting = client.run_job(JOB, {"tons": 4})
    with pytest.raises(TimedOut, match="goes on"):
        client.wait(waiting.id, 0)


def test_a_definition_is_run_by_its_name(signed_in: SignedIn) -> None:
    JobDefinition.objects.create(name="Haul it all", job=JOB, params={"tons": 30})
    client = signed_in()
    assert [each.name for each in client.definitions(text="haul")] == ["Haul it all"]
    run = client.run_job(definition="Haul it all", params={"note": "now"})
    assert (run.definition, run.params) == ("Haul it all", {"tons": 30, "note": "now"})


def test_lists_go_on_over_their_pages(signed_in: SignedIn) -> None:
    client = signed_in()
    made = [client.run_job(job, {"tons": tons}).id for tons in range(3) for job in (JOB, BILL)]
    found = client.runs(limit=2, state=["pending", "scheduled"], created_since=datetime(2020, 1, 1, tzinfo=UTC))
    assert [run.id for run in found] == made[::-1]
    assert [run.raw for run in client.runs(limit=1, queue="billing", fields=["state"])] == [{"state": "pending"}] * 3


def test_a_moment_without_an_offset_is_not_guessed(signed_in: SignedIn) -> None:
    with pytest.raises(ValueError, match="offset"):
        list(signed_in().runs(created_since=datetime(2020, 1, 1)))


def test_runs_are_cancelled_retried_and_read_by_their_lines(signed_in: SignedIn) -> None:
    client = signed_in()
    run = client.run_job(JOB, {"tons": 3})
    assert client.cancel(run.id, why="Not today").state == "cancelled"
    with pytest.raises(ApiError) as refused:
        client.cancel(run.id)
    assert (refused.value.status, refused.value.code) == (409, "wrong_state")
    assert client.retry(run.id).state == "pending"
    writes(run.id, "load 0", "load 1", "load 2")
    assert [line.message for line in client.log(run.id)] == ["load 0", "load 1", "load 2"]


def test_queues_are_steered(signed_in: SignedIn) -> None:
    client = signed_in()
    assert {each.queue for each in client.queues()} == set(Queue.objects.values_list("name", flat=True))
    paused = client.pause_queue("billing", "Prices", until=datetime.now(UTC) + timedelta(hours=1))
    assert paused.paused and paused.pause_reason == "Prices" and paused.paused_until is not None
    assert client.drain_queue("billing", "The month's end").draining
    resumed = client.resume_queue("billing")
    assert not (resumed.paused or resumed.draining)
    with pytest.raises(ApiError) as refused:
        client.pause_queue("no/such?queue", "A test")
    assert refused.value.status == 404


def test_schedules_tell_when_they_fire_and_are_paused(signed_in: SignedIn) -> None:
    definition = JobDefinition.objects.create(name="Haul", job=JOB, params={"tons": 3})
    row = Schedule.objects.create(name="Daily", definition=definition, kind="cron", cron="30 5 * * *", timezone="UTC")
    client = signed_in()
    (found,) = client.schedules(state="on")
    assert (found.id, found.name, found.state) == (row.pk, "Daily", "on")
    fires = client.next_fires(row.pk, 2, tz="Europe/Berlin")
    assert fires[1] - fires[0] in (timedelta(hours=23), timedelta(days=1), timedelta(hours=25))
    assert fires[0].astimezone(UTC).strftime("%H:%M") == "05:30" and fires[0].utcoffset()
    assert client.pause_schedule(row.pk, "Snow").state == "paused"
    assert client.resume_schedule(row.pk).state == "on"


def test_how_the_whole_is(signed_in: SignedIn) -> None:
    client = signed_in()
    assert client.status()["workers"] == []
    assert client.health()["grade"] in "ABCDF"


def test_a_refusal_tells_its_code_its_fields_and_its_id(signed_in: SignedIn) -> None:
    client = signed_in("dispatcher")
    with pytest.raises(ApiError) as wrong:
        client.run_job(JOB, {"tons": 31})
    error = wrong.value
    assert (error.status, error.code) == (422, "invalid_params") and error.request_id
    assert [each.field for each in error.errors] == ["params.tons"]
    with pytest.raises(ApiError) as refused:
        client.run_job(BILL, {"tons": 3})
    assert (refused.value.status, refused.value.code) == (403, "not_allowed")
    assert Run.objects.count() == 0


def test_what_answers_but_is_no_roundsman_is_told(server: str) -> None:
    with Client(server + "/admin/login/?next=", token="x") as client, pytest.raises(ApiError) as wrong:
        client.status()
    assert "address" in wrong.value.detail


def test_many_are_asked_for_at_once_and_each_is_answered_by_itself(signed_in: SignedIn) -> None:
    client = signed_in()
    asked = [
        {"job": JOB, "params": {"tons": 3}},
        {"job": JOB, "params": {"tons": 300}},
        {"job": JOB, "at": datetime.now(UTC) + timedelta(days=1), "params": {"tons": 1}},
    ]
    first, second, third = client.run_many(asked, idempotency_key="k")
    assert first.run is not None and (first.run.state, first.problem, first.status) == ("pending", None, 202)
    assert second.run is None and second.problem is not None and second.problem.status == 422
    assert [each.field for each in second.problem.errors] == ["params.tons"]
    assert third.run is not None and third.run.state == "scheduled"
    assert [each.run and each.run.id for each in client.run_many(asked, idempotency_key="k")] == [
        first.run.id,
        None,
        third.run.id,
    ]
