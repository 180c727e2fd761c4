"""What an error goes by besides its type: its own code, the HTTP status it carries, the status' hundred. Pure."""

from __future__ import annotations

import errno
from enum import Enum

from django.db import Error as DjangosError

MAX_CODE = 64
OWN = ("code", "sqlstate", "sqlite_errorname", "smtp_code")  # of ours and Stripe; psycopg; SQLite; smtplib
STATUS = ("status_code", "status", "http_status")  # DRF; Twilio and aiohttp; Stripe


def codes_of(error: BaseException) -> tuple[str, ...]:
    """The most telling first, e.g. ("card_declined", "402", "4xx"). Empty where it has none.

    Libraries put it in different places; a database error of Django's has that of the error it wraps.
    """
    own = next((code for name in OWN if (code := _text(_read(error, name)))), "")
    if not own and isinstance(error, OSError):
        own = errno.errorcode.get(error.errno or 0, "")
    cause = error.__cause__
    if not own and isinstance(error, DjangosError):
        own = _text(_read(cause, "sqlstate")) or _text(_read(cause, "sqlite_errorname"))
    response = _read(error, "response")
    found = [_read(error, name) for name in STATUS] + [_read(response, name) for name in STATUS[:2]]
    status = next((str(value) for value in found if _is_status(value)), "")
    return named(own, status)


def named(own: str, status: str = "") -> tuple[str, ...]:
    """The codes under which rules are looked for. A code of three digits is taken for a status."""
    if not status and len(own) == 3 and own.isdecimal() and _is_status(int(own)):
        status = own
    return tuple(dict.fromkeys(code for code in (own, status, f"{status[0]}xx" if status else "") if code))


def _is_status(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 599


def _text(value: object) -> str:
    """A code as it is stored; anything that is none is no code: a method, a flag."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool) or not isinstance(value, str | int) or value == 0:
        return ""
    return str(value).strip().replace("\0", "")[:MAX_CODE]


def _read(of: object, name: str) -> object:
    """An attribute, whatever it is: a property of a foreign error may raise anything."""
    try:
        return getattr(of, name, None)
    except Exception:
        return None
