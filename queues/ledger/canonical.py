"""The bytes that an audit entry is sealed as: the same on every database, whatever the order of keys or the form of numbers.

An entry is one JSON object without spaces, its names and those of all objects in it sorted by code point, everything
outside ASCII escaped. `at` is UTC with six digits of a second. A number inside `before` and `after` is its exact value:
digits without a zero at either end, and an exponent where there is one (1.50 is 15e-1, 300 is 3e2, -0.0 is 0), since
PostgreSQL keeps numbers by value and SQLite as they were written. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from json.encoder import encode_basestring_ascii
from typing import Any

NAMES = (
    "action", "actor", "actor_id", "address", "after", "at", "before", "id", "object_id", "object_label", "object_type",
    "request_id", "source", "why",
)  # fmt: skip
GENESIS = "0" * 64  # what the first seal takes for the digest before it
_quote: Any = encode_basestring_ascii


def digest(previous: str, seq: int, entry_id: int, text: str) -> str:
    """The digest of a seal, 64 hexadecimal digits; `previous` is that of the seal before it, `text` its entry's."""
    return sha256(f"{previous}\n{seq}\n{entry_id}\n{text}".encode()).hexdigest()


def entry_text(entry: Mapping[str, Any]) -> str:
    """All fields of an entry. `at` is aware, `before` and `after` are JSON as text, or None. Raises KeyError."""
    return "{" + ",".join(f'"{name}":{_field(name, entry[name])}' for name in NAMES) + "}"


def _field(name: str, value: Any) -> str:
    if name in ("before", "after"):
        return json_text(value)
    if isinstance(value, datetime):
        return _quote(f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}")  # type: ignore[no-any-return]
    return value_text(value)


def json_text(text: str | None) -> str:
    """JSON in canonical form. What is no JSON (only a forger stores that) is told apart from all that is."""
    if text is None:
        return "null"
    try:
        return value_text(json.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=_refuse))
    except (ValueError, TypeError, ArithmeticError, RecursionError):
        return "?" + str(_quote(str(text)))


def value_text(value: Any) -> str:
    """A value as JSON in canonical form."""
    if isinstance(value, str):
        return _quote(value)  # type: ignore[no-any-return]
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_quote(name)}:{value_text(value[name])}" for name in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(value_text, value)) + "]"
    return "?" + str(_quote(repr(value)))


def _number(value: Decimal) -> str:
    sign, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    short = text.rstrip("0")
    if not short:
        return "0"
    power = int(exponent) + len(text) - len(short)
    return f"{'-' if sign else ''}{short}{f'e{power}' if power else ''}"


def _refuse(constant: str) -> Any:
    raise ValueError(constant)
