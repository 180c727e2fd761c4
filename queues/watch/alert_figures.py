"""What the watch has seen → the figure of each alert rule, for each queue or for the whole house. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from queues import catalogue
from queues.models import HealthSample
from queues.watch.alert_rules import BACKLOG, RULES, Figure, Key, shown
from queues.watch.look import WorkerLook
from queues.watch.pools import Pools
from queues.watch.score import seconds

WELL = Figure(None)
STALLED_AFTER_S = 60.0
Shares = Mapping[str, tuple[int, int]]  # by queue: so many, of so many


@dataclass(frozen=True)
class Seen:
    """One moment. `samples`: the newest of each queue, if it is fresh. `held`: queues that somebody paused, drains or switched off.
    `late`: of the newest runs of each queue, those over their SLA. `lost`: dead letters among an hour's runs (each counted
    several times, in both numbers alike). `pools` None: Redis does not answer. `stretch`: see `Rule.stretches`.
    """

    at: datetime
    samples: Mapping[str, HealthSample] = field(default_factory=dict)
    held: frozenset[str] = frozenset()
    workers: tuple[WorkerLook, ...] = ()
    pools: Pools | None = None
    late: Shares = field(default_factory=dict)
    lost: Shares = field(default_factory=dict)
    stretch: Mapping[str, float] = field(default_factory=dict)


def figures(seen: Seen) -> dict[Key, Figure | None]:
    """The figure of every rule there is, by rule and queue; None where it could not be measured."""
    found: dict[Key, Figure | None] = {}
    for rule in RULES:
        found |= dict.fromkeys([(rule.name, queue) for queue in (catalogue.NAMES if rule.per_queue else ("",))])
    for queue, sample in seen.samples.items():
        found |= {(rule, queue): figure for rule, figure in _of_queue(sample, seen)}
    found |= {(rule, ""): figure for rule, figure in _of_house(seen)}
    return found


def _of_queue(s: HealthSample, seen: Seen) -> Iterator[tuple[str, Figure]]:
    finished = s.succeeded + s.failed
    if s.mean_processing_s is None:
        yield from (("processing_latency", WELL), ("mean_processing", WELL))
    else:
        text = f"Runs take {seconds(s.mean_processing_s)} on average"
        yield "processing_latency", Figure(s.mean_processing_s * 1000, text, finished)
        yield "mean_processing", Figure(s.mean_processing_s, text)
    yield "failure_rate", _share(s.failed, finished, "of the runs that finished in five minutes are dead letters")
    late, counted = seen.late.get(s.queue, (0, 0))
    yield "sla", _share(late, counted, "of the newest runs took longer than their SLA allows")
    lost, ended = seen.lost.get(s.queue, (0, 0))
    share = 100 * lost / ended if ended else 0.0
    text = f"{shown(share, '%')} of the last hour's runs are dead letters, and {s.dead:,} lie there"
    yield "dead_letters", Figure(share, text, s.dead)
    if s.queue in seen.held:  # somebody's will: what waits there is no trouble
        yield from ((rule, WELL) for rule in ("queue_wait", "mean_wait", "backlog", "stalled"))
    else:
        yield from _waiting(s)


def _waiting(s: HealthSample) -> Iterator[tuple[str, Figure]]:
    wait_s = s.oldest_wait_s if s.depth else 0.0
    yield "queue_wait", Figure(wait_s, f"The oldest due run has waited {seconds(wait_s)}")
    if s.mean_wait_s is None:
        yield "mean_wait", WELL
    else:
        yield "mean_wait", Figure(s.mean_wait_s, f"Runs wait {seconds(s.mean_wait_s)} on average")
    yield "backlog", Figure(s.depth, f"{s.depth:,} {'run is' if s.depth == 1 else 'runs are'} due and waiting")
    if wait_s > STALLED_AFTER_S and (not s.running or s.depth > BACKLOG):  # (long runs are no standstill)
        served = f"{s.workers} {'worker serves' if s.workers == 1 else 'workers serve'} it" if s.workers else "no worker serves it"  # fmt: skip
        text = f"{s.depth:,} due, {s.rate_per_min:g} finished in the last minute; {served}"
        yield "stalled", Figure(s.rate_per_min, text)
    else:
        yield "stalled", WELL


def _of_house(seen: Seen) -> Iterator[tuple[str, Figure | None]]:
    if seen.samples:
        waiting = sum(s.depth for s in seen.samples.values() if s.queue not in seen.held)
        per_hour = 60 * sum(s.rate_per_min for s in seen.samples.values())
        text = f"{per_hour:,.0f} runs an hour at the pace of the last minute, while {waiting:,} wait"
        yield "throughput", Figure(per_hour, text) if waiting > BACKLOG else WELL
    slots, busy = sum(w.slots for w in seen.workers), sum(w.busy for w in seen.workers)
    yield "worker_use", Figure(100 * busy / slots, f"{busy} of {slots} slots are busy") if slots else WELL
    largest = max(seen.workers, key=lambda w: w.rss_mb, default=None)
    text = f"The worker {largest.name} uses {largest.rss_mb:,.0f} MB" if largest else ""
    yield "worker_memory", Figure(largest.rss_mb, text) if largest else WELL
    yield "pool_use", _pool_use(seen.pools)


def _pool_use(pools: Pools | None) -> Figure | None:
    if pools is None:
        return None
    each = [(pool.use, process, pool) for process, held in pools.items() for pool in held]
    if not each:
        return WELL
    use, process, pool = max(each, key=lambda one: one[0])
    used = max(pool.peak, pool.in_use)
    return Figure(100 * use, f"{process} used {used} of {pool.most} connections for {pool.purpose} at once")


def _share(part: int, whole: int, what: str) -> Figure:
    return Figure(100 * part / whole if whole else 0.0, f"{part:,} of {whole:,} {what}", part)
