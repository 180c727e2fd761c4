"""Three schedulers that tick at the same moment, and a clock that jumps."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import connections

SKEWS_S = (-0.4, 0.0, 7.0)  # how wrong each scheduler's clock is, beside its jumps
JUMPS_S = (-3600.0, 0.0, 3600.0)
Tick = Callable[[], object]
Trio = Callable[[Sequence[Tick]], None]  # takes a tick for each scheduler


class Unruly:
    """A clock that, once let loose, may jump whenever it is asked. It remembers the furthest time it told."""

    def __init__(self, start: datetime, chance: random.Random) -> None:
        self.base = self.furthest = start
        self.loose = False
        self._chance, self._jump_s, self._lock = chance, 0.0, threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            if self.loose and self._chance.random() < 0.05:
                self._jump_s = self._chance.choice(JUMPS_S)
            told = self.base + timedelta(seconds=self._jump_s)
            self.furthest = max(self.furthest, told)
            return told


@contextmanager
def trio(*, at_once: bool) -> Iterator[Trio]:
    """How three schedulers tick: at the same moment, on threads and connections of their own, or in turn.

    What a tick raises is raised when all three are through.
    """
    if not at_once:
        yield _in_turn
        return
    gate = threading.Barrier(len(SKEWS_S))

    def through_the_gate(tick: Tick) -> None:
        gate.wait(60)
        tick()

    def together(ticks: Sequence[Tick]) -> None:
        for done in [pool.submit(through_the_gate, tick) for tick in ticks]:
            done.result()

    with ThreadPoolExecutor(len(SKEWS_S), "scheduler") as pool:
        try:
            yield together
        finally:
            together([connections.close_all] * len(SKEWS_S))  # one each: nobody passes the gate twice


def _in_turn(ticks: Sequence[Tick]) -> None:
    for tick in ticks:
        tick()
