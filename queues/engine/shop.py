"""A worker process at work, from its registration to its last ending.

Its own thread takes runs (taker). What is needed at the same time runs beside it: slots (handlers), writer (endings),
heart (lease, limits, cancels), tender (promote, reconcile, rescue). Nothing here knows RQ.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Sequence
from functools import partial
from uuid import UUID

from django.db import connections

from queues.engine import release
from queues.engine.away import NO_DATABASE, Away, quietly
from queues.engine.crew import Crew
from queues.engine.cutoff import in_engine
from queues.engine.heart import Heart
from queues.engine.identity import Identity
from queues.engine.in_hand import InHand
from queues.engine.nursery import Nursery
from queues.engine.rules import Rules
from queues.engine.taker import Taker
from queues.engine.tend import Tender
from queues.engine.window import Window
from queues.engine.writer import Writer
from queues.errors import WorkerStopping
from queues.ledger import error_rules, runs
from queues.ledger.facts import Claim, Ending
from queues.ledger.pending import is_waiting
from queues.ledger.queue_settings import ensure_queues

log = logging.getLogger("roundsman.worker")
SWITCH_S = 0.001  # threads that wait for servers get their turn soon, however busy the handlers' threads are


class Shop:
    """`run()` works until `stop()`, or until there is nothing left in burst mode. Returns how many endings it recorded."""

    def __init__(self, name: str, rules: Rules, window: Window | None = None) -> None:
        self.rules, self.window = rules, window or release.window()
        self.identity = Identity(name, list(rules.queues), rules.slots)
        self.stopping = threading.Event()
        self.hurry = threading.Event()  # a second signal: no grace
        self.paused = False  # suspended by stock RQ's switch
        self.away, self.hand = Away(self.stopping), InHand()
        self.writer = Writer(rules.observers)
        self.nursery = Nursery()
        self.crew = Crew(rules.slots, self._report, self.nursery, rules.children)
        self.tender = Tender(rules.queues, self.window, rules.lease_s, rules.ticks)
        self.heart = Heart(self.identity, self.crew, self.writer, rules.heartbeat_s, rules.on_beat)
        self.taker = Taker(
            lambda: self.identity.id, rules, self.window, self.crew, self.writer, self.hand, self.away, self.stopping
        )
        self.writer.crew = self.crew
        self.writer.gave_back = self._gave_back
        self.writer.backed_off = self.tender.look
        self.writer.freed = self._freed

    def stop(self) -> None:
        """Take nothing more; finish within the grace period. Called twice: at once. Safe in a signal handler."""
        if self.stopping.is_set():
            self.hurry.set()
        self.stopping.set()

    def run(self) -> int:
        in_engine()
        if not self._open_up():
            return 0
        try:
            while not self.stopping.is_set() and not self._through():
                self.taker.turn(1.0, paused=self.paused)
        finally:
            self._close()
        return self.writer.recorded

    # --- reports, from the slots' threads and the writer's ---

    def _report(self, claim: Claim, ending: Ending | None, last_of: UUID | None) -> None:
        if ending is not None:
            self.rules.adaptive.heard(ending, time.monotonic())
        waited_for = self.hand.ended(claim, ending, last_of)
        self.writer.report(claim, ending, last_of, urgent=waited_for)

    def _freed(self, tokens: Sequence[UUID]) -> None:
        """Slots of ours are free in the ledger: what waited for them, or for their keys, may go on."""
        freed = self.hand.freed(tokens)
        for batch in freed:
            self.taker.turns.freed(batch.queue)
        for queue in {batch.queue for batch in freed if batch.limited}:
            quietly(partial(release.refill, queue, self.window, self.rules.slots))

    def _gave_back(self, pairs: list[tuple[str, UUID]]) -> None:
        release.release_runs(pairs, self.window)

    # --- beginning and end ---

    def _open_up(self) -> bool:
        """Register; a database that is away is waited for. False if stopped meanwhile."""
        self.nursery.start()  # before there are threads
        sys.setswitchinterval(SWITCH_S)
        wait_s = 0.2
        while not self.stopping.is_set():
            try:
                ensure_queues()
                error_rules.refresh()  # before anything is judged
                self.identity.register()
                break
            except NO_DATABASE as error:
                self.away.database(error)
                self.stopping.wait(wait_s)
                wait_s = min(wait_s * 2, 5.0)
        else:
            return False
        for part in (self.writer.thread, self.heart.thread, self.tender.thread):
            part.start()
        return True

    def _through(self) -> bool:
        """Whether burst mode, the number of jobs or the idle time ends the work."""
        rules, idle = self.rules, self.crew.busy == 0 and not self.writer.unwritten
        if rules.max_jobs is not None and self.taker.claimed >= rules.max_jobs:
            return True
        if not idle:
            return False
        if rules.max_idle_s is not None and time.monotonic() - self.taker.busy_at_s > rules.max_idle_s:
            return True
        try:
            if not rules.burst:
                return False
            self.taker.askable()  # reads which queues are open
            turns = self.taker.turns
            return not any(is_waiting(name, turns.drains[name]) for name in turns.open)
        except NO_DATABASE:
            return False

    def _close(self) -> None:
        """Give back what has not started, let the rest finish within the grace, stop what does not, write everything."""
        quietly(self.identity.stopping)
        for slot in self.crew.slots:
            for claim, last_of in slot.take_waiting():
                self.writer.report(claim, None, last_of)
        deadline = time.monotonic() + self.rules.grace_s
        while not self.crew.wait_idle(0.1) and time.monotonic() < deadline and not self.hurry.is_set():
            pass
        if self.crew.busy:
            self._stop_all()
        self.tender.stop()
        if not self.writer.stop(0.5 if self.hurry.is_set() else 10.0):
            log.error("%d endings could not be written; their runs will be run again.", self.writer.unwritten)
        self.heart.stop()
        self.crew.close()
        self.nursery.close()
        quietly(self.identity.stopped)
        connections.close_all()

    def _stop_all(self) -> None:
        """Ask, then interrupt. What is stuck in C code that never returns, the ledger takes back; this process ends."""
        self.crew.stop_all(WorkerStopping)
        if not self.crew.wait_idle(1.0):
            for execution in self.crew.executions():
                execution.interrupt(WorkerStopping)
            self.crew.wait_idle(1.0)
        stuck = [execution.context.claim for execution in self.crew.executions()]
        if stuck:
            quietly(partial(self._return, stuck))

    def _return(self, claims: list[Claim]) -> None:
        back = set(runs.give_back(claims, why="The worker stopped before it was done."))
        self._gave_back([(claim.queue, claim.id) for claim in claims if claim.id in back])
