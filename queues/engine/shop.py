"""A worker process at work: take ids from the window, claim them in the ledger, hand them to the slots.

The loop reads as prose; what it needs at the same time runs beside it: slots (handlers), writer (endings), heart
(lease, limits, cancels), tender (promote, reconcile, rescue). Nothing here knows RQ.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections

from queues import failpoints
from queues.engine import limits, release
from queues.engine.adaptive import Limits
from queues.engine.children import ChildRules
from queues.engine.crew import Crew
from queues.engine.cutoff import in_engine
from queues.engine.heart import Heart
from queues.engine.identity import Identity
from queues.engine.nursery import Nursery
from queues.engine.tend import Tender, Tick
from queues.engine.turns import FULL_FOR_S, Turns
from queues.engine.window import DoorbellAway, Window
from queues.engine.writer import Observer, Writer
from queues.errors import WorkerStopping
from queues.ledger import error_rules, runs, states
from queues.ledger.facts import Batch, Claim, Ending
from queues.ledger.pending import Course, is_waiting
from queues.ledger.queue_settings import all_effective, ensure_queues

log = logging.getLogger("roundsman.worker")
MOST_UNWRITTEN = 2000  # endings; what is lost with this process is run again
TINY_WAIT_S = 0.05
SWITCH_S = 0.001  # threads that wait for servers get their turn soon, however busy the handlers' threads are


@dataclass
class Rules:
    """How a worker behaves. Seconds; `slots` is this process's own number of threads."""

    queues: Sequence[str]
    slots: int = 3
    lease_s: float = 5.0
    heartbeat_s: float = 1.0
    grace_s: float = 30.0
    burst: bool = False
    max_jobs: int | None = None
    max_idle_s: float | None = None
    children: ChildRules = field(default_factory=ChildRules)
    ticks: Sequence[Tick] = ()
    observers: Sequence[Observer] = ()
    adaptive: Limits = field(default_factory=Limits)
    on_beat: Callable[[], None] = field(default=lambda: None)


