"""An independent judge of cron: brute force, minute by minute, written from docs/explanation/schedules.md.

It shares no code with the product: its own parser, no look-up of offsets, no `fold`. Local time is only ever obtained
by converting one UTC minute after another.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
WEEKDAYS = {"SUN": 0, "MON": 1, "TUE": 2, "WED": 3, "THU": 4, "FRI": 5, "SAT": 6}


def fires_between(expression: str, zone_name: str, start: datetime, end: datetime) -> list[datetime]:
    """Every fire in (start, end]; both whole UTC minutes."""
    fields = expression.upper().split()
    matches = _matcher(fields)
    clock = _clock(zone_name, start - timedelta(days=2), end + timedelta(days=2))
    if fields[0].startswith("*") or fields[1].startswith("*"):
        found = {instant for instant, local in clock if matches(local)}
    else:
        first: dict[datetime, datetime] = {}
        for instant, local in clock:
            first.setdefault(local, instant)
        found, local, last = set(), clock[0][1], clock[-1][1]
        while local <= last:
            if matches(local):
                exists = local
                while exists not in first and exists <= last:
                    exists += MINUTE
                if exists in first:
                    found.add(first[exists])
            local += MINUTE
    return sorted(instant for instant in found if start < instant <= end)


def clock_changes(zone_name: str, year: int) -> list[datetime]:
    """The UTC minutes of a year at which local time jumps; at most one in an hour."""
    start, hour, changes = datetime(year, 1, 1, tzinfo=UTC), timedelta(hours=1), []
    for begin in (start + hour * k for k in range(365 * 24)):
        ends = [at.astimezone(ZoneInfo(zone_name)).replace(tzinfo=None) for at in (begin, begin + hour)]
        if ends[1] - ends[0] != hour:
            clock = _clock(zone_name, begin, begin + hour)
            changes += [after[0] for before, after in pairwise(clock) if after[1] - before[1] != MINUTE]
    return changes


@lru_cache(maxsize=64)
def _clock(zone_name: str, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    zone, clock = ZoneInfo(zone_name), []
    while start <= end:
        clock.append((start, start.astimezone(zone).replace(tzinfo=None, fold=0)))
        start += MINUTE
    return clock


def _matcher(fields: list[str]) -> Callable[[datetime], bool]:
    minutes = _numbers(fields[0], 0, 59, {})
    hours = _numbers(fields[1], 0, 23, {})
    months = _numbers(fields[3], 1, 12, MONTHS)
    both = fields[2].startswith("*") or fields[4].startswith("*")

    @lru_cache(maxsize=1024)
    def day_fits(day: date) -> bool:
        by_day, by_weekday = _day_fits(fields[2], day), _weekday_fits(fields[4], day)
        return day.month in months and ((by_day and by_weekday) if both else (by_day or by_weekday))

    return lambda local: local.minute in minutes and local.hour in hours and day_fits(local.date())


def _day_fits(field: str, day: date) -> bool:
    last = calendar.monthrange(day.year, day.month)[1]
    for term in field.split(","):
        if term == "L":
            fits = day.day == last
        elif term == "LW":
            working = [n for n in range(1, last + 1) if day.replace(day=n).weekday() < 5]
            fits = day.day == working[-1]
        else:
            fits = day.day in _numbers(term, 1, 31, {})
        if fits:
            return True
    return False


def _weekday_fits(field: str, day: date) -> bool:
    weekday = day.isoweekday() % 7
    same = [n for n in range(1, calendar.monthrange(day.year, day.month)[1] + 1) if (n - day.day) % 7 == 0]
    for term in field.split(","):
        if term.endswith("L"):
            fits = _number(term[:-1], WEEKDAYS) % 7 == weekday and day.day == same[-1]
        elif "#" in term:
            name, place = term.split("#")
            fits = _number(name, WEEKDAYS) % 7 == weekday and same.index(day.day) + 1 == int(place)
        else:
            fits = weekday in {n % 7 for n in _numbers(term, 0, 7, WEEKDAYS)}
        if fits:
            return True
    return False


def _numbers(field: str, low: int, high: int, names: dict[str, int]) -> set[int]:
    numbers: set[int] = set()
    for term in field.split(","):
        span, _, step = term.partition("/")
        if span == "*":
            first, last = low, high
        elif "-" in span:
            first, last = (_number(end, names) for end in span.split("-"))
        else:
            first = _number(span, names)
            last = high if step else first
        numbers.update(range(first, last + 1, int(step or 1)))
    return numbers


def _number(text: str, names: dict[str, int]) -> int:
    return names[text] if text in names else int(text)
