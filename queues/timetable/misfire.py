"""What becomes of the fires that are due: pure. A fire is late when it is more than `GRACE` behind its time.

skip   late fires are recorded as missed.
once   late fires are recorded as missed, but the last of them runs, unless a fire that is on time is due with them:
       that one stands for them all.
all    every fire runs, however late, at most `limit` at a time; the rest stay due.

Fires that are on time always run.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Literal

from queues.timetable.timing import INSTANT, Timing, fires, latest, next_after

Policy = Literal["skip", "once", "all"]
Outcome = Literal["fired", "missed"]
GRACE = timedelta(seconds=60)
LIMIT = 100


@dataclass(frozen=True, slots=True)
class Planned:
    fire_at: datetime
    outcome: Outcome
    note: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """`next_fire_at` may be due already: then there is more to do at once. None: it never fires again."""

    fires: tuple[Planned, ...]
    next_fire_at: datetime | None


def plan(timing: Timing, policy: Policy, first: datetime, now: datetime, limit: int = LIMIT) -> Plan:
    """What to do about the fires from `first` (the earliest not yet considered) until `now`.

    Work and rows are bounded by `limit`: under skip and once, missed fires beyond it are not written one by one; the
    last that is written tells until when. Raises BadCron, BadZone.
    """
    if first > now:
        return Plan((), first)
    if policy == "all":
        some = tuple(islice(takewhile(lambda at: at <= now, fires(timing, first)), limit))
        return Plan(tuple(_fired(at, now) for at in some), next_after(timing, some[-1]))
    horizon = now - GRACE
    prompt_first = first if first >= horizon else next_after(timing, horizon - INSTANT)
    prompt = tuple(takewhile(lambda at: at <= now, fires(timing, prompt_first)))
    late = _late(timing, first, horizon, limit)
    caught_up: tuple[Planned, ...] = ()
    if late and policy == "once" and not prompt:
        last = latest(timing, first, horizon - INSTANT)
        late, caught_up = tuple(one for one in late if one.fire_at != last), (_fired(last, now),)
    following = next_after(timing, prompt[-1]) if prompt else prompt_first
    return Plan((*late, *caught_up, *(_fired(at, now) for at in prompt)), following)


def _late(timing: Timing, first: datetime, horizon: datetime, limit: int) -> tuple[Planned, ...]:
    some = list(islice(takewhile(lambda at: at < horizon, fires(timing, first)), limit + 1))
    missed = [Planned(at, "missed", "It was not fired within a minute of its time.") for at in some[:limit]]
    if len(some) > limit:
        last = latest(timing, first, horizon - INSTANT)
        note = f"Nor was any other fire until {last:%Y-%m-%d %H:%M:%S} UTC fired within a minute of its time."
        missed[-1] = Planned(some[limit - 1], "missed", note)
    return tuple(missed)


def _fired(fire_at: datetime, now: datetime) -> Planned:
    late = now - fire_at
    return Planned(fire_at, "fired", f"Caught up {_length(late)} late." if late > GRACE else "")


def _length(span: timedelta) -> str:
    minutes = int(span.total_seconds()) // 60
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"
