"""How long each job of a queue takes while little is asked of the other side, learnt from its endings. Pure.

Durations are compared job by job and as ratios: a queue that turns to longer jobs has not become slower.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field

FIRST = 10  # endings of a job before anything is said of it
FLOOR_S = 0.01  # below this, differences are our own process' doing
MOST = 4.0  # one ending counts for no more than e^4 times the usual duration
DOWN, UP, MEASURED = 0.1, 0.1, 0.6  # how much of a difference is believed at once
TRUST = 3  # of a job with few endings in a window the others' difference is believed as well
MOST_JOBS = 200


@dataclass
class Seen:
    """Log ratios to the usual in a window: how many, their sum and sum of squares; and by job (count, sum)."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0
    by_job: dict[str, list[float]] = field(default_factory=lambda: defaultdict(lambda: [0, 0.0]))

    def add(self, job: str, ratio: float) -> None:
        self.count += 1
        self.total += ratio
        self.squares += ratio * ratio
        self.by_job[job][0] += 1
        self.by_job[job][1] += ratio

    @property
    def mean(self) -> float:
        """0: as usual; log 2: twice as long."""
        return self.total / self.count if self.count else 0.0

    @property
    def error(self) -> float:
        """How far the mean may be off by chance (one standard error)."""
        if self.count < 2:
            return math.inf
        return math.sqrt(max(0.0, self.squares / self.count - self.mean**2) / (self.count - 1))

    def above(self, times: float, than: Seen | None = None) -> bool:
        """Whether it took longer than `times` the usual (or what `than` saw), and not by chance."""
        more = self.mean - (than.mean if than else 0.0)
        return more > math.log(times) and more > 2.5 * math.hypot(self.error, than.error if than else 0.0)


class Usual:
    """The usual durations by job: geometric means, for durations are spread by factors."""

    def __init__(self) -> None:
        self._usual: dict[str, float] = {}  # log seconds
        self._first: dict[str, list[float]] = {}

    def usual_s(self, job: str) -> float | None:
        """None while too little is known of the job."""
        usual = self._usual.get(job)
        return None if usual is None else math.exp(usual)

    def ratio(self, job: str, duration_s: float) -> float | None:
        """The logarithm of how many times the usual this took; None while too little is known of the job."""
        took = math.log(max(duration_s, FLOOR_S))
        usual = self._usual.get(job)
        if usual is not None:
            return max(-MOST, min(MOST, took - usual))
        if len(self._first) + len(self._usual) < MOST_JOBS:
            first = self._first.setdefault(job, [])
            first.append(took)
            if len(first) >= FIRST:
                self._usual[job] = sum(first) / len(first)
                del self._first[job]
        return None

    def learn(self, seen: Seen, *, light: bool) -> None:
        """Shorter is believed little by little; longer only under a `light` load, for else it may be the load's doing."""
        for job, (count, total) in seen.by_job.items():
            off = total / count
            if count >= TRUST and (off < 0 or light):
                self._usual[job] += (DOWN if off < 0 else UP) * off

    def measured(self, seen: Seen) -> None:
        """This is the usual now: it was measured on purpose, under half the load."""
        for job, (count, total) in seen.by_job.items():
            self._usual[job] += MEASURED * (total + TRUST * seen.mean) / (count + TRUST)
