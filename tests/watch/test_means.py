"""The means of each queue: over the newest runs of the window that were executed, of all queues in one statement."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from queues import catalogue
from queues.ledger import clock
from queues.models import Run
from queues.watch import newest
from queues.watch.means import means
from queues.watch.newest import WINDOW_S

from .conftest import NOON

Make = Callable[..., Run]


@pytest.fixture(autouse=True)
def frozen(at_noon: clock.Fake) -> None:
    """Noon."""


def ended(run: Make, queue: str, *, ago_s: float, wait_s: float, took_s: float, **values: Any) -> Run:
    finished = NOON - timedelta(seconds=ago_s)
    started = finished - timedelta(seconds=took_s)
    due: datetime = started - timedelta(seconds=wait_s)
    values = {"state": "succeeded", "started_at": started, "finished_at": finished, **values}
    made = run(queue, values.pop("state"), **values)
    Run.objects.filter(pk=made.pk).update(due_at=due)
    return made


def test_means_are_each_queues_own(run: Make) -> None:
    ended(run, "email", ago_s=1, wait_s=2.5, took_s=4)
    ended(run, "email", ago_s=9, wait_s=0.5, took_s=1, state="dead")
    ended(run, "billing", ago_s=5, wait_s=60, took_s=0.25)
    assert means(["email", "billing", "reports"], NOON) == {"email": (1.5, 2.5), "billing": (60, 0.25)}
    assert means(["email"], NOON) == {"email": (1.5, 2.5)}
    assert means([], NOON) == {}


def test_what_ended_before_the_window_does_not_count(run: Make) -> None:
    ended(run, "email", ago_s=WINDOW_S, wait_s=100, took_s=100)
    assert means(["email", "billing"], NOON) == {}
    ended(run, "email", ago_s=WINDOW_S - 0.001, wait_s=3, took_s=1)
    assert means(["email", "billing"], NOON) == {"email": (pytest.approx(3), pytest.approx(1))}


def test_of_many_the_newest_count_in_each_queue(run: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newest, "RECENT", 3)
    for ago_s, wait_s in ((5, 1), (40, 1000), (1, 2), (30, 1000), (20, 6)):
        ended(run, "email", ago_s=ago_s, wait_s=wait_s, took_s=1)
        ended(run, "reports", ago_s=ago_s + 50, wait_s=wait_s * 2, took_s=2)
    assert means(["email", "reports"], NOON) == {"email": (3, 1), "reports": (6, 2)}


def test_a_run_that_never_started_has_no_times(run: Make) -> None:
    ended(run, "email", ago_s=1, wait_s=4, took_s=2)
    ended(run, "email", ago_s=2, wait_s=0, took_s=0, state="cancelled", started_at=None)
    ended(run, "billing", ago_s=2, wait_s=0, took_s=0, state="cancelled", started_at=None)
    assert means(["email", "billing"], NOON) == {"email": (4, 2)}


def test_clocks_that_disagree_do_not_make_a_mean_negative(run: Make) -> None:
    ended(run, "email", ago_s=1, wait_s=-30, took_s=-5)
    assert means(["email"], NOON) == {"email": (0, 0)}


def test_every_queue_takes_one_statement(run: Make) -> None:
    for name in catalogue.NAMES:
        ended(run, name, ago_s=1, wait_s=1, took_s=1)
    with CaptureQueriesContext(connection) as seen:
        assert set(means(catalogue.NAMES, NOON)) == set(catalogue.NAMES)
    assert len(seen) <= 1  # on PostgreSQL it goes by Django
