"""When a worker counts as lost: a whole lease of stillness that somebody has really watched."""

from __future__ import annotations

from uuid import UUID, uuid4

from queues.engine.rescue import LeaseWatch

WORKER = uuid4()


def look(watch: LeaseWatch, now_s: float, renewals: int = 7) -> list[UUID]:
    return [worker for worker, _ in watch.lost([(WORKER, renewals, "")], now_s)]


def watched(watch: LeaseWatch, from_s: float, to_s: float, renewals: int = 7) -> list[UUID]:
    """A look every half second."""
    found: list[UUID] = []
    for half in range(int(from_s * 2), int(to_s * 2) + 1):
        found = look(watch, half / 2, renewals)
    return found


def test_a_number_that_stands_still_for_a_lease_is_a_lost_worker() -> None:
    watch = LeaseWatch(5.0)
    assert watched(watch, 0, 4.5) == []
    assert look(watch, 5.0) == [WORKER]


def test_a_renewal_begins_the_lease_anew() -> None:
    watch = LeaseWatch(5.0)
    watched(watch, 0, 4.5)
    assert watched(watch, 5, 9.5, renewals=8) == []
    assert look(watch, 10.0, renewals=8) == [WORKER]


def test_a_database_that_was_away_makes_nobody_lost() -> None:
    watch = LeaseWatch(5.0)
    watched(watch, 0, 4.5)
    watch.forget()
    assert watched(watch, 34, 38.5) == []
    assert look(watch, 39.0) == [WORKER]


def test_an_answer_that_came_late_makes_nobody_lost() -> None:
    """The database stood still for a while, or this process did: all that time nobody could be seen renewing."""
    watch = LeaseWatch(5.0)
    watched(watch, 0, 1)
    assert look(watch, 31.0) == []
    assert watched(watch, 31.5, 33) == []  # time enough for the worker's own renewal to get through
    assert watched(watch, 33.5, 34) == [WORKER]


def test_slow_rounds_find_the_lost_later_but_find_them() -> None:
    watch = LeaseWatch(2.0)
    assert [bool(look(watch, 3.0 * turn)) for turn in range(6)] == [False, False, False, False, True, True]
