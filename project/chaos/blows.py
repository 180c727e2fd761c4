"""What falls on a month of billing, and when. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass

PHASES = ("prepare", "finalise", "collect")
FINALISE, COLLECT = 1, 2
SERVERS = ("redis", "database")
FIRST = {"stop": 0, "answered": 1}  # before the work may be over


@dataclass(frozen=True, order=True)
class Blow:
    """When `share` (0 to 1) of a phase's documents are through, `kind` happens; in the next phase, where this one is over before.

    unheard · the phase's job is asked for while nobody lives who could take it, and FLUSHALL forgets that it was: the ledger alone knows
    both, worker · SIGKILL to all workers, to the one that holds the phase's job
    stop · that one stands still in the middle of a document, until it has lost its lease and another has gone on; then it wakes
    answered · SIGKILL to whoever has the payment provider's answer, and has not kept it
    redis, database · the server is killed, and comes back; flush · FLUSHALL
    freeze_redis, freeze_database · the holder's connections carry nothing for `lasts_s`, which is past the lease
    """

    phase: int
    share: float
    kind: str
    lasts_s: float = 0.0


def kinds(phase: int, database: str) -> list[str]:
    """What happens in the midst of a phase. SQLite is no server; and there a worker is lost when its process is gone, not when it stands still.
    (Drafting is two transactions, in which little can happen.)"""
    found = [["both", "freeze_redis"], ["worker", "redis", "flush"], ["both", "flush", "redis", "answered"]][phase]
    if database == "postgres":
        found += [["database"], ["freeze_database", "database"], ["freeze_database"]][phase] + ["stop"]
    return found


def blows(seed: int, database: str) -> list[Blow]:
    """In each phase each of its kinds once, spread over it, in an order by chance, but for those of FIRST."""
    rng = random.Random(f"month {seed} {database}")  # nosec B311 # repeatable by its seed
    found = []
    for phase in range(len(PHASES)):
        here = kinds(phase, database)
        order = sorted(rng.sample(here, len(here)), key=lambda kind: FIRST.get(kind, 2))
        shares = [round((place + rng.uniform(0.1, 0.8)) / len(here), 3) for place in range(len(here))]
        found += [
            Blow(phase, share, kind, round(rng.uniform(3.0, 4.0), 3) if kind.startswith("freeze") else 0.0)
            for share, kind in zip(shares, order, strict=True)
        ]
        found.append(Blow(phase, 0.0, "unheard"))
    return sorted(found)
