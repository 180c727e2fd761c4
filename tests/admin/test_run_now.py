"""Run now: wrong values are told beside their field, right ones become a run and an audit entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.test import Client

from queues.models import AuditEntry, JobDefinition, Run

RIGHT = {
    "param_day": "2026-11-25",
    "param_depot": "EAST",
    "param_time_limit_s": "20",
    "param_objective": "distance",
    "param_mood": "calm",
}


def address(definition: JobDefinition) -> str:
    return f"/admin/queues/jobdefinition/{definition.pk}/run/"


def test_the_form_starts_from_the_definition_and_tells_the_impact(
    as_: Callable[[str], Client], definition: JobDefinition
) -> None:
    page = as_("dispatcher").get(address(definition)).content.decode()
    assert 'value="2026-11-24"' in page and 'value="MAIN"' in page and 'value="12"' in page
    assert "Replaces the day&#x27;s draft." in page


def test_a_wrong_value_is_told_beside_its_field_and_nothing_runs(
    as_: Callable[[str], Client], definition: JobDefinition
) -> None:
    answer = as_("dispatcher").post(address(definition), {**RIGHT, "param_time_limit_s": "0"})
    assert answer.status_code == 200
    assert answer.context["form"].errors == {"param_time_limit_s": ["This must be greater than or equal to 1"]}
    beside = answer.content.decode().split('name="param_time_limit_s"')[1].split("<input")[0]
    assert "This must be greater than or equal to 1" in beside
    assert not Run.objects.exists() and not AuditEntry.objects.exists()


def test_right_values_become_a_run_and_an_audit_entry(as_: Callable[[str], Client], definition: JobDefinition) -> None:
    answer = as_("dispatcher").post(address(definition), {**RIGHT, "why": "The snow"}, follow=True)
    run = Run.objects.get()
    assert answer.redirect_chain == [(f"/admin/queues/run/{run.pk}/change/", 302)]
    assert "is in the queue" in answer.content.decode()
    assert run.state == "pending" and run.actor == "dispatcher" and run.definition == definition
    assert run.params["depot"] == "EAST" and run.params["time_limit_s"] == 20
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.why, entry.object_id) == (
        "run.enqueue",
        "dispatcher",
        "The snow",
        str(run.pk),
    )


def test_a_cleared_field_means_the_jobs_default_not_the_definitions_value(
    as_: Callable[[str], Client], definition: JobDefinition
) -> None:
    as_("dispatcher").post(address(definition), {**RIGHT, "param_time_limit_s": ""})
    assert Run.objects.get().params["time_limit_s"] == 30


def test_a_later_time_makes_a_scheduled_run_and_a_past_one_an_error(
    as_: Callable[[str], Client], definition: JobDefinition
) -> None:
    browser = as_("dispatcher")
    past = browser.post(address(definition), {**RIGHT, "at": "2020-01-01T10:00"})
    assert "This time is in the past" in str(past.context["form"].errors["at"])
    browser.post(address(definition), {**RIGHT, "at": "2126-01-01T10:00"})
    assert Run.objects.get().state == "scheduled"


def test_a_definition_that_is_off_is_not_run(as_: Callable[[str], Client], definition: JobDefinition) -> None:
    JobDefinition.objects.update(enabled=False)
    answer = as_("dispatcher").post(address(definition), RIGHT)
    assert "switched off" in answer.content.decode() and not Run.objects.exists()


def test_a_unique_definition_leads_to_the_run_that_is_live(
    as_: Callable[[str], Client], definition: JobDefinition
) -> None:
    JobDefinition.objects.update(unique=True)
    browser: Any = as_("dispatcher")
    browser.post(address(definition), RIGHT)
    second = browser.post(address(definition), RIGHT, follow=True)
    assert Run.objects.count() == 1 and "has a live run already" in second.content.decode()


def test_a_definition_whose_handler_is_gone_says_so(as_: Callable[[str], Client]) -> None:
    lost = JobDefinition.objects.create(name="Lost", job="tests.gone")
    answer = as_("admin").get(f"/admin/queues/jobdefinition/{lost.pk}/change/")
    assert "No installed handler is named" in answer.content.decode()
