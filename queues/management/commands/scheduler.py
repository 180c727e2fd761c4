"""`manage.py scheduler`: fires schedules until it is stopped. Any number of them may run, on any number of hosts."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from argparse import ArgumentParser
from collections.abc import Callable
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError, connections

from queues.engine.cutoff import in_engine
from queues.engine.release import release_runs
from queues.ledger import clock, seals
from queues.timetable import fires
from queues.watch import health

log = logging.getLogger("roundsman.scheduler")
LONGEST_S, SHORTEST_S, BUSY_S = 1.0, 0.02, 0.25
BACKOFF_S = (0.5, 1.0, 2.0)
SAMPLE_EVERY_S = 5.0
AWAY = (DatabaseError, InterfaceError)


class Bell:
    """Sleep that a signal ends at once. SimpleQueue, since its `put` may be called in the midst of its `get`."""

    def __init__(self) -> None:
        self._rung: SimpleQueue[int] = SimpleQueue()

    def ring(self, signum: int = 0, frame: FrameType | None = None) -> None:
        self._rung.put(signum)
        if signum:  # a second signal ends the process as it would any other: a fire cut short leaves nothing behind
            signal.signal(signum, signal.SIG_DFL)

    def wait(self, seconds: float) -> bool:
        """Whether it was rung within so many seconds."""
        try:
            self._rung.get(timeout=max(seconds, 0.001))
        except Empty:
            return False
        return True


def round_once() -> int:
    """One tick, and its runs offered to the workers. How many runs came to be. Raises what `fires.tick` raises."""
    pairs = fires.tick()
    if pairs:
        release_runs(pairs)
        log.info("%d run%s enqueued.", len(pairs), "" if len(pairs) == 1 else "s")
    return len(pairs)


def pause_s(fired: int) -> float:
    """Seconds until the next fire, a second at most: a schedule may be saved at any time."""
    due = fires.next_due()
    if due is None:
        return LONGEST_S
    left = (due - clock.now()).total_seconds()
    if left <= 0 and not fired:
        return BUSY_S  # another scheduler has it in hand, or it waits for a run that is being replaced
    return min(max(left, SHORTEST_S), LONGEST_S)


def serve(wait: Callable[[float], bool]) -> None:
    """Tick until `wait` answers True. A database that is away is told once, and once more when it is back."""
    trouble, failures, sampled_s, sealed_s = "", 0, 0.0, 0.0
    while True:
        try:
            pause = pause_s(round_once())
            if time.monotonic() - sampled_s > SAMPLE_EVERY_S:  # with no worker alive, somebody must still look
                sampled_s = time.monotonic()
                health.tick()
            if time.monotonic() - sealed_s >= seals.EVERY_S:
                sealed_s = time.monotonic()
                seals.tick()
            if trouble:
                log.info("The database answers again; schedules are fired again.")
            trouble, failures = "", 0
        except AWAY as error:
            connections.close_all()
            said = " ".join(str(error).split())
            if not trouble:
                log.error("The database does not answer (%s). Fires wait and are made up for when it is back.", said)
            trouble, failures = said, failures + 1
            pause = BACKOFF_S[min(failures, len(BACKOFF_S)) - 1]
        except Exception:
            log.exception("A round of the scheduler failed; the next one is in %d s.", BACKOFF_S[-1])
            pause = BACKOFF_S[-1]
        if wait(pause):
            return


class Command(BaseCommand):
    help = "Fires schedules: inserts their runs when they are due. Any number may run at once; none fires twice."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="Fire what is due now, and end.")

    def handle(self, *args: Any, once: bool = False, **options: Any) -> None:
        if once:
            self.stdout.write(f"{self._once()} run(s) enqueued.")
            return
        bell, started = Bell(), time.monotonic()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, bell.ring)
        in_engine()
        log.info("Scheduler started on %s, process %d.", socket.gethostname(), os.getpid())
        serve(bell.wait)
        connections.close_all()
        log.info("Scheduler stopped after %d s.", time.monotonic() - started)

    def _once(self) -> int:
        try:
            return round_once()
        except AWAY as error:
            raise CommandError(f"The database does not answer ({error}). Check DATABASE_URL and try again.") from None