class Shop:
    """`run()` works until `stop()`, or until there is nothing left in burst mode. Returns how many endings it recorded."""

    def __init__(self, name: str, rules: Rules, window: Window | None = None) -> None:
        self.rules, self.window = rules, window or release.window()
        self.identity = Identity(name, list(rules.queues), rules.slots)
        self.writer = Writer(rules.observers)
        self.nursery = Nursery()
        self.crew = Crew(rules.slots, self._report, self.nursery, rules.children)
        self.writer.crew = self.crew
        self.writer.gave_back = self._gave_back
        self.tender = Tender(rules.queues, self.window, rules.lease_s, rules.ticks)
        self.writer.backed_off = self.tender.look
        self.writer.freed = self._freed
        self.heart = Heart(self.identity, self.crew, self.writer, rules.heartbeat_s, rules.on_beat)
        self.stopping = threading.Event()
        self.hurry = threading.Event()  # a second signal: no grace
        self.paused = False  # suspended by stock RQ's switch
        self.claimed = 0
        self.turns = Turns(rules.queues)
        self._mean_s: dict[str, float] = {}
        self._courses: dict[str, Course] = {}
        self._held: dict[UUID, Batch] = {}  # by their tokens
        self._owed: tuple[str, UUID] | None = None  # a bell that rang while no slot was free
        self._ahead_not_before_s = 0.0
        self._over: dict[UUID, str] = {}  # batches that have run, their last endings not yet recorded: (token, queue)
        self._busy_at = time.monotonic()
        self._away = self._database_gone = False

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
                self.step()
        finally:
            self._close()
        return self.writer.recorded

    def step(self, wait_s: float = 1.0) -> None:
        """One turn: wait for a free slot and for the bell, claim, hand over."""
        if self.writer.unwritten > MOST_UNWRITTEN:  # handlers are faster than the ledger: it sets the pace
            self.stopping.wait(0.005)
            return
        deep = None if self.paused or self._owed else self.turns.deep()
        early_s = self._ahead_not_before_s - time.monotonic()
        if deep is not None and early_s > 0:  # a few slots more will want something by then
            deep, wait_s = None, min(wait_s, early_s)
        if deep is not None and self.crew.busy and self._is_tiny(deep):
            if self.crew.wait_followable(deep, min(wait_s, TINY_WAIT_S)):
                self._claim_ahead(self._askable(), deep)
            return
        free = self.crew.wait_free(wait_s, deep)
        queues = self._askable()
        if not free and deep is not None and deep in queues and not self.paused:
            self._claim_ahead(queues, deep)
            return
        if not free or not queues or self.paused:
            self.stopping.wait(0.01 if free else 0.0)
            return
        if self.rules.burst or len(queues) < len(self.turns.open):
            wait_s = min(wait_s, 0.05)
        first, more = self.turns.split(queues)
        rung, self._owed = self._owed, None
        if rung is None and first:
            rung = self._listen(first, wait_s if more is None else 0.0)
        queue, run_id = rung or (more, None)
        if queue is None:
            return
        self._or_away(partial(self._claim, queue, run_id, free=free), queue)

    # --- taking ---

    def _askable(self) -> list[str]:
        now_s = time.monotonic()
        if self.turns.is_stale(now_s):
            try:
                self.turns.read(all_effective(), now_s)
                self._database_back()
            except (DatabaseError, InterfaceError) as error:
                self._database_away(error)
                return []
        return self.turns.askable(now_s)

    def _listen(self, queues: Sequence[str], wait_s: float) -> tuple[str, UUID] | None:
        try:
            rung = self.window.take(queues, wait_s)
            failpoints.reach("take.taken")
            if self._away:
                log.info("Redis is back.")
                self._away = False
            return rung
        except DoorbellAway as error:
            if not self._away:
                log.error("%s Workers look into the ledger meanwhile.", error)
                self._away = True
            if wait_s > 0:
                self.stopping.wait(min(wait_s, 0.5))
                self.turns.look_into(queues)
            return None

    def _is_tiny(self, queue: str) -> bool:
        """Runs so short that they can only be computing: in one thread they are through sooner than in many, which take
        the interpreter from each other."""
        mean_s = self._mean_s.get(queue)
        return mean_s is not None and mean_s < limits.TINY_S and queue in self.turns.threaded

    def _claim_ahead(self, queues: Sequence[str], queue: str) -> None:
        """All slots are busy and more of the same waits: have it at hand when they are through. Unless something more
        important waits: that has the next free slot."""
        if queue not in queues:
            return
        before = queues[: queues.index(queue)]
        self._owed = self._listen(before, 0.0) if before else None
        running = [batch.token for batch in self.crew.followable(queue)]
        self._ahead_not_before_s = time.monotonic() + limits.ahead_pace_s(self._mean_s.get(queue))
        if self._owed is None and running:
            self._or_away(partial(self._claim, queue, None, free=0, behind=running), queue)

    def _or_away(self, claim: Callable[[], None], queue: str) -> None:
        try:
            claim()
        except (DatabaseError, InterfaceError) as error:
            self.turns.look_into([queue])
            self._database_away(error)

    def _claim(self, queue: str, rung: UUID | None, *, free: int, behind: Sequence[UUID] = ()) -> None:
        """What comes next is the ledger's to say: the id that rang need not be among it."""
        free, behind = self._bearable(queue, free, behind)
        if not free and not behind:
            self.turns.put_aside(queue, time.monotonic() + FULL_FOR_S)
            self.turns.look_into([queue])
            return
        if self._is_tiny(queue):
            free = min(free, 1)
        mean_s = self._mean_s.get(queue)
        share = limits.batch_size(
            mean_s, settings.QUEUE_BATCH_SIZE if queue in self.turns.batching else limits.FIRST_BATCH
        )
        through = [token for token, of in list(self._over.items()) if of == queue]
        claimed = runs.claim(
            queue,
            worker_id=self.identity.id,
            slots=free,
            share=share,
            course=self._courses.setdefault(queue, Course()),
            through=through,
            behind=behind,
        )
        for token in through:
            self._over.pop(token, None)
        for batch in claimed.batches:
            self.claimed += len(batch.claims)
            self._busy_at = time.monotonic()
            self._held[batch.token] = batch
            if batch.behind is None:
                self.crew.give(batch)
            elif not self.crew.follow(batch):
                for claim in batch.claims:
                    self.writer.report(claim, None, batch.token if claim is batch.claims[-1] else None)
        ahead = limits.may_run_ahead(mean_s)
        self.turns.claimed(queue, claimed, time.monotonic(), rung=rung is not None, ahead=ahead)
        taken = [claim.id for batch in claimed.batches for claim in batch.claims]
        self._quietly(lambda: self.window.drop(queue, rung, taken))

    def _bearable(self, queue: str, free: int, behind: Sequence[UUID]) -> tuple[int, Sequence[UUID]]:
        """No more slots of a queue that calls outside than those there can take."""
        most = min(self.turns.concurrency.get(queue, self.rules.slots), self.rules.slots)
        allowed = self.rules.adaptive.allowed(queue, most, time.monotonic())
        if allowed is None:
            return free, behind
        held = {
            token: b.behind for token, b in list(self._held.items()) if b.queue == queue and token not in self._over
        }
        busy = sum(1 for follows in held.values() if follows not in held)  # what runs after another has its slot
        return max(0, min(free, allowed - busy)), behind if busy <= allowed else ()

    # --- reports ---

    def _report(self, claim: Claim, ending: Ending | None, last_of: UUID | None) -> None:
        if ending is not None:
            self.rules.adaptive.heard(ending, time.monotonic())
            took_s = (ending.finished_at - ending.started_at).total_seconds()
            self._mean_s[claim.queue] = limits.smooth(self._mean_s.get(claim.queue), took_s)
        if last_of is not None:
            self._over[last_of] = claim.queue
        batch = self._held.get(claim.token)
        waited_for = ending is None or ending.state != states.SUCCEEDED or batch is None or batch.limited
        self.writer.report(claim, ending, last_of, urgent=waited_for)

    def _freed(self, tokens: Sequence[UUID]) -> None:
        """Slots of ours are free in the ledger: what waited for them, or for their keys, may go on."""
        freed = [batch for token in tokens if (batch := self._held.pop(token, None)) is not None]
        for batch in freed:
            self._over.pop(batch.token, None)
            self.turns.freed(batch.queue)
        for queue in {batch.queue for batch in freed if batch.limited}:
            self._quietly(partial(release.refill, queue, self.window, self.rules.slots))

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
            except (DatabaseError, InterfaceError) as error:
                self._database_away(error)
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
        if rules.max_jobs is not None and self.claimed >= rules.max_jobs:
            return True
        if not idle:
            return False
        if rules.max_idle_s is not None and time.monotonic() - self._busy_at > rules.max_idle_s:
            return True
        try:
            if not rules.burst:
                return False
            self._askable()  # reads which queues are open
            return not any(is_waiting(name, self.turns.drains[name]) for name in self.turns.open)
        except (DatabaseError, InterfaceError):
            return False

    def _close(self) -> None:
        """Give back what has not started, let the rest finish within the grace, stop what does not, write everything."""
        self._quietly(self.identity.stopping)
        for slot in self.crew.slots:
            for claim, last_of in slot.take_waiting():
                self.writer.report(claim, None, last_of)
        deadline = time.monotonic() + self.rules.grace_s
        while not self.crew.wait_idle(0.1) and time.monotonic() < deadline and not self.hurry.is_set():
            pass
        if self.crew.busy:
            self.crew.stop_all(WorkerStopping)
            if not self.crew.wait_idle(1.0):
                for execution in self.crew.executions():
                    execution.interrupt(WorkerStopping)
                self.crew.wait_idle(1.0)
            stuck = [e.context.claim for e in self.crew.executions()]
            if stuck:  # in C code that never returns: the ledger takes them back, and this process ends
                self._quietly(partial(self._return, stuck))
        self.tender.stop()
        if not self.writer.stop(0.5 if self.hurry.is_set() else 10.0):
            log.error("%d endings could not be written; their runs will be run again.", self.writer.unwritten)
        self.heart.stop()
        self.crew.close()
        self.nursery.close()
        self._quietly(self.identity.stopped)
        connections.close_all()

    def _return(self, claims: list[Claim]) -> None:
        back = set(runs.give_back(claims, why="The worker stopped before it was done."))
        self._gave_back([(claim.queue, claim.id) for claim in claims if claim.id in back])

    def _quietly(self, call: Callable[[], object]) -> None:
        """What fails here is mended by the reconciler or by a rescue."""
        try:
            call()
        except DoorbellAway as error:
            log.debug("%s", error)
        except (DatabaseError, InterfaceError) as error:
            connections.close_all()
            log.warning("The database does not answer: %s", " ".join(str(error).split()))

    def _database_away(self, error: BaseException) -> None:
        connections.close_all()
        if not self._database_gone:
            log.error("The database does not answer; work goes on when it is back: %s", " ".join(str(error).split()))
        self._database_gone = True
        self.stopping.wait(0.5)

    def _database_back(self) -> None:
        if self._database_gone:
            log.info("The database is back.")
        self._database_gone = False
