"""Which queue comes next. Pure: time is given."""

from __future__ import annotations

from dataclasses import replace

import pytest

from queues import catalogue
from queues.engine.turns import FAIR_TURN, FULL_FOR_S, NOTHING_FOR_S, SETTINGS_EVERY_S, Turns
from queues.ledger.claim import Claimed
from queues.ledger.facts import Batch
from queues.ledger.queue_settings import QueueSettings

HIGH, LOW = "billing", "maintenance"
SOME = [Batch(token=None, queue=HIGH, claims=[])]  # type: ignore[arg-type]


def in_force(name: str, **changed) -> QueueSettings:
    spec = catalogue.get(name)
    settings = QueueSettings(
        spec.name, spec.title, spec.rank, True, spec.concurrency, spec.memory_limit_mb, "", False, "threads", False
    )
    return replace(settings, **changed)


@pytest.fixture
def turns() -> Turns:
    turns = Turns([HIGH, LOW])
    turns.read({HIGH: in_force(HIGH), LOW: in_force(LOW)}, 0.0)
    return turns


def test_settings_are_read_at_first_and_then_once_a_second(turns) -> None:
    assert Turns([HIGH]).is_stale(0.0)
    assert not turns.is_stale(SETTINGS_EVERY_S) and turns.is_stale(SETTINGS_EVERY_S + 0.1)


def test_closed_queues_are_not_asked(turns) -> None:
    turns.read({HIGH: in_force(HIGH, paused=True), LOW: in_force(LOW)}, 1.0)
    assert turns.askable(1.0) == [LOW]


def test_the_more_important_queue_goes_first_whether_its_bell_rings_or_it_has_more(turns) -> None:
    assert turns.split(turns.askable(0.0)) == ([HIGH, LOW], None)
    turns.claimed(LOW, Claimed(SOME, more=True), 0.0)
    assert turns.split(turns.askable(0.0)) == ([HIGH], LOW)
    turns.claimed(HIGH, Claimed(SOME, more=True), 0.0)
    assert turns.split(turns.askable(0.0)) == ([], HIGH)
    turns.claimed(HIGH, Claimed(SOME), 0.0)
    assert turns.split(turns.askable(0.0)) == ([HIGH], LOW)


def test_one_claim_in_eight_is_for_whoever_has_waited_longest(turns) -> None:
    served = []
    for number in range(2 * FAIR_TURN):
        turns.look_into([HIGH, LOW])
        _, queue = turns.split(turns.askable(float(number)))
        served.append(queue)
        turns.claimed(str(queue), Claimed(SOME, more=True), float(number))
    assert served.count(LOW) == 2 and served[FAIR_TURN - 1] == served[2 * FAIR_TURN - 1] == LOW


@pytest.mark.parametrize(
    ("claimed", "aside_s"),
    [
        (Claimed(full=True, more=True), FULL_FOR_S),
        (Claimed(), NOTHING_FOR_S),
        (Claimed(more=True, wait_s=3.0), 3.0),
    ],
)
def test_a_queue_that_gave_nothing_is_put_aside_until_its_time_or_its_own_slot_comes(turns, claimed, aside_s) -> None:
    turns.claimed(HIGH, claimed, 10.0)
    assert turns.askable(10.0 + aside_s - 0.01) == [LOW]
    assert turns.askable(10.0 + aside_s) == [HIGH, LOW]
    turns.claimed(HIGH, claimed, 20.0)
    turns.freed(LOW)
    assert turns.askable(20.0) == [LOW]
    turns.freed(HIGH)
    assert turns.askable(20.0) == [HIGH, LOW]
