"""The depth of a queue: exact in an ordinary backlog, counted now and then in a huge one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from queues.contract import Actor, RunRequest
from queues.ledger import clock, runs
from queues.models import Run
from queues.watch import pending as depth

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(depth, "DEEP", 5)
    monkeypatch.setattr(depth, "_deep", {})
    monkeypatch.setattr(depth, "_since", {})


def made(count: int, at: datetime = NOW) -> None:
    with clock.frozen(at):
        request = RunRequest(job="queues.ping", params={}, actor=Actor.system(), queue="reports")
        runs.create([runs.new_run(request) for _ in range(count)])


def test_an_ordinary_backlog_is_counted_to_the_last_run() -> None:
    made(2, NOW - timedelta(minutes=3))
    made(3)
    assert depth.pending(["billing", "reports"], NOW) == {"reports": (5, NOW - timedelta(minutes=3))}


def test_a_huge_one_is_counted_to_the_end_every_few_minutes() -> None:
    made(9)
    assert depth.pending(["reports"], NOW)["reports"][0] == 9
    made(4)
    assert depth.pending(["reports"], NOW + timedelta(minutes=1))["reports"][0] == 9
    assert depth.pending(["reports"], NOW + timedelta(minutes=6))["reports"][0] == 13


def test_a_huge_one_that_has_shrunk_is_exact_again() -> None:
    made(9)
    depth.pending(["reports"], NOW)
    Run.objects.filter(pk__in=list(Run.objects.values_list("pk", flat=True)[:6])).delete()
    assert depth.pending(["reports"], NOW)["reports"][0] == 3


def test_with_patience_a_huge_one_is_counted_when_it_lasts() -> None:
    patience = timedelta(seconds=30)
    made(9)
    assert depth.pending(["reports"], NOW, patience)["reports"][0] == 6, "more than DEEP: no more is known yet"
    assert depth.pending(["reports"], NOW + timedelta(seconds=29), patience)["reports"][0] == 6
    assert depth.pending(["reports"], NOW + timedelta(seconds=30), patience)["reports"][0] == 9


def test_patience_begins_anew_after_the_backlog_was_gone() -> None:
    patience = timedelta(seconds=30)
    made(9)
    depth.pending(["reports"], NOW, patience)
    Run.objects.all().delete()
    depth.pending(["reports"], NOW + timedelta(seconds=20), patience)
    made(9)
    assert depth.pending(["reports"], NOW + timedelta(seconds=40), patience)["reports"][0] == 6


def test_who_asks_without_patience_is_told_the_whole_number_at_once() -> None:
    made(9)
    depth.pending(["reports"], NOW, timedelta(seconds=30))
    assert depth.pending(["reports"], NOW)["reports"][0] == 9
