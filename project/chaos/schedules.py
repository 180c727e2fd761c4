"""The schedules of a chaos run, and their fires against arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.db import transaction

from queues.contract import Actor
from queues.engine.control import save_definition
from queues.models import Fire, JobDefinition, Run, Schedule
from queues.timetable.schedules import save_schedule

ACTOR = Actor.system("chaos")


def set_up(schedules: Mapping[str, int]) -> None:
    """Name → interval in seconds. No fire is skipped, however late; each run leaves one effect."""
    for name, interval_s in schedules.items():
        definition = save_definition(JobDefinition(name=name, job="chaos.fired"), actor=ACTOR)
        save_schedule(
            Schedule(
                name=name, definition=definition, kind=Schedule.Kind.INTERVAL, interval_s=interval_s,
                misfire=Schedule.Misfire.ALL, overlap=Schedule.Overlap.QUEUE,
            ),
            actor=ACTOR,
        )  # fmt: skip


def stop() -> None:
    """They fire no more. `next_fire_at` stays: `check` reads from it until when they should have fired."""
    with transaction.atomic():
        Schedule.objects.select_for_update().filter(enabled=True).update(enabled=False)


def check(schedules: Mapping[str, int]) -> tuple[int, list[str]]:
    """How many fires there were, and what is wrong: a moment without its fire, a fire without its run."""
    wrong, count = [], 0
    for name, interval_s in schedules.items():
        schedule = Schedule.objects.get(name=name)
        fires = {fire.fire_at: fire for fire in Fire.objects.filter(schedule=schedule)}
        runs = set(Run.objects.filter(schedule=schedule).values_list("id", flat=True))
        count += len(fires)
        step = timedelta(seconds=interval_s)
        moment = schedule.created_at.replace(microsecond=0) + step
        until = schedule.next_fire_at
        while until is not None and moment < until:
            fire = fires.pop(moment, None)
            if fire is None:
                wrong.append(f"{name}: no fire at {moment:%H:%M:%S}")
            elif fire.outcome != Fire.Outcome.FIRED or fire.run_id not in runs:
                wrong.append(f"{name}: its fire at {moment:%H:%M:%S} is {fire.outcome}, run {fire.run_id}")
            else:
                runs.discard(fire.run_id)
            moment += step
        wrong += [f"{name}: a fire at {at:%H:%M:%S} that should not be" for at in fires]
        wrong += [f"{name}: a run without a fire, {run_id}" for run_id in runs]
    return count, wrong
