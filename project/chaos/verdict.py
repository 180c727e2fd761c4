"""Was anything lost, done twice, or done outside its lease? Pure: judged from what was recorded, not from counters."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from project.chaos.facts import STILL, Done, Hold, Journal, Lease, Record


@dataclass
class Verdict:
    """Each list names the culprits, so that a number can be looked into."""

    jobs: int = 0
    completed: int = 0
    reran: int = 0
    lost: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    phantoms: list[str] = field(default_factory=list)  # of transactions that were rolled back
    overlaps: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    slots_left: int = 0

    @property
    def clean(self) -> bool:
        return not (self.lost or self.duplicates or self.phantoms or self.overlaps or self.outside or self.slots_left)


def judge(
    record: Record,
    journal: Journal,
    limits: Mapping[str, int],
    key_limit: int = 1,
    may_die: frozenset[str] = frozenset(),
) -> Verdict:
    """`limits`: queue → slots. Runs whose business key is in `may_die` are meant to end otherwise and are left out."""
    verdict = Verdict()
    times = Counter(done.key for done in record.done)
    runs = [run for run in record.runs if run.key not in may_die]
    known = {run.id for run in record.runs}
    with_run = {run.key for run in record.runs}
    for run in runs:
        if run.state == "succeeded" and times[run.key] >= 1:
            verdict.completed += 1
        else:
            why = f" ({run.error_code}: {run.error_message[:120]})" if run.error_code else ""
            verdict.lost.append(f"{run.key}: run {run.id} is {run.state}, effect {times[run.key]} times{why}")
    vanished = [(key, run_id) for key, run_id in journal.acknowledged.items() if run_id not in known]
    verdict.lost += [f"{key}: run {run_id} was acknowledged and is not there" for key, run_id in vanished]
    without = [key for key in record.orders if key not in with_run]
    verdict.lost += [f"{key}: its business row was committed without its run" for key in without]
    verdict.jobs = len(runs) + len(vanished) + len(without)
    ordered = set(record.orders)
    verdict.phantoms += sorted(journal.void & (with_run | ordered))
    verdict.phantoms += sorted(key for key in with_run & journal.in_order if key not in ordered)
    verdict.duplicates += [f"{key}: {count} times" for key, count in sorted(times.items()) if count > 1]
    starts = Counter(hold.run for hold in record.holds)
    verdict.reran = sum(1 for run in runs if run.attempt > 1 or run.crashes or starts[run.id] > 1)
    verdict.overlaps = [*over_limit(record.leases, limits), *keys_together(record.holds, key_limit)]
    verdict.outside = outside_lease(record.done, record.holds)
    verdict.slots_left = sum(1 for lease in record.leases if lease.closed == STILL)
    return verdict


def duplicate_effects(verdict: Verdict) -> int:
    """Rows beyond one for each business key."""
    return sum(int(told.rsplit(": ", 1)[1].split()[0]) - 1 for told in verdict.duplicates)


def over_limit(leases: Iterable[Lease], limits: Mapping[str, int]) -> list[str]:
    """Each moment at which a queue had one lease more than its limit."""
    by_queue: dict[str, list[tuple[float, float, str]]] = defaultdict(list)
    for lease in leases:
        by_queue[lease.queue].append((lease.opened, lease.closed, lease.token))
    return [
        f"queue {queue}: {told}"
        for queue, spans in sorted(by_queue.items())
        if queue in limits
        for told in _crowded(spans, limits[queue])
    ]


def keys_together(holds: Iterable[Hold], limit: int = 1) -> list[str]:
    """Each moment at which a concurrency key was in one lease more than its limit. Runs of one token run in turn."""
    spans: dict[tuple[str, str], dict[str, tuple[float, float]]] = defaultdict(dict)
    for hold in holds:
        if hold.key:
            tokens = spans[hold.queue, hold.key]
            opened, closed = tokens.get(hold.token, (hold.opened, hold.closed))
            tokens[hold.token] = (min(opened, hold.opened), max(closed, hold.closed))
    return [
        f"key {key} on {queue}: {told}"
        for (queue, key), tokens in sorted(spans.items())
        for told in _crowded([(opened, closed, token) for token, (opened, closed) in tokens.items()], limit)
    ]


def outside_lease(done: Iterable[Done], holds: Iterable[Hold]) -> list[str]:
    """Effects that were committed when their run's lease was not (any more) theirs."""
    by_run: dict[str, list[Hold]] = defaultdict(list)
    for hold in holds:
        by_run[hold.run].append(hold)
    return [
        f"{effect.key}: committed at {effect.at:.6f} outside the lease {effect.token or '(with the ending)'}"
        for effect in done
        if not _within(effect, by_run[effect.run])
    ]


def _within(effect: Done, holds: Sequence[Hold]) -> bool:
    if effect.token:
        return any(hold.token == effect.token and hold.opened <= effect.at <= hold.closed for hold in holds)
    if effect.xid:  # in the very transaction that recorded the ending
        return any(hold.xid == effect.xid and hold.ended == "succeeded" for hold in holds)
    return effect.state == "succeeded" and any(hold.ended == "succeeded" for hold in holds)


def _crowded(spans: Sequence[tuple[float, float, str]], limit: int) -> list[str]:
    """A close and an open at the same instant do not overlap: one transaction followed the other."""
    moments = sorted(
        [(closed, 0, token) for opened, closed, token in spans if closed > opened and closed != STILL]
        + [(opened, 1, token) for opened, closed, token in spans if closed > opened]
    )
    inside: set[str] = set()
    found = []
    for at, opens, token in moments:
        if not opens:
            inside.discard(token)
            continue
        inside.add(token)
        if len(inside) > limit:
            found.append(f"{len(inside)} leases at {at:.6f}, the limit is {limit}: {', '.join(sorted(inside))}")
    return found
