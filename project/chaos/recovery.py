"""How long a run waited after its worker was killed. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from project.chaos.facts import Hold, Outage, Strike

FINISHED = frozenset({"succeeded", "dead", "cancelled", "scheduled"})  # its ending was on the way when it was struck


@dataclass(frozen=True, slots=True)
class Recovery:
    """`waited_s` from the blow to the run's next lease."""

    waited_s: float
    strike: Strike
    hold: Hold


def recoveries(
    strikes: Iterable[Strike], holds: Sequence[Hold], workers: Mapping[str, str], outages: Sequence[Outage]
) -> list[Recovery]:
    """One for each lease that was open when its worker was struck; the quickest first.

    Seconds count from the blow, or from the return of the database if it was away meanwhile, which is later. (Redis being
    away is no excuse: workers look into the ledger then. Nor is a connection frozen for ever: it never returns.) `workers`: id → name. A run that was never leased again has no
    figure here: it is lost, and told as such.
    """
    names: dict[str, set[str]] = defaultdict(set)
    for worker_id, name in workers.items():
        names[name].add(worker_id)
    by_worker: dict[str, list[Hold]] = defaultdict(list)
    opened: dict[str, list[float]] = defaultdict(list)
    for hold in sorted(holds, key=lambda hold: hold.opened):
        by_worker[hold.worker].append(hold)
        opened[hold.run].append(hold.opened)
    found = []
    for strike in strikes:
        held = (hold for worker_id in names.get(strike.name, ()) for hold in by_worker[worker_id])
        for hold in held:
            if not hold.opened <= strike.at < hold.closed or hold.ended in FINISHED:
                continue
            later = opened[hold.run]
            index = bisect_right(later, hold.opened)
            if index < len(later):
                found.append(Recovery(later[index] - _since(strike, later[index], outages), strike, hold))
    return sorted(found, key=lambda recovery: recovery.waited_s)


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that at least `share` (0 to 1) of the values do not exceed; None of none."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def _since(strike: Strike, restarted: float, outages: Iterable[Outage]) -> float:
    post = strike.name.split(".")[0]
    away = [o for o in outages if o.server == "database" and o.client in ("", post) and o.began < restarted]
    return max([strike.at, *(outage.ended for outage in away if strike.at < outage.ended <= restarted)])
