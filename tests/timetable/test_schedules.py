"""What staff do with schedules: validated by field, audited with before and after, told in words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from queues.contract import Actor
from queues.errors import WrongState
from queues.ledger import clock
from queues.models import AuditEntry, JobDefinition, Schedule
from queues.timetable import fires, schedules

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)  # where the fixture `time` stands
Saved = Callable[..., Schedule]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("time")]


@pytest.mark.parametrize(
    ("values", "field", "told"),
    [
        ({"cron": "61 * * * *"}, "cron", "The minute '61' is not valid"),
        ({"cron": ""}, "cron", "as five fields"),
        ({"cron": "0 0 30 2 *"}, "cron", "never fires"),
        ({"timezone": "Europe/Berlim"}, "timezone", "Did you mean Europe/Berlin"),
        ({"kind": "interval"}, "interval_s", "at least 1"),
        ({"kind": "interval", "interval_s": 0}, "interval_s", "at least 1"),
        ({"kind": "interval", "interval_s": -5}, "interval_s", "greater than or equal to 0"),
        ({"kind": "once"}, "run_at", "Give the moment"),
        ({"kind": "once", "run_at": START - timedelta(seconds=1)}, "run_at", "in the past"),
        ({"kind": "once", "run_at": datetime(2026, 12, 1)}, "run_at", "with its time zone"),
        ({"starts_at": START, "ends_at": START}, "ends_at", "ends before it starts"),
        ({"ends_at": START - timedelta(days=1)}, "ends_at", "end is in the past"),
        ({"cron": "0 0 1 1 *", "ends_at": START + timedelta(days=2)}, "ends_at", "never fire"),
        ({"params": {"days": 0}}, "params", "days: "),
        ({"params": {"dayz": 1}}, "params", "dayz: There is no parameter of this name"),
        ({"params": {"depot": "x" * 70_000}}, "params", "bytes"),
        ({"params": [1]}, "params", "as an object"),
        ({"kind": "weekly"}, "kind", "not a valid choice"),
        ({"definition": None}, "definition", "cannot be null"),
    ],
)
@pytest.mark.filterwarnings("ignore:DateTimeField Schedule.run_at received a naive datetime")
def test_a_wrong_value_is_told_beside_its_field(values: dict[str, Any], field: str, told: str, saved: Saved) -> None:
    with pytest.raises(ValidationError) as caught:
        saved(**values)
    assert told in " ".join(caught.value.message_dict[field])
    assert not Schedule.objects.exists() and not AuditEntry.objects.exists()


def test_a_job_that_is_gone_is_told_at_the_definition(saved: Saved) -> None:
    JobDefinition.objects.update(job="tests.gone")
    with pytest.raises(ValidationError) as caught:
        saved(definition=JobDefinition.objects.get())
    assert "no job named" in caught.value.message_dict["definition"][0]


def test_every_wrong_field_is_told_at_once(saved: Saved) -> None:
    with pytest.raises(ValidationError) as caught:
        saved(cron="x", timezone="Nowhere", params={"days": "many"})
    assert set(caught.value.message_dict) == {"cron", "timezone", "params"}


def test_creation_and_change_are_audited_with_before_and_after(saved: Saved, actor: Actor) -> None:
    schedule = saved(cron=" 30  5 * * 1-5 ", timezone="Europe/Berlin")
    assert schedule.cron == "30 5 * * 1-5" and schedule.version == 1
    created = AuditEntry.objects.get()
    assert (created.action, created.actor, created.before) == ("schedule.create", "ada", None)
    assert created.after is not None and created.after["cron"] == "30 5 * * 1-5"
    schedule.cron = "0 6 * * *"
    schedules.save_schedule(schedule, actor=actor, why="the crew asked")
    changed = AuditEntry.objects.latest("id")
    assert changed.action == "schedule.change" and changed.why == "the crew asked"
    assert changed.before is not None and changed.before["cron"] == "30 5 * * 1-5"
    assert changed.after is not None and changed.after["cron"] == "0 6 * * *" and "name" not in changed.after
    assert schedule.version == 2


def test_pause_and_resume_and_removal_are_audited(saved: Saved, actor: Actor) -> None:
    schedule = schedules.pause_schedule(saved(), actor=actor, why="holidays")
    assert (schedule.paused_at, schedule.paused_by, schedule.next_fire_at) == (START, "ada", None)
    assert schedules.next_fires(schedule) == []
    schedule = schedules.resume_schedule(schedule, actor=actor)
    assert schedule.paused_at is None and schedule.pause_reason == ""
    schedules.delete_schedule(schedule, actor=actor, why="no longer")
    entries = list(AuditEntry.objects.order_by("id").values_list("action", "why"))
    assert entries[1:] == [("schedule.pause", "holidays"), ("schedule.resume", ""), ("schedule.delete", "no longer")]
    assert not Schedule.objects.exists()


def test_a_pause_needs_a_reason_and_happens_once(saved: Saved, actor: Actor) -> None:
    schedule = saved()
    with pytest.raises(WrongState, match="Say why"):
        schedules.pause_schedule(schedule, actor=actor, why="  ")
    with pytest.raises(WrongState, match="not paused"):
        schedules.resume_schedule(schedule, actor=actor)
    schedules.pause_schedule(schedule, actor=actor, why="a")
    with pytest.raises(WrongState, match="paused already, by ada: a"):
        schedules.pause_schedule(schedule, actor=actor, why="b")


def test_renaming_leaves_a_due_fire_due(saved: Saved, actor: Actor, time: clock.Fake) -> None:
    schedule = saved(cron="0 * * * *")
    time.advance(7200)
    schedule.name = "Hourly"
    schedules.save_schedule(schedule, actor=actor)
    assert schedule.next_fire_at == START + timedelta(hours=1)


def test_a_form_opened_before_a_fire_does_not_bring_it_back(saved: Saved, actor: Actor, time: clock.Fake) -> None:
    stale = Schedule.objects.get(pk=saved().pk)
    time.advance(60)
    assert len(fires.tick()) == 1
    stale.name = "Renamed"
    schedules.save_schedule(stale, actor=actor)
    assert stale.next_fire_at == START + timedelta(minutes=2) and stale.last_fire_at is not None


def test_a_new_time_and_switching_on_count_from_now(saved: Saved, actor: Actor, time: clock.Fake) -> None:
    schedule = saved(cron="0 * * * *")
    time.advance(7260)
    schedule.cron = "30 * * * *"
    assert schedules.save_schedule(schedule, actor=actor).next_fire_at == START + timedelta(minutes=150)
    schedule.enabled = False
    assert schedules.save_schedule(schedule, actor=actor).next_fire_at is None
    time.advance(3600)
    schedule.enabled = True
    assert schedules.save_schedule(schedule, actor=actor).next_fire_at == START + timedelta(minutes=210)


def test_a_once_schedule_that_has_fired_can_still_be_renamed(saved: Saved, actor: Actor, time: clock.Fake) -> None:
    schedule = saved(kind="once", run_at=START + timedelta(minutes=1))
    time.advance(61)
    assert len(fires.tick()) == 1
    schedule.name = "Done"
    assert schedules.save_schedule(schedule, actor=actor).next_fire_at is None


def test_columns_of_another_kind_are_emptied(saved: Saved) -> None:
    schedule = saved(kind="interval", interval_s=900, cron="* * * * *", run_at=START)
    assert (schedule.cron, schedule.run_at) == ("", None)


def test_the_next_five_fires_are_told(saved: Saved) -> None:
    schedule = saved(cron="30 5 * * 1-5", timezone="Europe/Berlin")
    assert [f"{at:%a %d %H:%M}" for at in schedules.next_fires(schedule)] == [
        "Tue 24 04:30", "Wed 25 04:30", "Thu 26 04:30", "Fri 27 04:30", "Mon 30 04:30",
    ]  # fmt: skip


def test_an_unsaved_schedule_can_be_previewed(definition: JobDefinition) -> None:
    schedule = Schedule(definition=definition, kind="interval", interval_s=3600)
    assert schedules.next_fires(schedule, 2) == [START + timedelta(hours=1), START + timedelta(hours=2)]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"cron": "30 5 * * 1-5", "timezone": "Europe/Berlin"}, "At 05:30, Monday through Friday (Europe/Berlin)"),
        ({"kind": "interval", "interval_s": 900}, "Every 15 minutes"),
        ({"kind": "interval", "interval_s": 86_400}, "Every day"),
        ({"kind": "interval", "interval_s": 90, "ends_at": START}, "Every 90 seconds, until 2026-11-23 12:00"),
        (
            {"kind": "once", "run_at": START, "timezone": "Europe/Berlin"},
            "Once, at 2026-11-23 13:00 (Europe/Berlin)",
        ),
        ({"cron": "x"}, "Not valid: A cron expression has five fields"),
    ],
)
def test_a_schedule_reads_as_english(values: dict[str, Any], words: str) -> None:
    assert schedules.in_words(Schedule(**values)).startswith(words)
