"""Hours without a scheduler around each clock change, under every misfire policy; runs that are not finished, under
every overlap policy. Three schedulers (at once on PostgreSQL), against models written from the documentation."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest

from project.chaos.apart import apart
from project.chaos.cron_oracle import fires_between
from project.chaos.unruly import SKEWS_S, Trio, trio
from project.chaos.windows import ZONES, Window, windows
from queues.contract import Actor
from queues.ledger import clock, runs, states
from queues.ledger.facts import Batch, Claim, Ending
from queues.ledger.queue_settings import ensure_queues
from queues.models import Fire, JobDefinition, Queue, Run, Schedule
from queues.timetable import fires, schedules

from .conftest import JOB

EXPRESSIONS = ("0 * * * *", "30 2 * * *", "15,45 0-4 * * *")
MINUTE, HOUR, GRACE = timedelta(minutes=1), timedelta(hours=1), timedelta(seconds=60)
WINDOWS = [window for zone in ZONES for window in windows(zone)]
QUEUE = "maintenance"
Saved = Callable[..., Schedule]
pytestmark = pytest.mark.django_db(transaction=True)  # threads see what is committed


@pytest.fixture
def tick() -> Iterator[Trio]:
    """How the three tick, in a place of their own."""
    with apart() as at_once, trio(at_once=at_once) as together:
        ensure_queues()
        JobDefinition.objects.create(name="Sweep", job=JOB)
        yield together


def saved(window: Window, expression: str, **policies: str) -> Schedule:
    name = f"{window.zone} {window.start:%m-%d} {expression} {policies}"
    row = Schedule(name=name, definition=JobDefinition.objects.get(), cron=expression, timezone=window.zone, **policies)
    return schedules.save_schedule(row, actor=Actor.system("tests"))


def all_tick(tick: Trio, at: datetime) -> None:
    tick([partial(fires.tick, at + timedelta(seconds=skew_s)) for skew_s in SKEWS_S])


def outcomes(schedule: Schedule) -> list[tuple[datetime, str]]:
    return list(Fire.objects.filter(schedule=schedule).order_by("fire_at").values_list("fire_at", "outcome"))


# --- outages ---


def expected(due: list[datetime], policy: str, gone: datetime, back: datetime) -> list[tuple[datetime, str]]:
    """What must become of each due fire when nobody looked between `gone` and `back`."""
    late = [at for at in due if gone < at and back - at > GRACE]
    punctual = [at for at in due if gone < at <= back and at not in late]
    ran = set(late) if policy == "all" else set(late[-1:]) if policy == "once" and not punctual else set()
    return [(at, "missed" if at in late and at not in ran else "fired") for at in due]


@pytest.mark.parametrize("number", range(4))
def test_after_hours_without_a_scheduler_each_policy_fires_and_misses_what_it_must(number: int, tick: Trio) -> None:
    chance, seen = random.Random(number), Counter[tuple[str, str]]()
    for window in WINDOWS[number::4]:
        middle = window.change or window.start + timedelta(hours=12)
        gone = middle - MINUTE * chance.randint(30, 300) - timedelta(seconds=2)
        back = middle + MINUTE * chance.randint(30, 300) + timedelta(seconds=30)
        with clock.frozen(window.start):
            rows = [saved(window, text, misfire=policy) for text in EXPRESSIONS for policy in ("skip", "once", "all")]
        due = {row.pk: fires_between(row.cron, row.timezone, window.start, window.end) for row in rows}
        moments = {at for times in due.values() for at in times if not gone < at <= back} | {back}
        for at in sorted(moments):
            late = timedelta() if at == back else timedelta(seconds=chance.uniform(1, 50))
            with clock.frozen(at + late):
                all_tick(tick, at + late)
        for row in rows:
            assert outcomes(row) == expected(due[row.pk], row.misfire, gone, back), row.name
            fired = Fire.objects.filter(schedule=row, outcome="fired").values_list("run_id", flat=True)
            assert sorted(fired) == sorted(Run.objects.filter(schedule=row).values_list("id", flat=True))
            seen.update((row.misfire, outcome) for _, outcome in outcomes(row))
        Schedule.objects.update(enabled=False)
    assert seen["skip", "missed"] > seen["once", "missed"] > 10 and ("all", "missed") not in seen
    assert seen["all", "fired"] > seen["once", "fired"] > seen["skip", "fired"] > 50


# --- runs that are not finished ---


class Crew:
    """A worker of the ledger's own verbs: it claims whatever it may, and ends some of it when told."""

    def __init__(self, chance: random.Random) -> None:
        self.id, self.chance = uuid4(), chance
        self.held: list[tuple[Batch, Claim]] = []

    def claim(self) -> None:
        answer = runs.claim(QUEUE, worker_id=self.id, slots=50, share=1)
        self.held += [(batch, claim) for batch in answer.batches for claim in batch.claims]

    def end_some(self, share: float) -> list[UUID]:
        """The runs that ended, each as its cancel request wants it."""
        asked = set(Run.objects.filter(cancel_requested_at__isnull=False).values_list("id", flat=True))
        leaving = [one for one in self.held if self.chance.random() < share]
        self.held = [one for one in self.held if one not in leaving]
        for batch, claim in leaving:
            now, state = clock.now(), states.CANCELLED if claim.id in asked else states.SUCCEEDED
            assert runs.finish([Ending(claim, state, now, now)], slots=[batch.token])
        return [claim.id for _, claim in leaving]


