"""A day of route requests, made and not recorded: no hauler has given us a log of one. Deterministic.

What it supposes, for a hauler with 40 service areas and a planning room of four desks:

- each area is planned once in the morning, between 04:00 and 11:00. It is asked for 5 to 12 times within 55 minutes:
  the dispatcher plans it, the second desk, the yard and the driver's manager open the same plan, and pages are reloaded;
- ten areas come up again in the afternoon (a truck is out of order), 5 to 8 times within 55 minutes;
- a third of the repeats come within 20 seconds, while the first is still being planned: two desks at the same moment;
- every tenth area is asked for once more, alone, at a time of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

DAY = datetime(2026, 11, 23, tzinfo=UTC)
AREAS = 40
PLANNED_IN_S = 20.0
EPISODE_S = 55 * 60.0


@dataclass(frozen=True, order=True)
class Asked:
    at: datetime
    area: str
    budget_s: int
    seed: int


def route_day(seed: int = 1) -> list[Asked]:
    """In the order of time."""
    random = Random(seed)
    return sorted(_asked(random))


def _asked(random: Random) -> Iterator[Asked]:
    for number in range(AREAS):
        yield from _episode(random, number, begins_h=random.uniform(4, 11), times=random.randint(5, 12))
        if number % 4 == 0:
            yield from _episode(random, number, begins_h=random.uniform(13, 16), times=random.randint(5, 8))
        if number % 10 == 0:
            yield from _episode(random, number, begins_h=random.uniform(17, 22), times=1)


def _episode(random: Random, number: int, *, begins_h: float, times: int) -> Iterator[Asked]:
    for nth in range(times):
        after_s = 0.0 if nth == 0 else random.uniform(0, PLANNED_IN_S if nth % 3 == 0 else EPISODE_S)
        at = DAY + timedelta(hours=begins_h, seconds=after_s)
        yield Asked(at, f"area-{number:02}", budget_s=20, seed=1)
