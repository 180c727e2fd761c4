"""idempotency_key=: the same key with the same contents is one run, whoever comes, however often, however many at once."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import assume, given
from hypothesis import strategies as st

from queues import registry
from queues.contract import Actor, RunRef, RunRequest
from queues.engine import control, dispatch
from queues.errors import IdempotencyConflict, InvalidParams, WrongState
from queues.ledger import clock
from queues.ledger.idempotency import MAX_KEY, RunGone, fingerprint, key_of
from queues.models import AuditEntry, IdempotencyRecord, JobDefinition, Run

from .conftest import QUEUE, Number

transactional = pytest.mark.django_db(transaction=True)
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
KEY = "close:2026-11"


@pytest.fixture
def noop(job):
    return job(lambda ctx, params: None)


def end(ref: RunRef) -> None:
    Run.objects.filter(pk=ref.id).update(state="succeeded", finished_at=clock.now())


def at_once(count: int, call: Callable[[], Any]) -> list[Any]:
    """Call it in so many threads at the same moment."""
    gate = threading.Barrier(count)

    def one(_: int) -> Any:
        gate.wait(30)
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


# --- one caller after the other ---


@transactional
def test_the_same_key_and_contents_are_one_run_released_once(noop, fake_window) -> None:
    first = noop.enqueue(Number(n=1), idempotency_key=KEY)
    again = noop.enqueue(Number(n=1), idempotency_key=KEY)
    assert (first.created, again) == (True, RunRef(first.id, "pending", created=False))
    assert [run.id for run in Run.objects.all()] == [first.id] == fake_window.ids(QUEUE)


@pytest.mark.django_db
def test_the_same_key_with_other_contents_is_a_conflict_and_inserts_nothing(noop) -> None:
    noop.enqueue(Number(n=1), idempotency_key=KEY)
    with pytest.raises(IdempotencyConflict, match=f"'{KEY}' came before with other contents"):
        noop.enqueue(Number(n=2), idempotency_key=KEY)
    assert (Run.objects.count(), IdempotencyRecord.objects.count()) == (1, 1)


@pytest.mark.django_db
def test_a_replay_tells_the_state_as_it_is_by_then(noop) -> None:
    end(noop.enqueue(Number(), idempotency_key=KEY))
    assert noop.enqueue(Number(), idempotency_key=KEY).state == "succeeded"


@pytest.mark.django_db
def test_a_key_counts_within_its_job_and_an_alias_is_the_same_job(job) -> None:
    one, other = job(lambda ctx, params: None), job(lambda ctx, params: None)
    ref = one.enqueue(Number(), idempotency_key=KEY)
    assert other.enqueue(Number(), idempotency_key=KEY).created
    registry._aliases["tests.of_old"] = one.name
    request = RunRequest(job="tests.of_old", params={"n": 0}, actor=Actor.system(), idempotency_key=KEY)
    assert dispatch.dispatch([request])[0].id == ref.id
    del registry._aliases["tests.of_old"]


@pytest.mark.django_db
def test_who_asks_and_why_and_from_which_run_may_change(noop, actor) -> None:
    first = noop.enqueue(Number(), idempotency_key=KEY)
    again = noop.enqueue(Number(), actor=actor, why="again", parent_id=uuid4(), idempotency_key=KEY)
    assert again.id == first.id


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "k" * (MAX_KEY + 1), "a\0b"], ids=["empty", "too long", "with NUL"])
def test_what_is_no_key_is_a_programming_error(noop, key: str) -> None:
    with pytest.raises(ValueError, match="1 to 255 characters"):
        noop.enqueue(Number(), idempotency_key=key)
    assert not Run.objects.exists()


@pytest.mark.django_db
def test_the_longest_key_counts(noop) -> None:
    key = "ß" * MAX_KEY
    assert noop.enqueue(Number(), idempotency_key=key).id == noop.enqueue(Number(), idempotency_key=key).id


@pytest.mark.django_db
def test_many_at_once_cannot_share_a_key(noop) -> None:
    with pytest.raises(ValueError, match="cannot share one idempotency key"):
        noop.enqueue_many([Number(n=1), Number(n=2)], idempotency_key=KEY)
    assert not Run.objects.exists()


@pytest.mark.django_db
def test_requests_with_and_without_keys_are_answered_in_order(noop) -> None:
    asked = [noop.request(Number(n=n), idempotency_key=key) for n, key in enumerate([None, "a", None, "b"])]
    first = dispatch.dispatch(asked)
    again = dispatch.dispatch(asked)
    assert [Run.objects.get(pk=ref.id).params["n"] for ref in first] == [0, 1, 2, 3]
    assert [one.id == two.id for one, two in zip(first, again, strict=True)] == [False, True, False, True]


@transactional
def test_without_a_key_nothing_is_asked_of_the_keys(noop, fake_window) -> None:
    with CaptureQueriesContext(
        connection,
    ) as seen:
        noop.enqueue(Number())
    assert not [each["sql"] for each in seen.captured_queries if IdempotencyRecord._meta.db_table in each["sql"]]
    assert len(seen) <= 1  # the one insert, without a transaction around it


@pytest.mark.django_db
def test_a_run_past_its_retention_is_told_and_not_run_again(noop) -> None:
    Run.objects.filter(pk=noop.enqueue(Number(), idempotency_key=KEY).id).delete()
    with pytest.raises(RunGone, match="take a new key") as caught:
        noop.enqueue(Number(), idempotency_key=KEY)
    assert isinstance(caught.value, WrongState) and (caught.value.code, caught.value.permanent) == ("run_gone", True)
    assert not Run.objects.exists()


# --- with a dedupe key ---


@pytest.mark.django_db
def test_a_deduped_answer_is_what_is_replayed_when_its_run_has_ended_too(noop) -> None:
    live = noop.enqueue(Number(), dedupe_key="d")
    deduped = noop.enqueue(Number(), dedupe_key="d", idempotency_key=KEY)
    assert (deduped.id, deduped.created) == (live.id, False)
    end(live)
    assert noop.enqueue(Number(), dedupe_key="d", idempotency_key=KEY) == RunRef(live.id, "succeeded", created=False)
    assert noop.enqueue(Number(), dedupe_key="d", idempotency_key="another").created


# --- transactions ---


@transactional
def test_in_one_transaction_the_second_gets_the_first_and_the_bell_rings_once(noop, fake_window) -> None:
    with transaction.atomic():
        first = noop.enqueue(Number(), idempotency_key=KEY)
        assert noop.enqueue(Number(), idempotency_key=KEY).id == first.id
        assert fake_window.ids(QUEUE) == []
    assert fake_window.ids(QUEUE) == [first.id]


@transactional
def test_a_rollback_leaves_the_key_free(noop, fake_window) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        noop.enqueue(Number(n=1), idempotency_key=KEY)
        1 / 0
    with transaction.atomic():
        with pytest.raises(ZeroDivisionError), transaction.atomic():  # a savepoint
            noop.enqueue(Number(n=2), idempotency_key=KEY)
            1 / 0
        kept = noop.enqueue(Number(n=3), idempotency_key=KEY)
    assert [run.id for run in Run.objects.all()] == [kept.id] == fake_window.ids(QUEUE)


@transactional
def test_a_conflict_leaves_the_callers_transaction_as_it_was(noop, fake_window) -> None:
    noop.enqueue(Number(n=1), idempotency_key=KEY)
    with transaction.atomic():
        before = noop.enqueue(Number(n=2))
        with pytest.raises(IdempotencyConflict):
            noop.enqueue(Number(n=3), idempotency_key=KEY)
        after = noop.enqueue(Number(n=4))
    assert {before.id, after.id} < set(fake_window.ids(QUEUE)) and Run.objects.count() == 3


# --- at the same moment ---


@transactional
def test_two_hundred_at_once_are_one_run(noop, fake_window) -> None:
    refs = at_once(200, lambda: noop.enqueue(Number(n=1), idempotency_key=KEY))
    assert len({ref.id for ref in refs}) == 1 and [ref.created for ref in refs].count(True) == 1
    assert [run.id for run in Run.objects.all()] == [refs[0].id] == fake_window.ids(QUEUE)
    assert IdempotencyRecord.objects.get().run_id == refs[0].id


@transactional
@pytest.mark.parametrize("kept", [True, False], ids=["commits", "rolls back"])
def test_who_comes_while_the_first_is_undecided_waits_and_takes_its_place_if_it_gives_up(
    noop, fake_window, kept: bool
) -> None:
    asked, may_end = threading.Event(), threading.Event()
    first: list[RunRef] = []

    def hold() -> None:
        try:
            with transaction.atomic():
                first.append(noop.enqueue(Number(), idempotency_key=KEY))
                asked.set()
                may_end.wait(10)
                transaction.set_rollback(not kept)
        finally:
            connection.close()

    def follow() -> RunRef:
        try:
            return noop.enqueue(Number(), idempotency_key=KEY)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        holding = pool.submit(hold)
        assert asked.wait(10)
        following = pool.submit(follow)
        with pytest.raises(TimeoutError):
            following.result(0.3)
        may_end.set()
        holding.result(10)
        second = following.result(20)
    assert (second.id == first[0].id, second.created) == (kept, not kept)
    assert [run.id for run in Run.objects.all()] == [second.id] == fake_window.ids(QUEUE)


# --- the audited doors ---


@pytest.mark.django_db
def test_a_job_asked_for_by_name_is_replayed_and_audited_once(noop, actor) -> None:
    first, again = (dispatch.enqueue_job(noop.name, {"n": 1}, actor=actor, idempotency_key=KEY) for _ in range(2))
    assert first.id == again.id and AuditEntry.objects.get().object_id == str(first.id)
    with pytest.raises(IdempotencyConflict):
        dispatch.enqueue_job(noop.name, {"n": 2}, actor=actor, idempotency_key=KEY)
    assert AuditEntry.objects.count() == 1


@pytest.mark.django_db
def test_a_definition_is_replayed_and_another_of_the_same_job_is_a_conflict(noop, actor) -> None:
    mine, other = (JobDefinition.objects.create(name=name, job=noop.name, params={"n": 1}) for name in ("a", "b"))
    first, again = (dispatch.run_definition(mine, {}, actor=actor, idempotency_key=KEY) for _ in range(2))
    assert first.id == again.id and AuditEntry.objects.count() == 1
    with pytest.raises(IdempotencyConflict):
        dispatch.run_definition(other, {}, actor=actor, idempotency_key=KEY)


@pytest.mark.django_db
def test_a_replay_is_answered_although_its_time_has_come_since(noop, actor) -> None:
    at = NOON + timedelta(minutes=1)
    with clock.frozen(NOON) as fake:
        first = dispatch.enqueue_job(noop.name, {}, actor=actor, at=at, idempotency_key=KEY)
        fake.advance(3600)
        assert dispatch.enqueue_job(noop.name, {}, actor=actor, at=at, idempotency_key=KEY).id == first.id
        with pytest.raises(InvalidParams):
            dispatch.enqueue_job(noop.name, {}, actor=actor, at=at, idempotency_key="another")
        with pytest.raises(IdempotencyConflict):
            dispatch.enqueue_job(noop.name, {}, actor=actor, at=at - timedelta(1), idempotency_key=KEY)


@pytest.mark.django_db
def test_a_replay_after_a_cancel_does_not_run_again(noop, actor) -> None:
    ref = noop.enqueue(Number(), idempotency_key=KEY)
    control.cancel(ref.id, actor=actor)
    assert noop.enqueue(Number(), idempotency_key=KEY) == RunRef(ref.id, "cancelled", created=False)


# --- the fingerprint ---

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
