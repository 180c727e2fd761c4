"""A provider that takes so many calls at once and no more, and a worker that calls it: simulated, seconds are free.

`capacity` may change with time. What happens beyond it is the kind's: `queues` (calls wait for each other), `refuses`
(429 at once), `collapses` (the more, the less gets done; what takes too long ends as a timeout).
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from queues.engine.adaptive import Adaptive

TIMEOUT_S = 3.0
Limit = Callable[[float], int]


@dataclass
class Provider:
    kind: Literal["queues", "refuses", "collapses"]
    capacity: Callable[[float], float]  # calls at once, by time; 0: it is away
    usual_s: Callable[[float], float] = lambda now_s: 0.2
    spread: float = 0.3  # standard deviation of the logarithm of durations
    failing: float = 0.0  # share of calls that fail for no reason of ours

    def call(self, now_s: float, at_once: int, rng: random.Random) -> tuple[float, bool]:
        """(how long it takes, whether it tells of overload) of a call that begins as one of so many at once."""
        capacity, took_s = self.capacity(now_s), self.usual_s(now_s) * rng.lognormvariate(0, self.spread)
        if capacity <= 0:
            return 0.05, True
        if rng.random() < self.failing:
            return took_s, True
        over = at_once / capacity
        if over <= 1:
            return took_s, False
        if self.kind == "refuses":
            return 0.02, True
        took_s *= over if self.kind == "queues" else over**2
        return (TIMEOUT_S, True) if took_s > TIMEOUT_S else (took_s, False)


@dataclass
class Told:
    """What came of it: successes by second, and the limit at every ending."""

    done: dict[int, int] = field(default_factory=dict)
    limits: list[tuple[float, int]] = field(default_factory=list)

    def rate(self, from_s: float, to_s: float) -> float:
        return sum(count for second, count in self.done.items() if from_s <= second < to_s) / (to_s - from_s)

    def between(self, from_s: float, to_s: float) -> list[int]:
        return [limit for at_s, limit in self.limits if from_s <= at_s < to_s]

    def mean(self, from_s: float, to_s: float) -> float:
        """Of the limit, weighed by time."""
        inside = [(max(at_s, from_s), limit) for at_s, limit in self.limits if at_s < to_s]
        ends = [at_s for at_s, _ in inside[1:]] + [to_s]
        return sum(limit * (end_s - at_s) for (at_s, limit), end_s in zip(inside, ends, strict=True)) / (to_s - from_s)


def work(
    provider: Provider, limit: Adaptive | int, for_s: float, *, seed: int = 1, demand: Limit | None = None
) -> Told:
    """A worker that has as much to do as it may, or `demand` at once; a fixed limit, or one that is found out."""
    rng, told, under_way = random.Random(seed), Told(), list[tuple[float, float, bool]]()
    now_s = 0.0
    while now_s < for_s:
        allowed = limit if isinstance(limit, int) else limit.allowed(now_s)
        told.limits.append((now_s, allowed))
        if demand is not None:
            allowed = min(allowed, demand(now_s))
        while len(under_way) < allowed:
            took_s, overloaded = provider.call(now_s, len(under_way) + 1, rng)
            heapq.heappush(under_way, (now_s + took_s, took_s, overloaded))
        if not under_way:
            now_s += 0.1
            continue
        now_s, took_s, overloaded = heapq.heappop(under_way)
        if not overloaded:
            told.done[int(now_s)] = told.done.get(int(now_s), 0) + 1
        if isinstance(limit, Adaptive):
            limit.heard(took_s, overloaded, now_s, "job", timed=not overloaded)
    return told


def best_rate(provider: Provider, limits: Iterable[int], for_s: float = 20.0) -> float:
    """Successes a second under the best fixed limit."""
    return max(work(provider, limit, for_s).rate(5, for_s) for limit in limits)
