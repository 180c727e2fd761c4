"""What a cell can hold: how it is read, how it is written, and what is said of one that is wrong. Pure.

A value that is no text is taken as it is: rows are made by programs, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import BeforeValidator, Field

from billing.countries import countries
from billing.errors import CannotPrice
from billing.interchange.problems import shown
from billing.money import minor_digits

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,39}", re.ASCII)
LANGUAGE = re.compile(r"[a-z]{2}(-[A-Z]{2})?", re.ASCII)
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
NUMBER = re.compile(r"-?\d{1,18}(\.\d{1,12})?", re.ASCII)
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;.]+")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
SPELT = {"UK": "GB", "EL": "GR"}  # as people write them
YES, NO = {"yes", "true", "1", "y"}, {"no", "false", "0", "n"}


def _of_text(read: Callable[[str], Any]) -> BeforeValidator:
    return BeforeValidator(lambda value: read(tidy(value)) if isinstance(value, str) else value)


def tidy(value: str) -> str:
    """As texts are kept: lines end in one way, and nothing stands around them."""
    return value.replace("\r\n", "\n").strip()


def _text(value: str) -> str:
    if found := CONTROL.search(value):
        raise ValueError(f"a character that cannot be printed (U+{ord(found[0]):04X}) is in it: take it out")
    return value


def _code(value: str) -> str:
    if not CODE.fullmatch(value):
        raise ValueError(
            f"{shown(value)} is no code: 1 to 40 letters, digits, dots, dashes, underscores or strokes, a letter or digit first"
        )
    return value


def _currency(value: str) -> str:
    try:
        minor_digits(value)
    except CannotPrice:
        hint = f", like {value.upper()}" if value != value.upper() else ""
        raise ValueError(
            f"{shown(value)} is no currency of ISO 4217: write three capital letters{hint or ', like EUR'}"
        ) from None
    return value


def _country(value: str) -> str:
    if value not in countries():
        meant = SPELT.get(value.upper()) or (value.upper() if value.upper() in countries() else "")
        raise ValueError(f"{shown(value)} is no country of ISO 3166: write {meant or 'two capital letters, like AT'}")
    return value


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _zone(value: str) -> str:
    if value not in _zones():
        raise ValueError(f"{shown(value)} is no time zone: write one like Europe/Vienna")
    return value


def _language(value: str) -> str:
    if not LANGUAGE.fullmatch(value):
        raise ValueError(f"{shown(value)} is no language: write two small letters, like de")
    return value


def _day(value: str) -> date:
    try:
        if DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{shown(value)} is no day of the calendar") from None
    raise ValueError(f"{shown(value)} is no date: write it like 2026-10-31")


def _moment(value: str) -> datetime:
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ValueError(f"{shown(value)} is no instant: write it with its offset, like 2026-10-31T08:15:00+01:00")
    return found


def _number(value: str) -> Decimal:
    if not NUMBER.fullmatch(value):
        hint = ": write a point, and nothing between thousands" if "," in value else ": write it like 12.50"
        raise ValueError(f"{shown(value)} is no number{hint}")
    try:
        return Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{shown(value)} is no number") from None


def _whole(value: str) -> int:
    if not re.fullmatch(r"-?\d{1,9}", value, re.ASCII):
        raise ValueError(f"{shown(value)} is no whole number")
    return int(value)


def _flag(value: str) -> bool:
    if value.lower() not in YES | NO:
        raise ValueError(f"{shown(value)}: write yes or no")
    return value.lower() in YES


def _weekday(value: str) -> int:
    for number, name in enumerate(WEEKDAYS):
        if value[:3].title() == name:
            return number
    raise ValueError(f"{shown(value)} is no weekday: write {', '.join(WEEKDAYS)}")


def _weekdays(value: str) -> str:
    """By name, or as they are kept: digits, 0 is Monday."""
    if re.fullmatch(r"[0-6]+", value, re.ASCII):
        return "".join(sorted(set(value)))
    return "".join(sorted({str(_weekday(each)) for each in value.replace(",", " ").split()}))


def _email(value: str) -> str:
    if value and not EMAIL.fullmatch(value):
        raise ValueError(f"{shown(value)} is no e-mail address")
    return _text(value)


TEXT, NUMBERS = _of_text(_text), _of_text(_number)
Text20 = Annotated[str, TEXT, Field(max_length=20)]
Text40 = Annotated[str, TEXT, Field(max_length=40)]
Text80 = Annotated[str, TEXT, Field(max_length=80)]
Text100 = Annotated[str, TEXT, Field(max_length=100)]
Text120 = Annotated[str, TEXT, Field(max_length=120)]
Text200 = Annotated[str, TEXT, Field(max_length=200)]
LongText = Annotated[str, TEXT, Field(max_length=2000)]
Amount = Annotated[Decimal, NUMBERS, Field(max_digits=18, decimal_places=6)]
Percent = Annotated[Decimal, NUMBERS, Field(ge=0, max_digits=9, decimal_places=6)]
Index = Annotated[Decimal, NUMBERS, Field(ge=0, max_digits=15, decimal_places=6)]
Exchange = Annotated[Decimal, NUMBERS, Field(gt=0, max_digits=18, decimal_places=8)]
Weight = Annotated[Decimal, NUMBERS, Field(max_digits=12, decimal_places=3)]
Code = Annotated[str, _of_text(_code)]
Currency = Annotated[str, _of_text(_currency)]
Country = Annotated[str, _of_text(_country)]
Zone = Annotated[str, _of_text(_zone)]
Language = Annotated[str, _of_text(_language)]
Email = Annotated[str, _of_text(_email), Field(max_length=254)]
Day = Annotated[date, _of_text(_day)]
Moment = Annotated[datetime, _of_text(_moment)]
Whole = Annotated[int, _of_text(_whole)]
Flag = Annotated[bool, _of_text(_flag)]
Weekday = Annotated[int, _of_text(_weekday)]
Weekdays = Annotated[str, _of_text(_weekdays)]
