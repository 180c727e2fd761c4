"""Five-field cron in an IANA time zone: parse, next moment, words. Pure; aware UTC in and out.

The fields, their names and their calendar (`L`, `LW`, `5#2`, `5L`, and Debian's day rule: day and weekday are joined by
"or", unless one of them starts with a star) are cronsim's, walked in plain local time. What a clock change does is
Debian cron's rule, applied here, because cronsim's own walk skips fires where clocks move by half an hour and invents
one where midnight does not exist:

* Neither minute nor hour starts with a star ("30 2 * * *"): every matching local time fires exactly once. One that the
  change skips fires at the first moment after the gap; one that happens twice fires the first time.
* Minute or hour starts with a star ("*/5 * * * *"): every moment whose local time matches fires. What the change skips
  is not made up for, and what happens twice fires twice.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from difflib import get_close_matches
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

import cron_descriptor
from cronsim import CronSim, CronSimError

from queues.errors import PermanentError

MAX_LENGTH = 120
YEARS = 50  # without a fire, an expression never fires
EXAMPLE = "30 5 * * 1-5 (at 05:30 from Monday to Friday)"
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
PARTS = (  # name, what it takes, the largest step, an example
    ("minute", "0 to 59", 59, "*/15"),
    ("hour", "0 to 23", 23, "8-17"),
    ("day of the month", "1 to 31, L (the last) or LW (the last weekday)", 31, "1,15"),
    ("month", "1 to 12 or JAN to DEC", 12, "APR-OCT"),
    ("day of the week", "0 to 7 (0 and 7 are Sunday) or SUN to SAT, 5#2 (the second Friday), 5L (the last)", 7, "1-5"),
)
NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


class BadCron(PermanentError):
    """A cron expression that cannot be used. The message says what is wrong and shows one that works."""

    code = "bad_cron"


class BadZone(PermanentError):
    """A time zone that does not exist. The message names near ones."""

    code = "bad_zone"


def normalise(expression: str) -> str:
    """The expression with single spaces, proven to fire some day. Raises BadCron."""
    text = " ".join(expression.split())
    _prove(text)
    return text


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The IANA zone of a name. Raises BadZone."""
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        near = get_close_matches(name, sorted(available_timezones()), n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(near)}?" if near else "Write it like Europe/Berlin or America/New_York."
        raise BadZone(f"There is no time zone {name!r}. {hint}") from None


def next_after(expression: str, zone_name: str, after: datetime) -> datetime | None:
    """The first fire strictly after an instant, aware UTC. None: never again. Raises BadCron, BadZone."""
    where, text = zone(zone_name), normalise(expression)
    minute, hour = text.split()[:2]
    walk = _wall_clock if minute.startswith("*") or hour.startswith("*") else _once_a_day
    return walk(text, where, after.astimezone(UTC))


def in_words(expression: str) -> str:
    """The expression in English, by the 24-hour clock. Raises BadCron."""
    text = normalise(expression)
    options = cron_descriptor.Options(use_24hour_time_format=True, locale_code="en_US")
    try:
        return str(cron_descriptor.get_description(text, options))
    except (cron_descriptor.FormatError, ValueError, IndexError):  # a few shapes that cronsim knows and this does not
        return f"By the cron expression {text}"


# --- the two ways through a clock change -------------------------------------------------------------------------


def _once_a_day(text: str, where: tzinfo, after: datetime) -> datetime | None:
    for local in CronSim(text, _local(after, where)):
        instant = _instant(local, where)
        if instant > after:  # not so in the second pass of an hour that happens twice: its times fired in the first
            return instant
    return None


def _wall_clock(text: str, where: tzinfo, after: datetime) -> datetime | None:
    """Walk each stretch of constant offset by itself: within it, local time and UTC run alike.

    What matches only times that clock changes leave out (01:00 on the last Sunday of March in London) is given up.
    """
    start, local, offset = after, _local(after, where), _offset(after, where)
    while (match := next(CronSim(text, local), None)) is not None and match.year <= after.year + YEARS:
        candidate = (match - offset).replace(tzinfo=UTC)
        change = _change(where, start, candidate)
        if change is None:
            return candidate
        start, offset = change, _offset(change, where)
        local = _local(change, where) - SECOND  # a match at the very moment of the change counts
    return None


def _instant(local: datetime, where: tzinfo) -> datetime:
    """The instant of a local time: the first of two; the end of the gap for one that does not exist."""
    instant = local.replace(tzinfo=where, fold=0).astimezone(UTC)
    if _local(instant, where) == local:
        return instant
    earlier = local.replace(tzinfo=where, fold=1).astimezone(UTC)
    return _change(where, earlier, instant) or instant


def _change(where: tzinfo, start: datetime, end: datetime) -> datetime | None:
    """The first moment in (start, end] at which the offset is another than at `start`; offsets last a day or longer."""
    before, low = _offset(start, where), start
    while low < end:
        high = min(low + DAY, end)
        if _offset(high, where) != before:
            low, high = low.replace(microsecond=0), high.replace(microsecond=0)
            while high - low > SECOND:
                middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
                low, high = (middle, high) if _offset(middle, where) == before else (low, middle)
            return high
        low = high
    return None


def _local(instant: datetime, where: tzinfo) -> datetime:
    return instant.astimezone(where).replace(tzinfo=None, fold=0)


def _offset(instant: datetime, where: tzinfo) -> timedelta:
    return instant.astimezone(where).utcoffset() or timedelta()


# --- what is wrong, in words ---------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def _prove(text: str) -> None:
    if not text:
        raise BadCron(f"Say when it fires, as five fields: {EXAMPLE}.")
    if text.lower() in NICKNAMES:
        raise BadCron(f"Write {text} as five fields: {NICKNAMES[text.lower()]}.")
    if len(text) > MAX_LENGTH:
        raise BadCron(f"A cron expression has at most {MAX_LENGTH} characters; this one has {len(text)}.")
    fields = text.split()
    if len(fields) != 5:
        more = " Seconds are not a field here; use an interval for them." if len(fields) == 6 else ""
        raise BadCron(
            f"A cron expression has five fields (minute, hour, day, month, weekday); this one has {len(fields)}.{more}"
            f" A valid one: {EXAMPLE}."
        )
    for place, field in enumerate(fields):
        _prove_field(place, field)
    try:
        first = next(CronSim(text, datetime(2024, 1, 1)), None)
    except CronSimError:
        first = None
    if first is None:
        raise BadCron(
            f"{text!r} never fires: no date fits its day, month and weekday together. A valid one: {EXAMPLE}."
        )


def _prove_field(place: int, field: str) -> None:
    name, takes, longest, example = PARTS[place]
    alone = ["*"] * 5
    alone[place] = field
    steps = [int(step) for step in re.findall(r"/([0-9]{1,9})", field)]
    try:
        CronSim(" ".join(alone), datetime(2024, 1, 1))
    except CronSimError:
        raise BadCron(f"The {name} {field!r} is not valid. It takes {takes}; for example {example}.") from None
    if any(step > longest for step in steps):
        raise BadCron(
            f"The {name} {field!r} steps further than the field is long ({longest}), so it would not do what it says;"
            f" for example {example}. For longer steps use an interval."
        )