class Model:
    """What the documentation promises for one schedule. `live`: its runs that are not finished, oldest first."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule, self.live, self.told = schedule, list[UUID](), list[tuple[datetime, str]]()

    def fire(self, at: datetime) -> None:
        """Follow one due fire, with the run that the schedule made of it, if it did."""
        run_id = Fire.objects.values_list("run_id", flat=True).get(schedule=self.schedule, fire_at=at)
        overlaps = bool(self.live) and self.schedule.overlap == "skip"
        self.told.append((at, "overlapped" if overlaps else "fired"))
        assert (run_id is None) == overlaps
        if run_id is None:
            return
        if self.schedule.overlap == "replace":
            for earlier in Run.objects.filter(pk__in=self.live):
                assert earlier.cancel_requested_at is not None, "the run before was not asked to stop"
                assert earlier.state in (states.CANCELLED, states.RUNNING)
            self.live = list(Run.objects.filter(pk__in=self.live, state=states.RUNNING).values_list("id", flat=True))
        self.live.append(run_id)


@pytest.mark.parametrize("window", [WINDOWS[0], WINDOWS[1], WINDOWS[17]], ids=lambda window: f"{window.start:%m-%d}")
@pytest.mark.parametrize("ending", [0.0, 0.3, 0.9])
def test_unfinished_runs_overlap_as_their_policy_says(window: Window, ending: float, tick: Trio) -> None:
    chance = random.Random(str((window, ending)))
    Queue.objects.filter(name=QUEUE).update(concurrency=50)
    crew, at = Crew(chance), window.start + timedelta(seconds=30)  # what is due is due by all three clocks
    with clock.frozen(window.start):
        rows = [saved(window, text, misfire="all", overlap=how) for text in EXPRESSIONS for how in ("skip", "queue", "replace")]  # fmt: skip
    models = [Model(row) for row in rows]
    due = {row.cron: fires_between(row.cron, window.zone, window.start, window.end + HOUR) for row in rows}
    while at < window.end:
        before, at = at, at + timedelta(minutes=chance.randint(1, 60))
        with clock.frozen(at):
            if chance.random() < 0.7:
                crew.claim()
            ended = crew.end_some(ending)
            all_tick(tick, at)
            for model in models:
                model.live = [run_id for run_id in model.live if run_id not in ended]
                for moment in due[model.schedule.cron]:
                    if before < moment <= at:
                        model.fire(moment)
        live = Run.objects.filter(state__in=states.LIVE)
        assert {run for model in models for run in model.live} == set(live.values_list("id", flat=True))
        running = Counter(live.filter(state=states.RUNNING).values_list("schedule_id", flat=True))
        assert set(running.values()) <= {1}, "two runs of one schedule ran at once"
    for model in models:
        assert outcomes(model.schedule) == model.told, model.schedule.name
    seen = Counter((model.schedule.overlap, outcome) for model in models for _, outcome in model.told)
    assert seen["skip", "overlapped"] > 0 and seen["skip", "fired"] >= len(EXPRESSIONS)
    assert (
        seen["queue", "fired"] == seen["replace", "fired"] == sum(seen["skip", how] for how in ("fired", "overlapped"))
    )
    cancelled = Run.objects.filter(state=states.CANCELLED).values_list("schedule__overlap", flat=True)
    assert set(cancelled) == {"replace"}
