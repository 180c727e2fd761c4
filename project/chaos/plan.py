"""What happens when: a pure function of the seed and the size of the run."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

WHOLE = 10_000  # jobs for which the counts below are the least
LEAST: dict[str, int] = {
    "sigkill": 50,
    "sigstop": 10,
    "redis_kill": 5,
    "flushall": 2,
    "database_stop": 3,
    "scheduler_kill": 2,
    "reconciler_kill": 2,
    "client_kill": 3,
    "freeze_redis": 2,
    "freeze_database": 2,
}
ON_EMBEDDED = frozenset(LEAST) - {"database_stop", "freeze_database"}  # SQLite is no server
QUIET_S = 2.0  # before the first act
WORKERS, SCHEDULERS, RECONCILERS = 4, 2, 2
PROXIED = (2, 3)  # the workers that reach the servers through the proxy


@dataclass(frozen=True, order=True)
class Act:
    """`at_s` after the start; `target` which of the kind's processes; `lasts_s` how long (0: at once; inf: for ever)."""

    at_s: float
    kind: str
    target: int = 0
    lasts_s: float = 0.0


@dataclass(frozen=True)
class Helping:
    """`count` jobs are asked for at `at_s`."""

    at_s: float
    count: int


def length_s(jobs: int) -> float:
    """How long the load goes on."""
    return 20.0 + jobs / 80


def counts(jobs: int, database: str) -> dict[str, int]:
    """How often each kind happens: in proportion, but at least once."""
    kinds = LEAST if database == "postgres" else {kind: LEAST[kind] for kind in LEAST if kind in ON_EMBEDDED}
    return {kind: max(1, math.ceil(least * jobs / WHOLE)) for kind, least in kinds.items()}


def plan(seed: int, jobs: int, database: str, lease_s: float) -> list[Act]:
    """The acts in their order. Those of one kind are spread: one in each equal part of the time, at a random moment."""
    rng = random.Random(f"plan {seed} {jobs} {database}")  # nosec B311 # repeatable by its seed
    acts = []
    span = length_s(jobs) - QUIET_S
    for kind, count in counts(jobs, database).items():
        part = span / count
        for number in range(count):
            at_s = QUIET_S + part * (number + rng.uniform(0.05, 0.85))
            acts.append(
                Act(
                    round(at_s, 3),
                    kind,
                    _target(rng, kind, number),
                    round(_lasts(rng, kind, number + seed, lease_s), 3),
                )
            )
    return sorted(acts)


def helpings(acts: list[Act], jobs: int, first: float = 0.1, bursts: float = 0.5) -> list[Helping]:
    """A part of the jobs waits before the workers start, a part comes just before each blow, so that it hits work, and
    the rest evenly."""
    blows = [act for act in acts if act.kind in ("sigkill", "sigstop", "database_stop")]
    early = int(jobs * first)
    burst = int(jobs * bursts / max(1, len(blows)))
    ticks = int(length_s(jobs) / 0.5) - 2
    rest = jobs - early - burst * len(blows)
    steady = [Helping(0.5 * n, rest * n // ticks - rest * (n - 1) // ticks) for n in range(1, ticks + 1)]
    before = [Helping(max(0.0, blow.at_s - 0.15), burst) for blow in blows]
    return [Helping(0.0, early), *sorted([*steady, *before], key=lambda helping: helping.at_s)]


def _target(rng: random.Random, kind: str, number: int) -> int:
    if kind.startswith("freeze"):
        return PROXIED[number % len(PROXIED)]
    return rng.randrange(
        {"sigkill": WORKERS, "sigstop": WORKERS, "scheduler_kill": SCHEDULERS, "reconciler_kill": RECONCILERS}.get(
            kind, 1
        )
    )


def _lasts(rng: random.Random, kind: str, number: int, lease_s: float) -> float:
    if kind == "sigstop":
        return lease_s + rng.uniform(1.0, 4.0)  # past the lease: what it then says must be refused
    if kind == "redis_kill":
        return rng.uniform(0.2, 4.0)
    if kind == "database_stop":
        return rng.uniform(0.2, 3.0)
    if kind.startswith("freeze"):
        return math.inf if number % 2 else rng.uniform(3.0, 9.0)
    return 0.0
