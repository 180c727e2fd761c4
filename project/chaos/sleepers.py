"""Workers that stand still (SIGSTOP) until they have lost their lease and another has gone on; then they wake, too late."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from django.db import DatabaseError, InterfaceError, connections

from project.chaos.mother import Child, Mother
from queues.models import Run, Worker

AWAKE_AFTER_S = 1.0  # so long another has gone on when one wakes
NEVER_S = 20.0  # who has not lost its lease by then will not
T = TypeVar("T")


def unless_away(call: Callable[[], T]) -> T | None:
    """None while the database is away."""
    try:
        return call()
    except (DatabaseError, InterfaceError):
        connections.close_all()
        return None


def holds(child: Child) -> bool:
    """Whether a run is in this worker's hands, by the ledger."""
    mine = Worker.objects.filter(name=child.name).values("pk")
    return Run.objects.filter(state="running", worker_id__in=mine).exists()


@dataclass
class Sleeper:
    """`lost_at`: since when its runs are not its own any more; None: they still are."""

    child: Child
    since: float = field(default_factory=time.monotonic)
    lost_at: float | None = None
    awake: bool = False


@dataclass
class Sleepers:
    mother: Mother
    all: list[Sleeper] = field(default_factory=list)

    @property
    def some(self) -> bool:
        return any(not each.awake for each in self.all)

    @property
    def woke_too_late(self) -> int:
        return sum(each.lost_at is not None for each in self.all)

    def add(self, child: Child) -> None:
        """It was sent SIGSTOP just now."""
        self.all.append(Sleeper(child))

    def look(self) -> None:
        """Wake those whose time has come."""
        now = time.monotonic()
        for each in self.all:
            if each.awake:
                continue
            if each.lost_at is None and unless_away(lambda each=each: holds(each.child)) is False:  # type: ignore[misc]
                each.lost_at = now
            lost = each.lost_at is not None and now > each.lost_at + AWAKE_AFTER_S
            if lost or now > each.since + NEVER_S or not each.child.alive:
                self.mother.strike(each.child, signal.SIGCONT, group=True)
                each.awake = True

    def faults(self) -> list[str]:
        return [f"{each.child.name} stood still and kept its lease" for each in self.all if each.lost_at is None]
