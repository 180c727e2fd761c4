"""The commit of a claim goes through and nobody hears of it: the runs must not hang on a worker that knows nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from django.db import OperationalError

from queues.contract import Done
from queues.ledger import claim as claiming
from queues.ledger import runs
from queues.ledger.brief import Brief, brief
from queues.ledger.message import Asked
from queues.models import Run, Slot

from .conftest import QUEUE, Number, state_of, until

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def answer_lost(*opening: Asked) -> Iterator[Brief]:
    with brief(*opening) as talk:
        yield talk
    raise OperationalError("the connection broke before the answer came")


@contextmanager
def commit_lost(*opening: Asked) -> Iterator[Brief]:
    with brief(*opening) as talk, pytest.MonkeyPatch.context() as patched:
        patched.setattr(talk, "close", lambda *last: _away())
        yield talk


@pytest.mark.parametrize("lost", [answer_lost, commit_lost])
def test_what_a_claim_may_have_taken_is_given_back(job, queues_exist, fake_window, monkeypatch, lost) -> None:
    refs = job(lambda ctx, p: Done()).enqueue_many([Number(n=n) for n in range(3)])
    with monkeypatch.context() as patched, pytest.raises(OperationalError):
        patched.setattr(claiming, "brief", lost)
        runs.claim(QUEUE, worker_id=uuid4(), slots=2)
    assert Slot.objects.count() == (2 if lost is answer_lost else 0)
    runs.settle_doubts()
    assert [state_of(ref.id) for ref in refs] == ["pending"] * 3 and not Slot.objects.exists()
    assert set(Run.objects.values_list("attempt", "lease_token")) == {(0, None)}


def test_doubts_stay_until_they_are_settled_and_settle_once(job, queues_exist, fake_window, monkeypatch) -> None:
    job(lambda ctx, p: Done()).enqueue(Number())
    with monkeypatch.context() as patched, pytest.raises(OperationalError):
        patched.setattr(claiming, "brief", answer_lost)
        runs.claim(QUEUE, worker_id=uuid4(), slots=1)
    with monkeypatch.context() as patched, pytest.raises(OperationalError):
        patched.setattr(claiming, "give_back", lambda *args, **options: _away())
        runs.settle_doubts()
    again = runs.claim(QUEUE, worker_id=uuid4(), slots=1)  # gives back first, and takes the run anew
    assert len(again.batches) == 1
    runs.settle_doubts()
    assert Run.objects.filter(state="running", lease_token=again.batches[0].token).count() == 1


def test_a_worker_that_lost_the_answer_runs_them_all_the_same(job, working, monkeypatch) -> None:
    adds = job(lambda ctx, p: Done({"n": p.n}))
    lost = iter([answer_lost])
    monkeypatch.setattr(claiming, "brief", lambda *opening: next(lost, brief)(*opening))
    with working():
        adds.enqueue_many([Number(n=n) for n in range(20)])
        until(lambda: Run.objects.filter(state="succeeded").count() == 20)
    assert set(Run.objects.values_list("attempt", flat=True)) == {1}


def _away() -> None:
    raise OperationalError("still away")
