"""How a worker takes runs: it waits for a free slot and for the bell, claims in the ledger, and hands over to the slots."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID

from django.conf import settings

from queues import failpoints
from queues.engine import limits
from queues.engine.away import NO_DATABASE, Away, quietly
from queues.engine.crew import Crew
from queues.engine.in_hand import InHand
from queues.engine.rules import Rules
from queues.engine.turns import FULL_FOR_S, Turns
from queues.engine.window import DoorbellAway, Window
from queues.engine.writer import Writer
from queues.ledger import runs
from queues.ledger.claim import Claimed
from queues.ledger.pending import Course
from queues.ledger.queue_settings import all_effective

log = logging.getLogger("roundsman.worker")
MOST_UNWRITTEN = 2000  # endings; what is lost with this process is run again
TINY_WAIT_S = 0.05


class Taker:
    """`turn()` again and again, by the worker's own thread."""

    def __init__(
        self, worker_id: Callable[[], UUID], rules: Rules, window: Window, crew: Crew, writer: Writer, hand: InHand,
        away: Away, stopping: threading.Event,
    ) -> None:  # fmt: skip
        self._worker_id, self._rules, self._window = worker_id, rules, window
        self._crew, self._writer, self._hand, self._away, self._stopping = crew, writer, hand, away, stopping
        self.turns = Turns(rules.queues)
        self.claimed = 0
        self.busy_at_s = time.monotonic()
        self._courses: dict[str, Course] = {}
        self._owed: tuple[str, UUID] | None = None  # a bell that rang while no slot was free
        self._ahead_not_before_s = 0.0
        self._no_bell = False

    def turn(self, wait_s: float, *, paused: bool) -> None:
        """Wait for a free slot and for the bell, claim, hand over."""
        if self._writer.unwritten > MOST_UNWRITTEN:  # handlers are faster than the ledger: it sets the pace
            self._stopping.wait(0.005)
            return
        deep = None if paused or self._owed else self.turns.deep()
        early_s = self._ahead_not_before_s - time.monotonic()
        if deep is not None and early_s > 0:  # a few slots more will want something by then
            deep, wait_s = None, min(wait_s, early_s)
        if deep is not None and self._crew.busy and self._is_tiny(deep):
            if self._crew.wait_followable(deep, min(wait_s, TINY_WAIT_S)):
                self._claim_ahead(self.askable(), deep)
            return
        free = self._crew.wait_free(wait_s, deep)
        queues = self.askable()
        if not free and deep is not None and deep in queues and not paused:
            self._claim_ahead(queues, deep)
        elif not free or not queues or paused:
            self._stopping.wait(0.01 if free else 0.0)
        else:
            self._claim_next(queues, free, wait_s)

    def askable(self) -> list[str]:
        """The queues that may be asked now, the most important first. Reads anew, now and then, which are open."""
        now_s = time.monotonic()
        if self.turns.is_stale(now_s):
            try:
                self.turns.read(all_effective(), now_s)
                self._away.back()
            except NO_DATABASE as error:
                self._away.database(error)
                return []
        return self.turns.askable(now_s)

    def _claim_next(self, queues: Sequence[str], free: int, wait_s: float) -> None:
        """For the free slots: from the queue whose bell rings, or that is known to have more."""
        if self._rules.burst or len(queues) < len(self.turns.open):
            wait_s = min(wait_s, 0.05)
        first, more = self.turns.split(queues)
        rung, self._owed = self._owed, None
        if rung is None and first:
            rung = self._listen(first, wait_s if more is None else 0.0)
        queue, run_id = rung or (more, None)
        if queue is not None:
            self._or_away(partial(self._claim, queue, run_id, free=free), queue)

    def _claim_ahead(self, queues: Sequence[str], queue: str) -> None:
        """All slots are busy and more of the same waits: have it at hand when they are through. Unless something more
        important waits: that has the next free slot."""
        if queue not in queues:
            return
        before = queues[: queues.index(queue)]
        self._owed = self._listen(before, 0.0) if before else None
        running = [batch.token for batch in self._crew.followable(queue)]
        self._ahead_not_before_s = time.monotonic() + limits.ahead_pace_s(self._hand.mean_s(queue))
        if self._owed is None and running:
            self._or_away(partial(self._claim, queue, None, free=0, behind=running), queue)

    def _listen(self, queues: Sequence[str], wait_s: float) -> tuple[str, UUID] | None:
        try:
            rung = self._window.take(queues, wait_s)
            failpoints.reach("take.taken")
            if self._no_bell:
                log.info("Redis is back.")
                self._no_bell = False
            return rung
        except DoorbellAway as error:
            if not self._no_bell:
                log.error("%s Workers look into the ledger meanwhile.", error)
                self._no_bell = True
            if wait_s > 0:
                self._stopping.wait(min(wait_s, 0.5))
                self.turns.look_into(queues)
            return None

    def _or_away(self, claim: Callable[[], None], queue: str) -> None:
        try:
            claim()
        except NO_DATABASE as error:
            self.turns.look_into([queue])
            self._away.database(error)

    def _claim(self, queue: str, rung: UUID | None, *, free: int, behind: Sequence[UUID] = ()) -> None:
        """What comes next is the ledger's to say: the id that rang need not be among it."""
        free, behind = self._bearable(queue, free, behind)
        if not free and not behind:
            self.turns.put_aside(queue, time.monotonic() + FULL_FOR_S)
            self.turns.look_into([queue])
            return
        mean_s, through = self._hand.mean_s(queue), self._hand.over(queue)
        claimed = runs.claim(
            queue,
            worker_id=self._worker_id(),
            slots=min(free, 1) if self._is_tiny(queue) else free,
            share=limits.batch_size(
                mean_s, settings.QUEUE_BATCH_SIZE if queue in self.turns.batching else limits.FIRST_BATCH
            ),
            course=self._courses.setdefault(queue, Course()),
            through=through,
            behind=behind,
        )
        self._hand.told(through)
        self._hand_over(claimed)
        ahead = limits.may_run_ahead(mean_s)
        self.turns.claimed(queue, claimed, time.monotonic(), rung=rung is not None, ahead=ahead)
        taken = [claim.id for batch in claimed.batches for claim in batch.claims]
        quietly(lambda: self._window.drop(queue, rung, taken))

    def _hand_over(self, claimed: Claimed) -> None:
        for batch in claimed.batches:
            self.claimed += len(batch.claims)
            self.busy_at_s = time.monotonic()
            self._hand.take(batch)
            if batch.behind is None:
                self._crew.give(batch)
            elif not self._crew.follow(batch):
                for claim in batch.claims:
                    self._writer.report(claim, None, batch.token if claim is batch.claims[-1] else None)

    def _bearable(self, queue: str, free: int, behind: Sequence[UUID]) -> tuple[int, Sequence[UUID]]:
        """No more slots of a queue that calls outside than those there can take."""
        most = min(self.turns.concurrency.get(queue, self._rules.slots), self._rules.slots)
        allowed = self._rules.adaptive.allowed(queue, most, time.monotonic())
        if allowed is None:
            return free, behind
        busy = self._hand.busy(queue)
        return max(0, min(free, allowed - busy)), behind if busy <= allowed else ()

    def _is_tiny(self, queue: str) -> bool:
        """Runs so short that they can only be computing: in one thread they are through sooner than in many, which take
        the interpreter from each other."""
        mean_s = self._hand.mean_s(queue)
        return mean_s is not None and mean_s < limits.TINY_S and queue in self.turns.threaded
