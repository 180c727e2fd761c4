"""A tick fires what is due: each fire once, with its run, whoever else ticks; policies; refusals."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, OperationalError, connections

from queues.contract import Actor
from queues.ledger import clock, runs, states
from queues.models import Fire, JobDefinition, Run, RunEvent, Schedule
from queues.timetable import fires, schedules

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)  # where the fixture `time` stands
Saved = Callable[..., Schedule]
pytestmark = pytest.mark.django_db


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def outcomes() -> list[str]:
    return list(Fire.objects.order_by("fire_at").values_list("outcome", flat=True))


def set_running(run_id: UUID) -> None:
    """As a worker's claim leaves it."""
    Run.objects.filter(pk=run_id).update(state=states.RUNNING, lease_token=uuid4(), worker_id=uuid4())


def set_finished(run_id: UUID) -> None:
    Run.objects.filter(pk=run_id).update(
        state=states.SUCCEEDED, lease_token=None, worker_id=None, finished_at=clock.now()
    )


def test_a_due_schedule_fires_with_its_run(time: clock.Fake, saved: Saved, definition: JobDefinition) -> None:
    schedule = saved(params={"depot": "south"})
    assert fires.next_due() == START + minutes(1)
    assert fires.tick() == []
    time.advance(61)
    ((queue, run_id),) = fires.tick()
    run, fire = Run.objects.get(), Fire.objects.get()
    assert (queue, run_id) == ("maintenance", run.id) and run.state == states.PENDING
    assert run.params == {"days": 3, "depot": "south"}
    assert (run.schedule_id, run.definition_id, run.actor) == (schedule.pk, definition.pk, "schedule Every minute")
    assert (fire.fire_at, fire.outcome, fire.run_id) == (START + minutes(1), "fired", run.id)
    schedule.refresh_from_db()
    assert (schedule.last_fire_at, schedule.next_fire_at) == (START + minutes(1), START + minutes(2))
    assert fires.tick() == []


def test_a_once_schedule_fires_once_and_has_no_next(time: clock.Fake, saved: Saved) -> None:
    schedule = saved(kind="once", cron="", run_at=START + minutes(5))
    time.advance(300)
    assert len(fires.tick()) == 1
    schedule.refresh_from_db()
    assert schedule.next_fire_at is None and fires.next_due() is None
    time.advance(86_400)
    assert fires.tick() == []


def test_an_interval_keeps_its_pace_however_late_the_ticks(time: clock.Fake, saved: Saved) -> None:
    saved(kind="interval", cron="", interval_s=10, misfire="all")
    for late in (13, 4, 29, 7, 51):
        time.advance(late)
        fires.tick()
    assert list(Fire.objects.order_by("fire_at").values_list("fire_at", flat=True)) == [
        START + timedelta(seconds=10 * k) for k in range(1, 11)
    ]


def test_a_paused_or_switched_off_schedule_does_not_fire(time: clock.Fake, saved: Saved, actor: Actor) -> None:
    schedules.pause_schedule(saved(), actor=actor, why="stock-taking")
    saved(name="Off", enabled=False)
    time.advance(600)
    assert fires.next_due() is None
    assert fires.tick() == [] and not Fire.objects.exists()


def test_a_resumed_schedule_does_not_catch_up(time: clock.Fake, saved: Saved, actor: Actor) -> None:
    schedule = schedules.pause_schedule(saved(misfire="all"), actor=actor, why="stock-taking")
    time.advance(3600.5)
    assert schedules.resume_schedule(schedule, actor=actor).next_fire_at == START + minutes(61)
    assert fires.tick() == []
    time.advance(60)
    assert len(fires.tick()) == 1


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("skip", {"missed": 9, "fired": 1}), ("once", {"missed": 9, "fired": 1}), ("all", {"fired": 10})],
)
def test_after_an_outage_the_misfire_policy_holds(
    policy: str, expected: dict[str, int], time: clock.Fake, saved: Saved
) -> None:
    saved(misfire=policy)
    time.advance(600.5)
    assert len(fires.tick()) == expected["fired"]
    assert Counter(outcomes()) == expected


