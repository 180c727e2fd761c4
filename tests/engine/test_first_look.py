"""A claim that asks for its runs along with its beginning takes no more, and no others, than one that asks after it."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from queues.contract import Actor, Done, RunRequest
from queues.ledger import clock, message, runs
from queues.ledger.pending import Course
from queues.models import Queue, Run

from .conftest import QUEUE

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queues_exist")]
ME = uuid4()


@pytest.fixture
def made(job) -> Callable[..., None]:
    name = job(lambda ctx, params: Done()).name

    def make(count: int, key: str = "", priority: int = 0) -> None:
        request = RunRequest(job=name, params={}, actor=Actor.system(), concurrency_key=key, priority=priority)
        runs.create([runs.new_run(request) for _ in range(count)])

    return make


def take(course: Course | None, slots: int = 2, share: int = 2) -> list[int]:
    """The priorities of what one claim takes, as they were made."""
    answer = runs.claim(QUEUE, worker_id=ME, slots=slots, share=share, course=course)
    ids = [claim.id for batch in answer.batches for claim in batch.claims]
    return list(Run.objects.filter(id__in=ids).order_by("id").values_list("priority", flat=True))


@pytest.fixture
def course(made) -> Course:
    """Of a worker whose last claim was granted all it asked for."""
    Queue.objects.filter(name=QUEUE).update(concurrency=100)
    made(4)
    course = Course()
    assert len(take(course)) == 4 and course.whole
    return course


def test_it_is_one_statement_less(course: Course, made, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    ask = message.ask
    monkeypatch.setattr(message, "ask", lambda *args: asked.append(len(args[1])) or ask(*args))
    made(4)
    with CaptureQueriesContext(connection):
        assert len(take(course)) == 4
    assert asked == [4, 1], "the rules, the lock, the count and the runs together; then the lease with the commit"


def test_the_most_important_come_first_all_the_same(course: Course, made) -> None:
    for priority in range(8):
        made(1, priority=priority)
    assert take(course) == [4, 5, 6, 7]


def test_a_limit_that_was_lowered_meanwhile_holds(course: Course, made) -> None:
    made(4)
    Queue.objects.filter(name=QUEUE).update(concurrency=3)  # two slots are taken
    assert len(take(course)) == 2 and not course.whole
    assert take(course) == []


def test_a_pause_takes_hold_at_once_and_holds_no_run(course: Course, made) -> None:
    made(4)
    Queue.objects.filter(name=QUEUE).update(paused_at=clock.now())
    assert take(course) == [] and not course.whole
    Queue.objects.filter(name=QUEUE).update(paused_at=None)
    assert len(take(course)) == 4


def test_what_was_made_after_a_drain_began_is_not_taken(course: Course, made) -> None:
    Queue.objects.filter(name=QUEUE).update(drain_at=clock.now())
    made(4)
    assert take(course) == [] and not course.whole


def test_a_rate_is_kept(course: Course, made) -> None:
    Queue.objects.filter(name=QUEUE).update(rate_limit="1/s")
    made(4)
    assert len(take(course)) == 1


def test_a_long_backlog_of_many_keys_is_taken_once_and_whole(course: Course, made) -> None:
    made(20, "acme")
    made(3, "zenith")
    made(5)
    taken = [len(take(course)) for _ in range(9)]
    assert sum(taken) == 28 and not Run.objects.filter(state="pending").exists()
