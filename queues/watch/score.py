"""How well a queue is, from 0 to 100, with every lost point explained. Pure.

A queue starts at 100 and loses points for what is wrong with it, most of them on a ramp (see the tables below):

    code          at most   loses points when
    unserved           70   runs are due and no live worker serves the queue: always an F
    idle_unserved      15   nothing is due, but no live worker serves it
    stalled            40   runs are due for over half a minute, workers are there, and nothing runs or finishes
    wait               45   the oldest due run waits over half the SLA's warning (warning, critical, 10 x critical)
    backlog            20   more than 50 runs are due (5,000: all)
    failures           60   runs finished as dead letters in the last five minutes (2 %, 5 %, 50 %, all)
    saturated           5   every slot is taken while runs are due
    redis_away         20   Redis does not answer: workers fall back on the ledger, which is slower
    dead_letters       10   dead letters lie there (1, 10, 100)
    paused, off        30   runs are due and the queue is paused or switched off (5 without any that are due)

A paused queue is a person's will: its waiting, backlog, slots and workers cost nothing further, so the pause alone
warns and is never critical. Points are whole numbers; where they add up to more than 100 the smallest reasons are
cut, so that `100 - score` is always the sum of the reasons' points.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

Word = Literal["excellent", "good", "warning", "critical"]
Ramp = Sequence[tuple[float, float]]

GRADES: tuple[tuple[int, str, Word], ...] = (
    (90, "A", "excellent"),
    (75, "B", "good"),
    (60, "C", "warning"),
    (40, "D", "warning"),
    (0, "F", "critical"),
)
UNSERVED, IDLE_UNSERVED, STALLED, SATURATED, REDIS_AWAY = 70, 15, 40, 5, 20
HELD_DUE, HELD_IDLE = 30, 5
STALLED_AFTER_S = 30.0
FEW_RUNS = 5  # a failure among fewer runs than this counts as one among so many
FAILURE_RAMP: Ramp = ((0.0, 0), (0.02, 10), (0.05, 25), (0.5, 50), (1.0, 60))
BACKLOG_RAMP: Ramp = ((50, 0), (500, 10), (5000, 20))
DEAD_RAMP: Ramp = ((0, 0), (1, 2), (10, 6), (100, 10))
WAIT_POINTS = (0, 10, 30, 45)  # at half the warning, the warning, the critical limit, ten times that


@dataclass(frozen=True)
class QueueFacts:
    """A queue as it is at one moment. Seconds; `succeeded` and `failed` (dead) count the last five minutes.

    `depth` is due and waiting, `scheduled` due later, `dead` every dead letter there is, `workers` the live ones that
    serve it, `slots_busy` the leased slots out of `concurrency`, `rate_per_min` runs finished in the last minute.
    """

    queue: str
    depth: int = 0
    oldest_wait_s: float = 0.0
    scheduled: int = 0
    running: int = 0
    dead: int = 0
    slots_busy: int = 0
    concurrency: int = 1
    succeeded: int = 0
    failed: int = 0
    rate_per_min: float = 0.0
    mean_wait_s: float | None = None
    mean_processing_s: float | None = None
    workers: int = 0
    paused: bool = False
    enabled: bool = True
    redis_up: bool = True
    sla_warning_s: float = 10.0
    sla_critical_s: float = 30.0


@dataclass(frozen=True)
class Reason:
    """Why points were lost. `code` is stable; `text` is for people."""

    code: str
    text: str
    points: int


@dataclass(frozen=True)
class Verdict:
    score: int
    grade: str
    word: Word
    reasons: tuple[Reason, ...]

    def told(self) -> list[dict[str, object]]:
        """The reasons as JSON: [{code, text, points}], the gravest first."""
        return [asdict(reason) for reason in self.reasons]


def judge(facts: QueueFacts) -> Verdict:
    """The score, its grade and word, and the reasons, the gravest first."""
    found = sorted((r for r in _reasons(facts) if r.points > 0), key=lambda r: -r.points)
    reasons, left = [], 100
    for reason in found:
        points = min(reason.points, left)
        if points:
            reasons.append(Reason(reason.code, reason.text, points))
            left -= points
    grade, word = grade_of(left)
    return Verdict(left, grade, word, tuple(reasons))


def grade_of(score: int) -> tuple[str, Word]:
    """A score's letter and word."""
    return next((letter, word) for floor, letter, word in GRADES if score >= floor)