def test_catching_up_goes_in_portions(time: clock.Fake, saved: Saved) -> None:
    saved(misfire="all")
    time.advance(60 * 25)
    assert [len(fires.tick(limit=10)) for _ in range(4)] == [10, 10, 5, 0]


def test_overlap_skip_leaves_the_fire_out_while_a_run_is_live(time: clock.Fake, saved: Saved) -> None:
    saved(overlap="skip")
    time.advance(60)
    ((_, first),) = fires.tick()
    time.advance(60)
    assert fires.tick() == []
    assert outcomes() == ["fired", "overlapped"] and str(first) in Fire.objects.latest("fire_at").note
    set_finished(first)
    time.advance(60)
    assert len(fires.tick()) == 1


def test_overlap_queue_lets_the_runs_wait_for_one_another(time: clock.Fake, saved: Saved) -> None:
    schedule = saved(overlap="queue")
    for _ in range(2):
        time.advance(60)
        assert len(fires.tick()) == 1
    assert set(Run.objects.values_list("concurrency_key", "key_limit")) == {(f"schedule:{schedule.pk}", 1)}


def test_overlap_replace_cancels_the_run_that_waits(time: clock.Fake, saved: Saved) -> None:
    saved(overlap="replace")
    time.advance(60)
    ((_, first),) = fires.tick()
    time.advance(60)
    ((_, second),) = fires.tick()
    assert Run.objects.get(pk=first).state == states.CANCELLED
    assert Run.objects.get(pk=second).state == states.PENDING
    event = RunEvent.objects.get(run_id=first, kind=RunEvent.Kind.CANCELLED)
    assert event.actor == "schedule Every minute" and "next fire" in event.note


def test_overlap_replace_asks_a_running_run_to_stop(time: clock.Fake, saved: Saved) -> None:
    saved(overlap="replace")
    time.advance(60)
    ((_, first),) = fires.tick()
    set_running(first)
    time.advance(60)
    assert len(fires.tick()) == 1
    assert Run.objects.get(pk=first).cancel_requested_at is not None


def test_replacing_under_a_unique_definition_waits_until_the_old_run_has_stopped(
    time: clock.Fake, saved: Saved, definition: JobDefinition
) -> None:
    JobDefinition.objects.update(unique=True)
    schedule = saved(overlap="replace")
    time.advance(60)
    ((_, first),) = fires.tick()
    set_running(first)
    time.advance(60)
    assert fires.tick() == [] and outcomes() == ["fired"]
    assert Run.objects.get(pk=first).cancel_requested_at is not None
    assert fires.next_due() == START + minutes(2)
    set_finished(first)
    time.advance(3)
    assert len(fires.tick()) == 1
    schedule.refresh_from_db()
    assert outcomes() == ["fired", "fired"] and schedule.next_fire_at == START + minutes(3)


def test_a_unique_definition_with_a_live_run_of_its_own_overlaps(
    time: clock.Fake, saved: Saved, definition: JobDefinition, actor: Actor
) -> None:
    JobDefinition.objects.update(unique=True)
    definition.refresh_from_db()
    saved()
    by_hand = runs.new_run(runs.request_for(definition, {}, actor=actor))
    runs.create([by_hand])
    time.advance(60)
    assert fires.tick() == [] and Run.objects.count() == 1
    fire = Fire.objects.get()
    assert fire.outcome == "overlapped" and str(by_hand.id) in fire.note


def test_a_disabled_definition_refuses_and_stops_no_other(
    time: clock.Fake, saved: Saved, definition: JobDefinition, caplog: pytest.LogCaptureFixture
) -> None:
    other = JobDefinition.objects.create(name="Other", job=definition.job)
    first, second = saved(), saved(name="Second", definition=other)
    JobDefinition.objects.filter(pk=definition.pk).update(enabled=False)
    time.advance(60)
    assert len(fires.tick()) == 1
    refused = Fire.objects.get(schedule=first)
    assert refused.outcome == "refused" and "switched off" in refused.note and refused.run_id is None
    first.refresh_from_db()
    assert first.next_fire_at == START + minutes(2) and first.last_fire_at is None
    assert Fire.objects.get(schedule=second).outcome == "fired"
    assert "Every minute" in caplog.text and "Traceback" not in caplog.text


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ({"params": {"days": 0}}, "days"),
        ({"params": {"gone": 1}}, "There is no parameter of this name"),
        ({"job": "tests.no_such_job"}, "no job named"),
    ],
)
def test_what_no_longer_fits_the_job_is_refused(
    damage: dict[str, object], told: str, time: clock.Fake, saved: Saved
) -> None:
    saved()
    JobDefinition.objects.update(**damage)
    time.advance(60)
    assert fires.tick() == []
    fire = Fire.objects.get()
    assert fire.outcome == "refused" and told in fire.note


