"""What every worker host does beside running jobs, without a leader: promote, reconcile, rescue, and the ticks handed in.

All of it is safe to do from any number of processes at once; each round is a function, so tests never sleep.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connections

from queues.engine import release
from queues.engine.cutoff import in_engine
from queues.engine.rescue import LeaseWatch, rescue_lost
from queues.engine.window import DoorbellAway, Window
from queues.ledger import clock, runs
from queues.ledger.pending import queues_waiting

log = logging.getLogger("roundsman.worker")
Pairs = Iterable[tuple[str, UUID]]
LONG_S = 1.0  # what took longer rests


@dataclass
class Tick:
    """Something done every `every_s` seconds; what it returns, if anything, are (queue, run id) pairs to release."""

    name: str
    every_s: float
    call: Callable[[], Pairs | None]
    due_s: float = 0.0


class Tender:
    """One thread."""

    def __init__(
        self, queues: Sequence[str], window: Window, lease_s: float, ticks: Sequence[Tick] = (),
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.queues, self.window, self._clock_s = list(queues), window, clock_s
        self.watch = LeaseWatch(lease_s)
        self.ticks = [
            Tick("rescue", 0.5, self._rescue),  # before what may wait for Redis
            Tick("promote", 0.0, self._promote),
            Tick("reconcile", 1.0, self._reconcile),
            *ticks,
        ]
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._next_due: datetime | None = None
        self._troubles: dict[str, str] = {}
        self.thread = threading.Thread(target=self._serve, name="tender", daemon=True)

    def look(self) -> None:
        """Something new falls due: find out when."""
        self._next_due = None
        self._wake.set()

    def stop(self) -> None:
        self._stop.set()
        self._wake.set()

    def round(self, now_s: float) -> None:
        """Do what is due at `now_s` (monotonic). What took long (a Redis that is silent is waited for) rests for as long, so that the others
        have their turns: the lost are found meanwhile."""
        for tick in self.ticks:
            if tick.due_s <= now_s:
                tick.due_s, began_s = now_s + tick.every_s, self._clock_s()
                self._safely(tick.name, partial(self._run, tick))
                ended_s = self._clock_s()
                if ended_s - began_s > LONG_S:
                    tick.due_s = max(tick.due_s, ended_s + (ended_s - began_s))

    def _run(self, tick: Tick) -> None:
        pairs = list(tick.call() or ())
        if pairs:
            release.release_runs(pairs, self.window)

    def _promote(self) -> Pairs:
        now = clock.now()
        if self._next_due is not None and self._next_due > now:
            return []
        return runs.promote()

    def _reconcile(self) -> None:
        self._next_due = None
        runs.settle_doubts()
        waiting = queues_waiting()
        for queue in self.queues:
            if queue in waiting:
                release.refill(queue, self.window)

    def _rescue(self) -> Pairs:
        pairs = rescue_lost(self.watch, self._clock_s())
        for queue, count in Counter(queue for queue, _ in pairs).items():
            log.warning("%d run(s) on %s are taken back from workers that are gone.", count, queue)
        return pairs

    def _serve(self) -> None:
        in_engine()
        while not self._stop.is_set():
            self._wake.clear()
            self.round(self._clock_s())
            self._wake.wait(self._pause_s())
        connections.close_all()

    def _pause_s(self) -> float:
        """Until the next tick, or the next run that falls due, whichever is sooner."""
        now_s = self._clock_s()
        pause = min((tick.due_s for tick in self.ticks if tick.every_s > 0), default=now_s + 1.0) - now_s
        try:
            due = runs.next_due_at()
        except Exception:  # told by the next round, which fails alike
            connections.close_all()
            self.watch.forget()
            return 0.5
        self._next_due = due
        if due is not None:
            pause = min(pause, (due - clock.now()).total_seconds())
        return max(0.005, min(pause, 1.0))

    def _safely(self, name: str, call: Callable[[], object]) -> None:
        """A part that is away is told once, and told again when it is back."""
        try:
            call()
            if self._troubles.pop(name, None):
                log.info("%s works again.", name)
        except DoorbellAway as error:
            log.debug("%s: %s", name, error)  # the worker tells it; here every other round has nothing to offer
        except (DatabaseError, InterfaceError) as error:
            connections.close_all()
            self.watch.forget()
            self._tell(name, f"The database does not answer: {' '.join(str(error).split())}")
        except Exception:
            connections.close_all()
            log.exception("%s failed; it is tried again at its next turn.", name)

    def _tell(self, name: str, trouble: str) -> None:
        if name not in self._troubles:
            log.error("%s: %s", name, trouble)
        self._troubles[name] = trouble
