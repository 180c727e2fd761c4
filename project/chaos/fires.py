"""No fire missed, none doubled: a day around each clock change, three schedulers, clocks that jump by an hour.

Ten zones, two windows each, and each twice: once the schedulers' own clocks are wrong and jump, once the database's
does. Every schedule's misfire policy is *all*. What came of it is compared with a brute-force oracle that shares no
code with the product. On PostgreSQL the three are threads that tick at the same moment; on SQLite they tick in turn.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Literal

from project.chaos.apart import apart
from project.chaos.cron_oracle import fires_between
from project.chaos.unruly import JUMPS_S, SKEWS_S, Trio, Unruly, trio
from project.chaos.windows import ZONES, Window, windows
from queues import registry
from queues.contract import Actor
from queues.ledger import clock
from queues.models import Fire, JobDefinition, Run, Schedule
from queues.timetable import fires, schedules

EXPRESSIONS = ("30 * * * *", "30 1,2,3 * * *", "*/20 0-3 * * *", "0 0,2 * * *")
Clocks = Literal["schedulers'", "database's"]
CLOCKS: tuple[Clocks, ...] = ("schedulers'", "database's")
JOB = "chaos.fire"
LONGEST_STEP_S = 5400.0


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one window. Counts of fires; `clocks`: whose jumped."""

    window: Window
    clocks: Clocks
    expressions: tuple[str, ...]
    expected: int
    missed: int
    doubled: int


def main(seed: int) -> list[Row]:
    """Run it, print the table, and return the rows: it holds if `missed` and `doubled` are 0 in every one."""
    rows = simulate(seed)
    print(table(rows))
    return rows


def simulate(seed: int, zones: Sequence[str] = ZONES) -> list[Row]:
    """A row for each zone, window and kind of clock, in the configured database, which is afterwards as it was."""
    with apart() as at_once, _job() as definition, trio(at_once=at_once) as tick:
        return [
            _row(window, clocks, definition, tick, random.Random(f"{seed} {window} {clocks}"))  # nosec B311 # repeatable by its seed
            for zone in zones
            for window in windows(zone)
            for clocks in CLOCKS
        ]


def table(rows: Sequence[Row]) -> str:
    """The rows (one at least) as text, with their sum."""
    about = f"Each row: {', '.join(sorted({text for row in rows for text in row.expressions}))}"
    head = (
        f"{'zone':<20} {'24 h from (UTC)':<16}  {'local time':>10}  {'jumping clocks':<14}"
        f" {'fires':>6} {'missed':>6} {'doubled':>7}"
    )
    lines = [
        f"{row.window.zone:<20} {row.window.start:%Y-%m-%d %H:%M}  {_moves(row.window):>10}  {row.clocks:<14}"
        f" {row.expected:>6} {row.missed:>6} {row.doubled:>7}"
        for row in rows
    ]
    total = (sum(row.expected for row in rows), sum(row.missed for row in rows), sum(row.doubled for row in rows))
    return "\n".join([about, head, *lines, f"{'together':<66}{total[0]:>6} {total[1]:>6} {total[2]:>7}"])


def judge(due: Sequence[datetime], fired: Sequence[datetime], runs: int) -> tuple[int, int]:
    """(missed, doubled): due fires that did not fire; fires, or runs, beyond one for each. Pure."""
    hit = set(due) & set(fired)
    return len(set(due) - hit), max(len(fired), runs) - len(hit)


def _row(window: Window, clocks: Clocks, definition: JobDefinition, tick: Trio, chance: random.Random) -> Row:
    time = Unruly(window.start, random.Random(chance.random()))  # nosec B311 # repeatable by its seed
    with clock.using(time):
        mine = [_schedule(definition, window, clocks, expression) for expression in EXPRESSIONS]
        time.loose = clocks == "database's"
        wrong_s = list(SKEWS_S)
        while time.base < window.end:
            time.base += timedelta(seconds=chance.uniform(1, LONGEST_STEP_S))
            limits = [chance.choice((1, 2, 100)) for _ in SKEWS_S]
            told: list[datetime | None] = [None] * len(SKEWS_S)  # by the ledger's clock
            if not time.loose:
                wrong_s = [_jumped(seconds, skew_s, chance) for seconds, skew_s in zip(wrong_s, SKEWS_S, strict=True)]
                told = [time.base + timedelta(seconds=seconds) for seconds in wrong_s]
                time.furthest = max(time.furthest, time.base + timedelta(seconds=max(wrong_s)))
            tick([partial(fires.tick, at, limit) for at, limit in zip(told, limits, strict=True)])
        while fires.tick(time.furthest):
            pass
    until = time.furthest.replace(second=0, microsecond=0)
    counts = [_judged(schedule, window.start, until) for schedule in mine]
    Schedule.objects.filter(pk__in=[schedule.pk for schedule in mine]).update(enabled=False)
    expected, missed, doubled = (sum(column) for column in zip(*counts, strict=True))
    return Row(window, clocks, EXPRESSIONS, expected, missed, doubled)


def _jumped(wrong_s: float, skew_s: float, chance: random.Random) -> float:
    """How wrong a scheduler's clock is from now on."""
    return skew_s + chance.choice(JUMPS_S) if chance.random() < 0.1 else wrong_s


def _judged(schedule: Schedule, start: datetime, until: datetime) -> tuple[int, int, int]:
    due = fires_between(schedule.cron, schedule.timezone, start, until)
    fired = Fire.objects.filter(schedule=schedule, outcome=Fire.Outcome.FIRED).values_list("fire_at", flat=True)
    return len(due), *judge(due, list(fired), Run.objects.filter(schedule=schedule).count())


def _schedule(definition: JobDefinition, window: Window, clocks: Clocks, expression: str) -> Schedule:
    schedule = Schedule(
        name=f"{window.zone} {window.start:%m-%d} {clocks} {expression}", definition=definition, cron=expression,
        timezone=window.zone, misfire=Schedule.Misfire.ALL, overlap=Schedule.Overlap.QUEUE,
    )  # fmt: skip
    return schedules.save_schedule(schedule, actor=Actor.system("chaos"))


@contextmanager
def _job() -> Iterator[JobDefinition]:
    """A job that exists as long as the simulation; its runs are never worked off."""
    registry.spec(JOB, queue="maintenance", params=registry.NoParams)
    try:
        yield JobDefinition.objects.create(name="Fires under unruly clocks", job=JOB)
    finally:
        registry.forget(JOB)


def _moves(window: Window) -> str:
    if window.moves is None:
        return "no change"
    minutes = int(window.moves.total_seconds()) // 60
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60}:{abs(minutes) % 60:02}"
