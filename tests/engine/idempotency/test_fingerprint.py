"""Which contents are the same: every option and every value counts, but for who asks."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from queues.contract import Actor, RunRequest
from queues.ledger.idempotency import fingerprint, key_of

from ..conftest import QUEUE, Number
from .conftest import KEY, NOON

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4))


def shuffled(value: Any, random: Any) -> Any:
    if isinstance(value, dict):
        return {name: shuffled(value[name], random) for name in random.sample(sorted(value), len(value))}
    return [shuffled(each, random) for each in value] if isinstance(value, list) else value


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for name, each in inner for place in places(each, (*path, name)))]


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


def same(one: Any, other: Any) -> bool:
    """Equal with their types: 1, 1.0 and True are three values."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and repr(one) == repr(other)


@given(JSON, st.randoms(use_true_random=False), st.sampled_from([None, 0, 3]))
def test_the_order_of_names_and_white_space_do_not_change_the_fingerprint(value: Any, random: Any, indent: Any) -> None:
    written = json.dumps(shuffled(value, random), indent=indent, ensure_ascii=random.random() < 0.5)
    assert fingerprint(json.loads(written)) == fingerprint(value)


@given(JSON, st.data())
def test_any_changed_value_changes_the_fingerprint(value: Any, data: st.DataObject) -> None:
    other = changed(value, data.draw(st.sampled_from(places(value))), data.draw(LEAVES | JSON))
    assume(not same(value, other))
    assert fingerprint(other) != fingerprint(value)


UNASKED = {"actor": Actor.system("other"), "why": "w", "parent_id": uuid4(), "schedule_id": 1, "fire_at": NOON}
ASKED = {
    "params": {"n": 1}, "at": NOON, "priority": 0, "timeout_s": 1.0, "max_attempts": 1, "queue": QUEUE,
    "dedupe_key": "d", "concurrency_key": "c", "definition_id": 1, "cache_ttl_s": 60.0, "fresh": True,
}  # fmt: skip


@pytest.mark.parametrize(
    "name", [each.name for each in fields(RunRequest) if each.name not in ("job", "idempotency_key")]
)
def test_every_option_is_told_apart_but_for_who_asks(noop, name: str) -> None:
    plain = noop.request(Number(), idempotency_key=KEY)
    value = {**UNASKED, **ASKED}[name]
    assert (key_of(replace(plain, **{name: value})) == key_of(plain)) is (name in UNASKED)


def test_a_fingerprint_kept_before_there_was_an_option_still_counts(noop) -> None:
    """Options that were not given leave no trace, so that an upgrade breaks no key of the last seven days."""
    key = key_of(noop.request(Number(n=1), priority=0, idempotency_key=KEY))
    assert key is not None and key.fingerprint == fingerprint({"job": noop.name, "params": {"n": 1}, "priority": 0})


def test_a_moment_is_the_same_in_every_zone(noop) -> None:
    here = noop.request(Number(), at=NOON, idempotency_key=KEY)
    there = replace(here, at=NOON.astimezone(timezone(timedelta(hours=5))))
    assert key_of(here) == key_of(there)
