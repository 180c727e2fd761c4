"""Rates ("30/s", "100/min", "100/15min"), and how many starts are free under one. Pure.

The grants of the last period are kept on the queue's row, which every claim locks: so the rate is exact over all
workers, commits or rolls back with the claim, and costs no round trip of its own (docs/adr/0004).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from queues.errors import PermanentError

PERIODS = {"s": 1.0, "sec": 1.0, "second": 1.0, "m": 60.0, "min": 60.0, "minute": 60.0, "h": 3600.0, "hour": 3600.0}
GRAIN = 20  # grants closer together than this part of the period are kept as one
Grants = list[list[float]]  # [[seconds since the epoch, starts], …], oldest first


class InvalidRate(PermanentError):
    """Not a rate."""

    code = "invalid_rate"

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} is not a rate. Write e.g. 30/s, 100/min or 1000/h.")


@dataclass(frozen=True)
class Rate:
    """At most `limit` starts in any `period_s` seconds."""

    limit: int
    period_s: float

    @property
    def per_second(self) -> float:
        return self.limit / self.period_s


def parse(text: str) -> Rate | None:
    """ "30/s" → Rate(30, 1.0), "100/15min" → Rate(100, 900.0); None for "". Raises InvalidRate."""
    if not text.strip():
        return None
    found = re.fullmatch(r"\s*(\d{1,6})\s*(?:/|per)\s*(\d{1,5})?\s*([a-z]+)\s*", text.lower())
    if found is None or found[3] not in PERIODS or int(found[1]) < 1 or int(found[2] or 1) < 1:
        raise InvalidRate(text)
    return Rate(int(found[1]), int(found[2] or 1) * PERIODS[found[3]])


def parse_limit(text: str) -> Rate | None:
    """As `parse`; None for "none" too. Raises InvalidRate."""
    return None if text.strip().lower() == "none" else parse(text)


def room(rate: Rate, grants: Sequence[Sequence[float]], now_s: float) -> int:
    """How many starts are free at `now_s`."""
    return max(0, rate.limit - int(sum(count for at_s, count in grants if at_s > now_s - rate.period_s)))


def wait_s(rate: Rate, grants: Sequence[Sequence[float]], now_s: float) -> float:
    """Seconds until the oldest grant that still counts is forgotten."""
    counting = [at_s for at_s, _ in grants if at_s > now_s - rate.period_s]
    return min(counting) + rate.period_s - now_s if counting else 0.0


def free_in_s(rate: Rate, grants: Sequence[Sequence[float]], now_s: float, starts: int) -> float:
    """Seconds until so many are free; more than the limit never are, and then until all that count are forgotten."""
    over = int(sum(count for at_s, count in grants if at_s > now_s - rate.period_s)) + starts - rate.limit
    wait = 0.0
    for at_s, count in grants:
        if over <= 0:
            break
        if at_s > now_s - rate.period_s:
            over, wait = over - int(count), at_s + rate.period_s - now_s
    return wait


def granted(rate: Rate, grants: Sequence[Sequence[float]], now_s: float, starts: int) -> Grants:
    """The grants to keep after `starts` more. Neighbours are merged under the later time: never a start too many."""
    kept = [[at_s, count] for at_s, count in grants if at_s > now_s - rate.period_s]
    if kept and now_s - kept[-1][0] < rate.period_s / GRAIN and (len(kept) < 2 or _young(rate, kept)):
        kept[-1] = [now_s, kept[-1][1] + starts]
    else:
        kept.append([now_s, starts])
    return kept


def _young(rate: Rate, kept: Grants) -> bool:
    """Whether the last entry still spans less than a grain (else steady traffic would put it off for ever)."""
    return kept[-1][0] - kept[-2][0] < rate.period_s / GRAIN
