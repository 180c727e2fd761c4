"""Counts by queue and state: each pair by itself, in one statement."""

from __future__ import annotations

from collections import Counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from queues import catalogue
from queues.ledger import clock
from queues.ledger.requests import new_id
from queues.models import Run
from queues.models.run import LIVE_STATES
from queues.watch.counts import counts

pytestmark = pytest.mark.django_db
STATES = ("scheduled", "pending", "succeeded", "dead", "cancelled")
PAIRS = st.tuples(st.sampled_from([*catalogue.NAMES[:3], "of-old"]), st.sampled_from(STATES))


def stored(pairs: list[tuple[str, str]]) -> None:
    now = clock.now()
    Run.objects.all().delete()
    Run.objects.bulk_create(
        Run(
            id=new_id(), job="tests.look", queue=queue, state=state, created_at=now, due_at=now,
            finished_at=None if state in LIVE_STATES else now,
        )
        for queue, state in pairs
    )  # fmt: skip


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pairs=st.lists(PAIRS, max_size=25), asked=st.lists(st.sampled_from(STATES), min_size=1, unique=True))
def test_each_pair_is_told_with_as_many_as_there_are(pairs: list[tuple[str, str]], asked: list[str]) -> None:
    stored(pairs)
    there = Counter(pairs)
    queues = catalogue.NAMES[:2]
    assert counts(queues, asked) == {(queue, state): there[queue, state] for queue in queues for state in asked}


def test_every_queue_and_state_take_one_statement_and_nobody_asks_for_none() -> None:
    with CaptureQueriesContext(connection) as seen:
        assert set(counts(catalogue.NAMES, STATES).values()) == {0}
    assert len(seen) <= 1  # on PostgreSQL it goes by Django
    with CaptureQueriesContext(connection) as seen:
        assert counts([], STATES) == {}
    assert len(seen) == 0
