"""Definitions are made, changed and removed through the services, with the job's own form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.test import Client

from queues.models import AuditEntry, JobDefinition, Run, Schedule

ADD = "/admin/queues/jobdefinition/add/?job=tests.admin_plan"
FORM = {
    "name": "Monday",
    "enabled": "on",
    "param_day": "2026-11-30",
    "param_depot": "MAIN",
    "param_objective": "time",
    "param_mood": "calm",
}


def test_a_definition_is_stored_with_its_parameters_and_audited(as_: Callable[[str], Client]) -> None:
    answer = as_("dispatcher").post(ADD, {**FORM, "param_time_limit_s": "45", "max_attempts": "2"})
    made = JobDefinition.objects.get()
    assert answer.url == f"/admin/queues/jobdefinition/{made.pk}/change/"  # type: ignore[attr-defined]
    assert made.job == "tests.admin_plan" and made.max_attempts == 2
    assert (
        made.params["time_limit_s"] == 45 and made.params["objective"] == "time" and made.params["fuel_usd"] == "1.65"
    )
    entry = AuditEntry.objects.get()
    assert entry.action == "definition.create" and entry.actor == "dispatcher" and entry.after["name"] == "Monday"


def test_wrong_parameters_are_told_beside_their_fields(as_: Callable[[str], Client]) -> None:
    answer: Any = as_("dispatcher").post(
        ADD, {**FORM, "param_depot": "M", "param_stops": '[{"name": "a", "load": -2}]'}
    )
    errors = answer.context["adminform"].form.errors
    assert set(errors) == {"param_depot", "param_stops"} and "item 1, load" in errors["param_stops"][0]
    assert not JobDefinition.objects.exists()


def test_a_change_is_audited_with_before_and_after(as_: Callable[[str], Client], definition: JobDefinition) -> None:
    address = f"/admin/queues/jobdefinition/{definition.pk}/change/"
    browser = as_("dispatcher")
    page = browser.get(address).content.decode()
    assert 'value="MAIN"' in page and 'value="2026-11-24"' in page
    browser.post(address, {**FORM, "name": "Tomorrow", "param_depot": "WEST"})
    entry = AuditEntry.objects.get()
    assert entry.action == "definition.change"
    assert entry.before["params"]["depot"] == "MAIN" and entry.after["params"]["depot"] == "WEST"


def test_deleting_asks_why_and_keeps_the_runs(
    as_: Callable[[str], Client], definition: JobDefinition, run: Callable[..., Run]
) -> None:
    run("succeeded")
    Schedule.objects.create(name="Nightly", definition=definition, cron="0 5 * * *")
    address = f"/admin/queues/jobdefinition/{definition.pk}/delete/"
    browser = as_("dispatcher")
    assert "Its schedule goes with it" in browser.get(address).content.decode()
    browser.post(address, {"why": "No longer needed"})
    assert not JobDefinition.objects.exists() and not Schedule.objects.exists() and Run.objects.count() == 1
    assert AuditEntry.objects.get(action="definition.delete").why == "No longer needed"


def test_the_list_asks_the_same_number_of_queries_for_one_and_for_many(
    as_: Callable[[str], Client], run: Callable[..., Run], django_assert_num_queries: Any
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    browser = as_("admin")
    run("succeeded")
    browser.get("/admin/queues/jobdefinition/")  # what a process asks only once is asked
    with CaptureQueriesContext(connection) as one:
        browser.get("/admin/queues/jobdefinition/")
    for number in range(20):
        made = JobDefinition.objects.create(name=f"D{number}", job="tests.admin_plan")
        run("dead", definition=made)
        Schedule.objects.create(name=f"S{number}", definition=made, cron="0 5 * * *")
    with django_assert_num_queries(len(one)):
        page = browser.get("/admin/queues/jobdefinition/").content.decode()
    assert page.count("Dead letter") == 20
