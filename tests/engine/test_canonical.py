"""What an entry is sealed as: the same bytes for the same values, whatever they went through."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from queues.contract import Actor
from queues.ledger import audit, audit_rows
from queues.ledger.canonical import NAMES, digest, entry_text, json_text
from queues.models import AuditEntry

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
SIMPLE = (
    st.none() | st.booleans() | TEXT | st.integers(-(10**25), 10**25) | st.floats(allow_nan=False, allow_infinity=False)
)
JSON = st.recursive(
    SIMPLE, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12
)
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20)


def shuffled(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: shuffled(value[name]) for name in reversed(value)}
    return [shuffled(each) for each in value] if isinstance(value, list) else value


def by_value(value: Any) -> Any:
    """Numbers by value, apart from true and false."""
    if isinstance(value, bool) or not isinstance(value, int | float | list | dict | Decimal):
        return (type(value).__name__, value)
    if isinstance(value, list):
        return [by_value(each) for each in value]
    if isinstance(value, dict):
        return {name: by_value(each) for name, each in value.items()}
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


@given(JSON)
def test_neither_the_order_of_keys_nor_the_form_of_the_text_makes_a_difference(value: Any) -> None:
    told = json_text(json.dumps(value))
    assert told == json_text(json.dumps(shuffled(value), indent=3, ensure_ascii=False))
    assert told.isascii() and json_text(told) == told


@given(JSON, JSON)
def test_two_values_are_told_alike_only_if_they_are_equal(one: Any, other: Any) -> None:
    alike = json_text(json.dumps(one)) == json_text(json.dumps(other))
    assert alike == (by_value(one) == by_value(other))


@given(NUMBERS, st.integers(0, 6))
def test_a_number_is_its_value(number: Decimal, zeros: int) -> None:
    plain = f"{number:f}"
    longer = plain + ("" if "." in plain else ".") + "0" * zeros + ("0" if "." not in plain else "")
    assert json_text(f"{number:E}".replace("E", "e")) == json_text(plain) == json_text(longer)
    assert Decimal(json_text(plain)) == number


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1.50", "15e-1"), ("300", "3e2"), ("-0.0", "0"), ("0e9", "0"), ("1e400", "1e400"), ("-12", "-12"), ("007", '?"007"'),
        ("NaN", '?"NaN"'), ("Infinity", '?"Infinity"'), ("{", '?"{"'), (None, "null"), ("null", "null"), ('"é"', r'"\\u00e9"'),
        ('{"b": 1, "a": [true, {}]}', '{"a":[true,{}],"b":1}'), ("1e999999999999", "1e999999999999"),
        ("12345678901234567890123456789012345678901234567890", "1234567890123456789012345678901234567890123456789e1"),
    ],
)  # fmt: skip
def test_examples(text: str | None, told: str) -> None:
    assert json_text(text) == told.replace(r"\\", "\\")


ENTRY: dict[str, Any] = {
    **dict.fromkeys(NAMES, ""), "id": 7, "actor_id": None, "before": None, "after": '{"n": 1}',
    "at": datetime(2026, 11, 26, 1, 2, 3, 45, tzinfo=UTC),
}  # fmt: skip


@given(st.integers(-720, 720))
def test_a_moment_is_the_same_in_every_zone(minutes: int) -> None:
    there = ENTRY["at"].astimezone(timezone(timedelta(minutes=minutes)))
    assert entry_text({**ENTRY, "at": there}) == entry_text(ENTRY)
    assert '"at":"2026-11-26T01:02:03.000045Z"' in entry_text(ENTRY)


def test_the_digest_is_what_the_page_says_it_is() -> None:
    """Held still: a chain sealed by an older release must be proved by a newer one."""
    assert entry_text(ENTRY) == (
        '{"action":"","actor":"","actor_id":null,"address":"","after":{"n":1},"at":"2026-11-26T01:02:03.000045Z",'
        '"before":null,"id":7,"object_id":"","object_label":"","object_type":"","request_id":"","source":"","why":""}'
    )
    assert digest("0" * 64, 1, 7, entry_text(ENTRY)) == DIGEST


DIGEST = "9db4b369f66710757f1a3ba73c0203542dc56b972e85a47100b8aa8411d92e66"  # by printf … | sha256sum


@pytest.mark.django_db
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(TEXT, JSON, max_size=4), TEXT)
def test_what_the_database_gives_back_is_told_as_what_was_given(db: None, values: dict[str, Any], label: str) -> None:
    """On both databases: so a log that moves from one to the other keeps its chain."""
    audit.write(Actor.system("tests"), "x.y", object_type="x", object_id="1", object_label=label, after=values)
    entry = AuditEntry.objects.latest("id")
    ((entry_id, told),) = audit_rows.unsealed(entry.pk - 1, entry.pk, 5)
    kept = {name: getattr(entry, name) for name in NAMES} | {"before": None, "after": json.dumps(values)}
    assert (entry_id, told) == (entry.pk, entry_text(kept))
