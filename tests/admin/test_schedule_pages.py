"""Schedules in the admin: words and fires while typing, errors in words, paused with a reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from queues.contract import Actor
from queues.models import AuditEntry, JobDefinition, Schedule
from queues.timetable import schedules

PREVIEW = "/admin/queues/schedule/preview/"


@pytest.fixture
def schedule(definition: JobDefinition, actor: Actor) -> Schedule:
    return schedules.save_schedule(
        Schedule(name="Nightly", definition=definition, cron="30 5 * * 1-5", timezone="Europe/Berlin"), actor=actor
    )


def test_the_preview_tells_words_and_five_fires_in_both_zones(as_: Callable[[str], Client]) -> None:
    page = (
        as_("dispatcher")
        .post(PREVIEW, {"kind": "cron", "cron": "30 5 * * 1-5", "timezone": "Europe/Berlin"})
        .content.decode()
    )
    assert "05:30" in page and "Monday through Friday" in page and "Next fires, Europe/Berlin" in page
    assert page.count("<tr>") == 6 and "CE" in page


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"kind": "cron", "cron": "61 * * * *"}, "0 to 59"),
        ({"kind": "cron", "cron": ""}, "as five fields"),
        ({"kind": "interval", "interval_s": ""}, "no interval"),
        ({"kind": "interval", "interval_s": "often"}, "whole number"),
        ({"kind": "once", "run_at": ""}, "no moment"),
        ({"kind": "cron", "cron": "0 5 * * *", "timezone": "Mars/Base"}, "not one of the available choices"),
    ],
)
def test_the_preview_tells_what_is_wrong_in_words(
    as_: Callable[[str], Client], values: dict[str, str], told: str
) -> None:
    page = as_("dispatcher").post(PREVIEW, {"timezone": "UTC", **values})
    assert page.status_code == 200 and told in page.content.decode()


def test_a_schedule_is_stored_with_overrides_and_audited(
    as_: Callable[[str], Client], definition: JobDefinition
) -> None:
    form = {
        "name": "Each minute",
        "enabled": "on",
        "kind": "cron",
        "cron": "* * * * *",
        "timezone": "UTC",
        "misfire": "once",
        "overlap": "queue",
    }
    answer = as_("dispatcher").post(
        f"/admin/queues/schedule/add/?definition={definition.pk}", {**form, "param_time_limit_s": "5"}
    )
    assert answer.status_code == 302
    made = Schedule.objects.get()
    assert made.definition == definition and made.params == {"time_limit_s": 5} and made.next_fire_at is not None
    assert AuditEntry.objects.get().action == "schedule.create"


def test_what_is_wrong_stands_beside_its_field(as_: Callable[[str], Client], definition: JobDefinition) -> None:
    form = {
        "name": "Wrong",
        "enabled": "on",
        "kind": "once",
        "run_at": "2020-01-01T10:00",
        "timezone": "UTC",
        "misfire": "once",
        "overlap": "queue",
    }
    answer: Any = as_("dispatcher").post(
        f"/admin/queues/schedule/add/?definition={definition.pk}", {**form, "param_time_limit_s": "999"}
    )
    assert "param_time_limit_s" in answer.context["adminform"].form.errors
    answer = as_("dispatcher").post(f"/admin/queues/schedule/add/?definition={definition.pk}", form)
    assert "past" in answer.context["adminform"].form.errors["run_at"][0]
    assert not Schedule.objects.exists()


def test_pausing_needs_a_reason_and_is_audited(as_: Callable[[str], Client], schedule: Schedule) -> None:
    browser = as_("dispatcher")
    refused: Any = browser.post(f"/admin/queues/schedule/{schedule.pk}/pause/", {"why": " "})
    assert "Say why" in str(refused.context["form"].errors["why"])
    browser.post(f"/admin/queues/schedule/{schedule.pk}/pause/", {"why": "Holiday"})
    schedule.refresh_from_db()
    assert schedule.paused_at and schedule.pause_reason == "Holiday" and schedule.next_fire_at is None
    entry = AuditEntry.objects.get(action="schedule.pause")
    assert entry.actor == "dispatcher" and entry.why == "Holiday" and entry.after["pause_reason"] == "Holiday"
    page = browser.get(f"/admin/queues/schedule/{schedule.pk}/change/").content.decode()
    assert "Holiday" in page and "Resume" in page
    browser.post(f"/admin/queues/schedule/{schedule.pk}/resume/", {"why": ""})
    schedule.refresh_from_db()
    assert schedule.paused_at is None and schedule.next_fire_at is not None
    assert AuditEntry.objects.filter(action="schedule.resume").exists()


def test_the_list_reads_in_words_with_a_constant_number_of_queries(
    as_: Callable[[str], Client], schedule: Schedule, definition: JobDefinition, django_assert_num_queries: Any
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    browser = as_("admin")
    browser.get("/admin/queues/schedule/")  # what a process asks only once is asked
    with CaptureQueriesContext(connection) as one:
        assert "Monday through Friday" in browser.get("/admin/queues/schedule/").content.decode()
    for number in range(15):
        Schedule.objects.create(name=f"S{number}", definition=definition, kind="interval", interval_s=900)
    with django_assert_num_queries(len(one)):
        assert browser.get("/admin/queues/schedule/").content.decode().count("Every 15 minutes") == 15


def test_a_reader_sees_words_and_fires_without_the_form(as_: Callable[[str], Client], actor: Actor) -> None:
    other = JobDefinition.objects.create(name="Invoices", job="tests.admin_invoice", params={"month": "2026-11"})
    schedule = schedules.save_schedule(Schedule(name="Month's end", definition=other, cron="0 6 1 * *"), actor=actor)
    page = as_("dispatcher").get(f"/admin/queues/schedule/{schedule.pk}/change/").content.decode()
    assert (
        "on day 1 of the month" in page and "hx-post" not in page and 'name="cron"' not in page and "Pause" not in page
    )