def test_a_row_damaged_by_hand_is_refused_once_and_sleeps(time: clock.Fake, saved: Saved) -> None:
    broken = saved()
    saved(name="Sound")
    Schedule.objects.filter(pk=broken.pk).update(timezone="Mars/Olympus")
    time.advance(60)
    assert len(fires.tick()) == 1
    broken.refresh_from_db()
    assert broken.next_fire_at is None
    assert "Mars/Olympus" in Fire.objects.get(schedule=broken).note
    assert "Not valid" in schedules.in_words(broken) and schedules.next_fires(broken) == []


def test_an_unforeseen_error_stops_no_other_schedule(
    time: clock.Fake, saved: Saved, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = saved(), saved(name="Good")
    honest = fires.timing_of

    def broken(schedule: Schedule) -> object:
        if schedule.pk == bad.pk:
            raise RuntimeError("planted")
        return honest(schedule)

    monkeypatch.setattr(fires, "timing_of", broken)
    time.advance(60)
    assert len(fires.tick()) == 1
    assert Fire.objects.get().schedule_id == good.pk


def test_a_database_that_goes_away_is_told_to_the_caller(
    time: clock.Fake, saved: Saved, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: object) -> None:
        raise OperationalError("server closed the connection")

    saved()
    time.advance(60)
    monkeypatch.setattr(fires, "_take", away)
    with pytest.raises(OperationalError):
        fires.tick()


def test_a_fire_has_one_row_by_the_database_s_own_word(time: clock.Fake, saved: Saved) -> None:
    schedule = saved()
    row = {"schedule": schedule, "fire_at": START, "created_at": START}
    Fire.objects.create(**row)
    with pytest.raises(IntegrityError):
        Fire.objects.create(**row)


def test_a_clock_set_back_fires_nothing_again(time: clock.Fake, saved: Saved, actor: Actor) -> None:
    schedule = saved(misfire="all")
    for _ in range(5):
        time.advance(60)
        fires.tick()
    time.advance(-180)
    schedule = schedules.resume_schedule(schedules.pause_schedule(schedule, actor=actor, why="clock"), actor=actor)
    assert schedule.next_fire_at == START + minutes(3)
    time.advance(240)
    fires.tick()
    times = list(Fire.objects.order_by("fire_at").values_list("fire_at", flat=True))
    assert times == [START + minutes(k) for k in range(1, 7)] and Run.objects.count() == 6


@pytest.mark.django_db(transaction=True)
def test_three_schedulers_at_once_fire_each_fire_once(time: clock.Fake, saved: Saved) -> None:
    for n in range(6):
        saved(name=f"S{n}", misfire="all")
    go, pairs, failures = threading.Barrier(3), [], []

    def ticking() -> None:
        try:
            go.wait(10)
            for _ in range(8):
                try:
                    pairs.extend(fires.tick(limit=3))
                except OperationalError as error:  # SQLite may be busy: as the scheduler does, try again
                    failures.append(error)
        finally:
            connections.close_all()

    time.advance(600)
    threads = [threading.Thread(target=ticking) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    fires.tick(limit=100)
    seen = Counter(Fire.objects.values_list("schedule__name", "fire_at"))
    assert set(seen) == {(f"S{n}", START + minutes(k)) for n in range(6) for k in range(1, 11)}
    assert set(seen.values()) == {1} and set(outcomes()) == {"fired"}
    assert sorted(Fire.objects.values_list("run_id", flat=True)) == sorted(Run.objects.values_list("id", flat=True))
    assert len(pairs) == len(set(pairs)) > 0
