"""Values of a self-contained case, as they are written: numbers, days, instants, time zones. What is wrong is told in words. Pure."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from reprlib import repr as short
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BeforeValidator, Field

NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,12})?", re.ASCII)
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d(?::?\d\d)?)", re.ASCII)
YEARS = range(1900, 3000)
Near = TypeVar("Near", bound=date)


def _number(value: Any) -> Decimal:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not NUMBER.fullmatch(value):
        raise ValueError(
            'give a decimal number in quotation marks, like "12.50": 15 digits at most, and 12 behind the point'
        )
    return Decimal(value)


def _day(value: Any) -> date:
    if not isinstance(value, str) or not DAY.fullmatch(value):
        raise ValueError("give a date, like 2026-04-01")
    return _near(date.fromisoformat(value))


def _moment(value: Any) -> date | datetime:
    if isinstance(value, str) and INSTANT.fullmatch(value):
        return _near(datetime.fromisoformat(value))
    if not isinstance(value, str) or not DAY.fullmatch(value):
        raise ValueError("give a date, like 2026-04-01, or an instant with its offset, like 2026-04-01T00:00:00Z")
    return _near(date.fromisoformat(value))


def _near(moment: Near) -> Near:
    """No bill is of another age: what says so is misspelt."""
    if moment.year not in YEARS:
        raise ValueError(f"the year is to be from {YEARS[0]} to {YEARS[-1]}")
    return moment


@cache
def _zones() -> frozenset[str]:
    """Those of the tz database. A machine's own ("localtime") is elsewhere another one."""
    return frozenset(available_timezones() - {"localtime", "Factory"})


def _zone(value: Any) -> ZoneInfo:
    if not isinstance(value, str) or value not in _zones():
        raise ValueError(f"{short(value)} is no time zone: write one like Europe/Vienna")
    return ZoneInfo(value)


Number = Annotated[Decimal, BeforeValidator(_number)]
NotNegative = Annotated[Number, Field(ge=0)]
Positive = Annotated[Number, Field(gt=0)]
Percent = Annotated[NotNegative, Field(le=100)]
Day = Annotated[date, BeforeValidator(_day)]
Moment = Annotated[date | datetime, BeforeValidator(_moment)]
Zone = Annotated[Any, BeforeValidator(_zone)]
Currency = Annotated[str, Field(min_length=3, max_length=3)]
