"""POST jobs/recurring: a job or a definition by itself, by the rules of the admin's form."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from queues.ledger import clock
from queues.models import AuditEntry, JobDefinition, Schedule

pytestmark = pytest.mark.django_db
URL = "/api/v1/queue/jobs/recurring"
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
As = Callable[[str], APIClient]
Send = Callable[..., Any]
NIGHTLY = {"name": "Each night", "job": "tests.weigh", "params": {"tons": 4}, "cron": "30 3 * * *"}


@pytest.fixture
def send(as_: As, jobs: Any, rung: Any) -> Send:
    def post(body: Any, who: str = "dispatcher", **headers: str) -> Any:
        with clock.frozen(NOON):
            return as_(who).post(URL, body, format="json", headers=headers)

    return post


def test_a_job_gets_a_definition_and_a_schedule_both_audited(send: Send, as_: As) -> None:
    answer = send({**NIGHTLY, "why": "asked for"})
    told = answer.json()
    assert (answer.status_code, told["kind"], told["definition"], told["job"]) == (
        201,
        "cron",
        "Each night",
        "tests.weigh",
    )
    row = Schedule.objects.get()
    assert answer["Location"] == told["url"] == f"/api/v1/schedules/{row.pk}"
    assert as_("dispatcher").get(told["url"]).json() == told
    assert row.next_fire_at == datetime(2026, 11, 24, 3, 30, tzinfo=UTC)
    assert (row.params, row.definition.params) == ({}, {"tons": 4, "note": ""})
    entries = AuditEntry.objects.order_by("id").values_list("action", "why", "actor", "source")
    assert list(entries) == [
        ("definition.create", "asked for", "dispatcher", "api"),
        ("schedule.create", "asked for", "dispatcher", "api"),
    ]


def test_a_definition_is_put_on_a_schedule_with_parameters_over_its_own(send: Send) -> None:
    JobDefinition.objects.create(name="Weigh all", job="tests.weigh", params={"tons": 5})
    answer = send({"name": "Often", "definition": "Weigh all", "interval_s": 900, "params": {"note": "often"}})
    assert (answer.status_code, answer.json()["kind"], answer.json()["interval_s"]) == (201, "interval", 900)
    assert (Schedule.objects.get().params, JobDefinition.objects.count()) == ({"note": "often"}, 1)


def test_one_moment_is_a_schedule_too(send: Send) -> None:
    told = send({**{k: v for k, v in NIGHTLY.items() if k != "cron"}, "run_at": "2026-11-24T05:00:00+01:00"}).json()
    assert (told["kind"], told["run_at"]) == ("once", "2026-11-24T04:00:00.000Z")


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"cron": "61 * * * *"}, {"cron"}),
        ({"timezone": "Europe/Nowhere"}, {"timezone"}),
        ({"interval_s": 60}, {""}),
        ({"cron": ""}, {""}),
        ({"kind": "once"}, {"kind"}),
        ({"params": {"tons": 31}}, {"params.tons"}),
        ({"definition": "Weigh all"}, {""}),
        ({"cron": "", "run_at": "2026-11-23T11:00:00Z"}, {"run_at"}),
        ({"ends_at": "2026-11-23T11:00:00Z"}, {"ends_at"}),
        ({"evry": 5}, {"evry"}),
    ],
)
def test_what_the_form_would_refuse_is_told_at_its_field(send: Send, change: dict[str, Any], fields: set[str]) -> None:
    answer = send({**NIGHTLY, **change})
    assert answer.status_code == 422, answer.json()
    assert {each["field"] for each in answer.json()["errors"]} == fields
    assert not Schedule.objects.exists() and not JobDefinition.objects.exists() and not AuditEntry.objects.exists()


def test_a_name_is_one_schedules_alone(send: Send) -> None:
    assert send(NIGHTLY).status_code == 201
    answer = send(NIGHTLY)
    assert (answer.status_code, [each["field"] for each in answer.json()["errors"]]) == (422, ["name"])
    Schedule.objects.all().delete()
    answer = send(NIGHTLY)  # its definition is there still
    assert (answer.status_code, [each["field"] for each in answer.json()["errors"]]) == (422, ["name"])


def test_the_queue_of_the_job_decides_who_may(send: Send) -> None:
    JobDefinition.objects.create(name="Bill all", job="tests.bill", params={"tons": 1})
    for body in ({**NIGHTLY, "job": "tests.bill"}, {"name": "Often", "definition": "Bill all", "interval_s": 60}):
        assert send(body).status_code == 403
        assert send(body, who="manager").status_code == 201
    assert send({**NIGHTLY, "job": "tests.wiegh"}).json()["code"] == "unknown_job"
    body = {"name": "x", "definition": "Bill al", "interval_s": 60}
    assert send(body).json()["code"] == "unknown_definition"


def test_it_may_be_sent_again(send: Send) -> None:
    first, again = (send(NIGHTLY, **{"Idempotency-Key": "k1"}) for _ in range(2))
    assert (again.status_code, again.json()["id"], again["Idempotency-Replayed"]) == (201, first.json()["id"], "true")
    assert (Schedule.objects.count(), JobDefinition.objects.count()) == (1, 1)
