"""One caller after the other: the same key with the same contents is one run, told as it is by then."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from queues import registry
from queues.contract import Actor, RunRef, RunRequest
from queues.engine import dispatch
from queues.errors import IdempotencyConflict, WrongState
from queues.ledger.idempotency import MAX_KEY, RunGone
from queues.models import IdempotencyRecord, Run

from ..conftest import QUEUE, Number
from .conftest import KEY, end, transactional


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


@pytest.mark.django_db
def test_a_deduped_answer_is_what_is_replayed_when_its_run_has_ended_too(noop) -> None:
    live = noop.enqueue(Number(), dedupe_key="d")
    deduped = noop.enqueue(Number(), dedupe_key="d", idempotency_key=KEY)
    assert (deduped.id, deduped.created) == (live.id, False)
    end(live)
    assert noop.enqueue(Number(), dedupe_key="d", idempotency_key=KEY) == RunRef(live.id, "succeeded", created=False)
    assert noop.enqueue(Number(), dedupe_key="d", idempotency_key="another").created
