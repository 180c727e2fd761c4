"""POST initialize: what is missing is made once, what is wrong is told. And the admins' figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from queues import catalogue, registry
from queues.contract import Actor
from queues.ledger import clock
from queues.models import AuditEntry, JobDefinition, Queue, Run, Schedule
from queues.registry import NoParams
from queues.watch import initialize

pytestmark = pytest.mark.django_db
URL = "/api/v1/queue/initialize"
As = Callable[[str], APIClient]


def test_a_new_installation_gets_its_rows_definitions_and_schedules(as_: As, people: Any) -> None:
    Queue.objects.filter(name__in=["billing", "email"]).delete()
    answer = as_("admin").post(URL, {"why": "new here"}, format="json")
    told = answer.json()
    assert answer.status_code == 200
    recurring = [spec for spec in registry.specs() if spec.recurs is not None]
    assert told["made"] == {
        "queues": ["billing", "email"],
        "definitions": [spec.title for spec in recurring],
        "schedules": [f"{spec.title}, by itself" for spec in recurring],
    }
    assert "Clean the history" in told["made"]["definitions"]
    schedule = Schedule.objects.select_related("definition").get(definition__job="queues.clean_history")
    assert (schedule.cron, schedule.next_fire_at is not None) == ("15 3 * * *", True)
    assert set(AuditEntry.objects.values_list("action", "why")) == {
        ("definition.create", "new here"),
        ("schedule.create", "new here"),
    }
    assert {each["purpose"] for each in told["connections"]} >= {"database", "queue", "cache"}


def test_again_it_makes_nothing_and_changes_nothing(as_: As, people: Any) -> None:
    as_("admin").post(URL)
    Schedule.objects.update(cron="0 5 * * *", enabled=False)
    again = as_("admin").post(URL).json()
    assert again["made"] == {"queues": [], "definitions": [], "schedules": []}
    assert (set(Schedule.objects.values_list("cron", flat=True)), Queue.objects.count()) == (
        {"0 5 * * *"},
        len(catalogue.NAMES),
    )


def test_a_definition_there_is_gets_the_schedule(as_: As, people: Any) -> None:
    mine = JobDefinition.objects.create(name="Ours", job="queues.clean_history", params={})
    made = as_("admin").post(URL).json()["made"]
    assert "Clean the history" not in made["definitions"]
    assert Schedule.objects.get(definition__job="queues.clean_history").definition_id == mine.pk


def test_a_name_that_is_taken_is_counted_up(people: Any) -> None:
    JobDefinition.objects.create(name="Clean the history", job="queues.ping", params={})
    made = initialize.make_missing(actor=Actor.system("tests"))
    assert "Clean the history 2" in made.definitions and "Clean the history" not in made.definitions


@pytest.fixture
def unbound() -> Iterator[None]:
    registry.spec("tests.unbound", queue="reports", params=NoParams)
    yield
    registry.forget("tests.unbound")


def test_what_is_wrong_is_told_with_how_to_mend_it(as_: As, people: Any, unbound: None) -> None:
    JobDefinition.objects.create(name="Old", job="tests.was_here_once", params={})
    told = as_("admin").post(URL).json()
    wrong = {each["about"]: each for each in told["wrong"]}
    assert {"definition Old", "job tests.unbound", "workers", "queue"} <= set(wrong)  # no Redis is there, and no worker
    assert (told["ready"], wrong["job tests.unbound"]["level"], wrong["definition Old"]["level"]) == (
        False, "fault", "warning",
    )  # fmt: skip
    assert all(each["text"] for each in told["wrong"])


def test_a_key_answers_as_first(as_: As, people: Any) -> None:
    first, again = (as_("admin").post(URL, headers={"Idempotency-Key": "k1"}) for _ in range(2))
    assert (first.json(), again["Idempotency-Replayed"]) == (again.json(), "true")
    assert first.json()["made"]["schedules"] != []


def test_what_every_job_recurs_by_is_a_cron() -> None:
    from queues.timetable import cron

    for spec in registry.specs():
        if spec.recurs is not None:
            assert cron.normalise(spec.recurs)


# --- the admins' figures ---


def test_admins_see_every_figure_and_what_ended_last(as_: As, a_run: Callable[..., Run]) -> None:
    at = clock.now()
    for state in ("dead", "succeeded"):
        a_run(
            "billing",
            state=state,
            started_at=at - timedelta(seconds=1),
            finished_at=at,
            error_type="E" * (state == "dead"),
        )
    a_run()
    client = as_("admin")
    told = client.get("/api/admin/queue/stats").json()
    stats = client.get("/api/v1/queue/stats").json()
    assert told["totals"] == stats["totals"] and len(told["queues"]) == len(catalogue.NAMES)
    assert [(each["queue"], each["state"], each["error"]["type"]) for each in told["failed"]] == [
        ("billing", "dead", "E")
    ]
    assert [each["state"] for each in told["succeeded"]] == ["succeeded"]
    assert {each["queue"] for each in told["in_force"]} == set(catalogue.NAMES)
    assert as_("manager").get("/api/admin/queue/stats").status_code == 403
