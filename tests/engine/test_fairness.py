"""Who comes next: priority first, keys in turn, nobody for ever the last."""

from __future__ import annotations

from collections import Counter
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from queues.contract import Actor, RunRequest
from queues.ledger import runs, states
from queues.ledger.pending import FAIR_TURN, Course, see_next
from queues.models import Queue, Run

from .conftest import QUEUE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("queues_exist")]
ME = uuid4()


@pytest.fixture
def made(job, queues_exist):
    Queue.objects.filter(name=QUEUE).update(concurrency=10_000)
    names: dict[int | None, str] = {}

    def make(count: int, key: str = "", priority: int = 0, limit: int | None = None) -> None:
        if limit not in names:
            names[limit] = job(lambda ctx, params: None, key_limit=limit).name
        request = RunRequest(job=names[limit], params={}, actor=Actor.system(), concurrency_key=key, priority=priority)
        runs.create([runs.new_run(request) for _ in range(count)])

    return make


def taken(course: Course, share: int = 10, slots: int = 1) -> list[tuple[str, int]]:
    """(key, priority) of what one claim takes."""
    answer = runs.claim(QUEUE, worker_id=ME, slots=slots, share=share, course=course)
    ids = [claim.id for batch in answer.batches for claim in batch.claims]
    return list(Run.objects.filter(id__in=ids).values_list("concurrency_key", "priority"))


def test_a_keys_long_backlog_does_not_hold_up_another_key(made) -> None:
    made(300, "acme")
    made(1, "zenith")
    first = taken(Course())
    assert ("zenith", 0) in first and len(first) >= 6, "the other key has its part of the very first claim"


def test_runs_without_a_key_are_one_group_among_the_others(made) -> None:
    made(100)
    made(100, "acme")
    counts = Counter(key for key, _ in taken(Course()))
    assert counts == {"": 5, "acme": 5}


def test_keys_take_turns_when_a_claim_is_for_one_run(made) -> None:
    for key in ("a", "b", "c"):
        made(3, key)
    course = Course()
    assert [taken(course, share=1)[0][0] for _ in range(6)] == ["a", "b", "c", "a", "b", "c"]


def test_within_a_key_what_fell_due_first_comes_first(made) -> None:
    made(5, "a")
    order = list(Run.objects.order_by("due_at", "id").values_list("id", flat=True))
    answer = runs.claim(QUEUE, worker_id=ME, slots=1, share=3, course=Course())
    assert [claim.id for batch in answer.batches for claim in batch.claims] == order[:3]


def test_a_higher_priority_comes_first_whatever_its_key(made) -> None:
    made(20, "a")
    made(3, "b", priority=5)
    first = taken(Course(), share=5)
    assert Counter(first) == {("b", 5): 3, ("a", 0): 2}, "what is left of the claim goes to the next priority"


def test_a_low_priority_is_taken_in_its_fair_turn(made) -> None:
    made(200, priority=9)
    made(1, priority=-3)
    course = Course()
    seen = [priority for _ in range(2 * FAIR_TURN) for _, priority in taken(course, share=1)]
    assert -3 in seen and seen.count(9) >= len(seen) - 3


def test_every_priority_has_a_turn_under_a_flood_of_the_highest(made) -> None:
    made(300, priority=9)
    for priority in (1, 2, 3):
        made(1, priority=priority)
    course = Course()
    seen = {priority for _ in range(6 * FAIR_TURN) for _, priority in taken(course, share=1)}
    assert seen == {9, 3, 2, 1}


def test_a_key_that_is_held_up_holds_up_nobody_else(made) -> None:
    made(200, "full", limit=1)
    runs.claim(QUEUE, worker_id=ME, slots=1, share=1, course=Course())
    made(2, "other", limit=1)
    made(1)
    keys = [key for key, _ in taken(Course(), share=1, slots=3)]
    assert sorted(keys) == ["", "other"]


def test_the_window_shows_what_a_claim_could_take(made) -> None:
    made(50, "acme")
    made(1, "zenith")
    jobs = see_next(QUEUE, 10, None)
    keys = set(Run.objects.filter(id__in=[run_id for run_id, _ in jobs]).values_list("concurrency_key", flat=True))
    assert keys == {"acme", "zenith"}


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(st.text("abcdef", min_size=0, max_size=2), st.integers(1, 6), min_size=1, max_size=8),
    st.integers(1, 4),
    st.integers(1, 4),
)
def test_every_run_is_taken_exactly_once_and_no_key_waits_longer_than_a_round(made, backlog, slots, share) -> None:
    Run.objects.all().delete()
    for key, count in backlog.items():
        made(count, key)
    course, waited = Course(), Counter(dict.fromkeys(backlog, 0))
    left = Counter(backlog)
    for _ in range(sum(backlog.values()) * 3):
        if not left:
            break
        counts = Counter(key for key, _ in taken(course, share=share, slots=slots))
        left -= counts
        for key in left:
            waited[key] = 0 if counts[key] else waited[key] + 1
            assert waited[key] <= 2 * len(backlog) + 1, f"{key!r} waits while others are served"
    assert not left and Run.objects.exclude(state=states.RUNNING).count() == 0
