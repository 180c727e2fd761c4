"""The last line, and what a person is told before it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from project.chaos.facts import Outage, Record, Strike
from project.chaos.recovery import percentile, recoveries
from project.chaos.stage import tell
from project.chaos.verdict import Verdict, duplicate_effects

SHOWN = 10


def answer(
    verdict: Verdict,
    record: Record,
    strikes: Sequence[Strike],
    outages: Sequence[Outage],
    kills: dict[str, int],
    seed: int,
    figures: dict[str, Any],
) -> dict[str, Any]:
    """The JSON object. Times in seconds; recovery is null where no struck worker held a lease."""
    found = recoveries([s for s in strikes if s.kind in ("sigkill", "sigstop")], record.holds, record.workers, outages)
    waits = [recovery.waited_s for recovery in found]
    for slow in found[-3:]:
        tell(
            f"Among the slowest: {slow.waited_s:.1f} s after {slow.strike.kind} of {slow.strike.name} at {slow.strike.at:.1f}:"
            f" run {slow.hold.run} on {slow.hold.queue}, held from {slow.hold.opened:.1f} to {slow.hold.closed:.1f}"
        )
    return {
        "jobs": verdict.jobs,
        "completed": verdict.completed,
        "lost": len(verdict.lost),
        "duplicate_effects": duplicate_effects(verdict),
        "reran": verdict.reran,
        "kills": dict(sorted(kills.items())),
        "recovery_p50_s": _rounded(percentile(waits, 0.50)),
        "recovery_p99_s": _rounded(percentile(waits, 0.99)),
        "recovered": len(waits),
        "overlaps": len(verdict.overlaps),
        "effects_outside_lease": len(verdict.outside),
        "phantoms": len(verdict.phantoms),
        "slots_left": verdict.slots_left,
        **figures,
        "seed": seed,
    }


def show(verdict: Verdict) -> None:
    """The culprits, the first of each kind."""
    for title, found in (
        ("Lost", verdict.lost),
        ("Done twice", verdict.duplicates),
        ("From a transaction that was rolled back", verdict.phantoms),
        ("Over a limit", verdict.overlaps),
        ("Outside its lease", verdict.outside),
    ):
        for line in found[:SHOWN]:
            tell(f"{title}: {line}")
        if len(found) > SHOWN:
            tell(f"{title}: … and {len(found) - SHOWN:,} more")


def conclude(answer: dict[str, Any], verdict: Verdict, max_recovery_s: float | None = None) -> int:
    """Print the object; 0 if all is well, 1 if not, 4 if nothing is wrong but the time that recovery took."""
    slowest = answer.get("recovery_p99_s")
    slow = max_recovery_s is not None and slowest is not None and slowest > max_recovery_s
    if slow:
        tell(f"Recovery took {slowest} s at the 99th percentile; at most {max_recovery_s:g} s are allowed.")
    print(json.dumps(answer), flush=True)
    if not verdict.clean or not answer.get("ended_in_time", True):
        return 1
    return 4 if slow else 0


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
