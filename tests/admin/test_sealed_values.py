"""Personal parameters in the admin: typed in clear, shown as a blot, kept by who does not touch them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pydantic
import pytest
from django.test import Client

from queues import registry
from queues.contract import Actor
from queues.engine.dispatch import enqueue_job
from queues.models import AuditEntry, JobDefinition, Run
from queues.sealing import Sealed

JOB, CANARY = "tests.remind", "canary-7f3d91@example.org"


class Remind(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")
    customer: str
    mail: Sealed[str]
    cards: Sealed[list[int]] = pydantic.Field(default_factory=list)


@pytest.fixture(autouse=True)
def remind() -> Iterator[registry.JobSpec[Remind]]:
    yield registry.spec(JOB, queue="notifications", params=Remind)
    registry.forget(JOB)


@pytest.fixture
def definition(db: None, remind: Any) -> JobDefinition:
    params = remind.dump(Remind(customer="C-17", mail=CANARY, cards=[4111]))
    made: JobDefinition = JobDefinition.objects.create(name="Remind", job=JOB, params=params)
    return made


def test_pages_show_a_blot(as_: Callable[[str], Client], definition: JobDefinition) -> None:
    ref = enqueue_job(JOB, definition.params, actor=Actor.system("tests"))
    client = as_("dispatcher")
    run = client.get(f"/admin/queues/run/{ref.id}/change/")
    assert run.status_code == 200
    assert "•••" in run.content.decode() and "C-17" in run.content.decode() and "sealed:" not in run.content.decode()
    entry = AuditEntry.objects.latest("id")
    page = as_("admin").get(f"/admin/queues/auditentry/{entry.pk}/change/").content.decode()
    assert "C-17" in page and CANARY not in page and "sealed:" not in page


def test_run_now_with_the_value_untouched_keeps_it(
    as_: Callable[[str], Client], definition: JobDefinition, remind: Any
) -> None:
    address = f"/admin/queues/jobdefinition/{definition.pk}/run/"
    form = as_("dispatcher").get(address)
    told = form.context["form"].initial
    assert CANARY not in form.content.decode() and "Kept encrypted" in form.content.decode()
    given = {"param_customer": "C-18", "param_mail": told["param_mail"], "param_cards": told["param_cards"]}
    as_("dispatcher").post(address, given)
    assert remind.validate(Run.objects.get().parameters) == Remind(customer="C-18", mail=CANARY, cards=[4111])


def test_run_now_with_another_value_takes_that(
    as_: Callable[[str], Client], definition: JobDefinition, remind: Any
) -> None:
    given = {"param_customer": "C-18", "param_mail": "new@example.org", "param_cards": "[1, 2]"}
    as_("dispatcher").post(f"/admin/queues/jobdefinition/{definition.pk}/run/", given)
    assert remind.validate(Run.objects.get().parameters) == Remind(
        customer="C-18", mail="new@example.org", cards=[1, 2]
    )