def ramp(x: float, points: Ramp) -> int:
    """Straight lines through `points`, flat outside, rounded: never falls where `points` never do."""
    below = points[0]
    for above in points:
        if x < above[0]:
            if x <= below[0]:
                return round(below[1])
            return round(below[1] + (above[1] - below[1]) * (x - below[0]) / (above[0] - below[0]))
        below = above
    return round(points[-1][1])


def seconds(value: float) -> str:
    """A duration in words: "0.4 s", "12 s", "3 min 5 s", "2 h 10 min"."""
    if value < 10:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _reasons(f: QueueFacts) -> Iterator[Reason]:
    yield from _held(f) if f.paused or not f.enabled else _serving(f)
    total = f.succeeded + f.failed
    yield Reason(
        "failures",
        f"{f.failed:,} of {_runs(total)} that finished in the last five minutes went to the dead letters.",
        ramp(f.failed / max(total, FEW_RUNS), FAILURE_RAMP),
    )
    if not f.redis_up:
        yield Reason("redis_away", "Redis does not answer; workers look for work in the ledger instead.", REDIS_AWAY)
    lie = "1 dead letter lies" if f.dead == 1 else f"{f.dead:,} dead letters lie"
    yield Reason("dead_letters", f"{lie} here: retry or cancel what matters.", ramp(f.dead, DEAD_RAMP))


def _held(f: QueueFacts) -> Iterator[Reason]:
    code, how = ("off", "switched off") if not f.enabled else ("paused", "paused")
    if f.depth:
        wait = f"{_runs(f.depth)} {'waits' if f.depth == 1 else 'wait'}, the oldest for {seconds(f.oldest_wait_s)}"
        yield Reason(code, f"The queue is {how} and {wait}.", HELD_DUE)
    else:
        yield Reason(code, f"The queue is {how}; nothing waits.", HELD_IDLE)


def _serving(f: QueueFacts) -> Iterator[Reason]:
    due = f"{_runs(f.depth)} {'is' if f.depth == 1 else 'are'} due"
    if not f.workers:
        start = f"start one with: manage.py rqworker {f.queue}"
        if f.depth:
            yield Reason("unserved", f"{due} and no live worker serves this queue; {start}", UNSERVED)
        else:
            yield Reason("idle_unserved", f"No live worker serves this queue; {start}", IDLE_UNSERVED)
    elif f.depth and not f.running and not f.rate_per_min and f.oldest_wait_s > STALLED_AFTER_S:
        text = f"{due}, {_workers(f.workers)} the queue, and nothing ran or finished in the last minute."
        yield Reason("stalled", text, STALLED)
    if not f.depth:
        return
    critical_s = max(f.sla_critical_s, f.sla_warning_s)
    limits = (f.sla_warning_s / 2, f.sla_warning_s, critical_s, critical_s * 10)
    yield Reason(
        "wait",
        f"The oldest due run has waited {seconds(f.oldest_wait_s)} "
        f"(warning at {seconds(f.sla_warning_s)}, critical at {seconds(critical_s)}).",
        ramp(f.oldest_wait_s, tuple(zip(limits, WAIT_POINTS, strict=True))),
    )
    yield Reason("backlog", f"{due} and waiting.", ramp(f.depth, BACKLOG_RAMP))
    if max(f.running, f.slots_busy) >= f.concurrency:
        text = f"All {f.concurrency} slots are busy while {due}." if f.concurrency > 1 else f"Its slot is busy; {due}."
        yield Reason("saturated", text, SATURATED)


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count:,} runs"


def _workers(count: int) -> str:
    return "1 worker serves" if count == 1 else f"{count} workers serve"
