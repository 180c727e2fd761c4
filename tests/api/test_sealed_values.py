"""Personal parameters at the API: taken in clear, told sealed, given back as they are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pydantic
import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

from queues import registry
from queues.models import IdempotencyRecord, Run
from queues.sealing import Sealed

pytestmark = pytest.mark.django_db
As = Callable[[str], APIClient]
JOB, CANARY = "tests.remind", "canary-7f3d91@example.org"


class Remind(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")
    customer: str
    mail: Sealed[str] = pydantic.Field(max_length=60)
    born: Sealed[int] = 0


@pytest.fixture(autouse=True)
def remind() -> Iterator[registry.JobSpec[Remind]]:
    yield registry.spec(JOB, queue="billing", params=Remind)
    registry.forget(JOB)


def body(**changed: Any) -> dict[str, Any]:
    return {"job": JOB, "params": {"customer": "C-17", "mail": CANARY, "born": 1980, **changed}}


def test_no_answer_tells_the_value_and_the_handler_would_get_it(as_: As, rung: list[Any], remind: Any) -> None:
    client = as_("manager")
    answers = [
        client.post("/api/v1/queue/jobs", body(), format="json", headers={"Idempotency-Key": "k"}),
        client.post("/api/v1/queue/jobs", body(), format="json", headers={"Idempotency-Key": "k"}),
        client.post("/api/v1/queue/jobs/batch", {"items": [body(), body(customer="C-18")]}, format="json"),
        client.get("/api/v1/runs?queue=billing"),
        client.get(f"/api/v1/runs/{Run.objects.latest('id').id}"),
        as_("admin").get("/api/v1/audit"),
    ]
    for answer in answers:
        assert answer.status_code < 300, answer.content
        assert CANARY not in answer.content.decode() and "1980" not in str(answer.json().get("params", ""))
    told = answers[4].json()["params"]
    assert told["mail"].startswith("sealed:") and told["born"].startswith("sealed:")
    assert remind.validate(told) == Remind(customer=told["customer"], mail=CANARY, born=1980)
    assert CANARY not in str(list(IdempotencyRecord.objects.values()))


def test_a_definition_given_back_as_it_was_read_keeps_its_values(as_: As, remind: Any) -> None:
    client = as_("manager")
    made = client.post("/api/v1/definitions", {"name": "Remind", **body()}, format="json")
    assert made.status_code == 201, made.content
    url = f"/api/v1/definitions/{made.json()['id']}"
    read = client.get(url)
    params = {**read.json()["params"], "customer": "C-99"}
    written = client.patch(url, {"params": params}, format="json", headers={"If-Match": read["ETag"]})
    assert written.status_code == 200, written.content
    assert remind.validate(written.json()["params"]) == Remind(customer="C-99", mail=CANARY, born=1980)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"mail": "sealed:00000000:AAAA"}, "params.mail"),
        ({"mail": "x" * 61}, "params.mail"),
        ({"born": "never"}, "params.born"),
    ],
)
def test_a_wrong_value_is_told_by_its_field_alone(as_: As, rung: list[Any], wrong: dict[str, Any], field: str) -> None:
    answer = as_("manager").post("/api/v1/queue/jobs", body(**wrong), format="json")
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == [field]
    assert not Run.objects.exists()


def test_the_audit_export_has_no_value_in_clear(as_: As, rung: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    as_("manager").post("/api/v1/queue/jobs", body(), format="json")
    call_command("export_audit")
    told = capsys.readouterr().out
    assert JOB in told and "C-17" in told and CANARY not in told
