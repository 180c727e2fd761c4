"""Blows under load, again and again: the next one falls when every caller has been answered since the last.

By the clock alone they would fall, on a busy machine, on one and the same call each time it is tried again; nobody promises to bear that.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Pace:
    """How often each of so many callers has been answered."""

    def __init__(self, callers: int) -> None:
        self._answers: list[float] = [0] * callers
        self._before = list(self._answers)

    def answered(self, caller: int) -> None:
        self._answers[caller] += 1

    def left(self, caller: int) -> None:
        """Nobody waits for it any more."""
        self._answers[caller] = math.inf

    def begin(self) -> None:
        self._before = list(self._answers)

    def has_gone_round(self) -> bool:
        """Whether each that is there has been answered since it began."""
        return all(now > before or now == math.inf for now, before in zip(self._answers, self._before, strict=True))


@contextmanager
def again_and_again(blow: Callable[[], int], every_s: float, pace: Pace) -> Iterator[list[int]]:
    """What each of the blows met, `every_s` apart at least."""
    over, met = threading.Event(), list[int]()

    def serve() -> None:
        while not over.wait(every_s):
            if pace.has_gone_round():
                met.append(blow())
                pace.begin()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield met
    finally:
        over.set()
        thread.join(10)
