"""A slot runs one claimed batch serially. What runs its executions (a thread, an event loop, a child) is the executor."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar
from uuid import UUID

from django.db import connections

from queues.engine.execution import Blocking, Execution, ThreadExecution
from queues.ledger.facts import Batch, Claim, Ending

log = logging.getLogger("roundsman.worker")
# (claim, its ending or None where the execution does not count, the batch's token if this was its last)
Report = Callable[[Claim, Ending | None, UUID | None], None]
E = TypeVar("E", bound=Execution)


class Slot(ABC, Generic[E]):
    """`waiting` holds what the batch has not started yet; the heart may take it away. A batch may be `following`, so that
    the slot need not wait for the ledger between two. `through` is told at the end, `moved` when the following began."""

    def __init__(self, report: Report, through: Callable[[], None], moved: Callable[[], None]) -> None:
        self.report, self.through, self.moved = report, through, moved
        self.batch: Batch | None = None
        self.following: Batch | None = None
        self.alone = False  # what waited was taken away: nothing more is put behind the present batch
        self.current: E | None = None
        self.waiting: deque[Claim] = deque()
        self.lock = threading.Lock()

    def take_waiting(self) -> list[tuple[Claim, UUID | None]]:
        """The unstarted claims, which now are the caller's to give back; each with its batch's token if nothing is left
        of that."""
        with self.lock:
            taken: list[tuple[Claim, UUID | None]] = [(claim, None) for claim in self.waiting]
            self.waiting.clear()
            following, self.following = self.following, None
            self.alone = True
        if following is not None:
            taken += [(claim, None) for claim in following.claims[:-1]]
            taken.append((following.claims[-1], following.token))
        return taken

    def follow(self, batch: Batch) -> bool:
        """Have it run after the present batch. False where that is over, or followed already."""
        with self.lock:
            if self.batch is None or self.batch.token != batch.behind or self.following is not None or self.alone:
                return False
            self.following = batch
            return True

    @abstractmethod
    def execution(self, claim: Claim) -> E:
        """A new execution in this slot."""

    def begin(self, batch: Batch) -> E | None:
        """The first execution of a batch."""
        with self.lock:
            self.batch, self.waiting, self.alone = batch, deque(batch.claims), False
            return self._next()

    def ended(self, execution: E, ending: Ending | None) -> E | None:
        """Report how one ended. The next execution; None: the batch is through."""
        with self.lock:
            batch = self.batch
            upcoming = self._next()
            over = batch is not None and self.batch is not batch
        self.report(execution.context.claim, ending, batch.token if batch is not None and over else None)
        if over and upcoming is not None:
            self.moved()
        return upcoming

    def abandon(self, error: BaseException) -> None:
        """The engine itself failed here: what the slot holds goes back, rather than to stay held for ever."""
        log.error("A slot failed; what it held goes back to its queue.", exc_info=error)
        with self.lock:
            held = [self.current.context.claim] if self.current is not None else []
            held += self.waiting
            token = self.batch.token if self.batch is not None else None
            following, self.following = self.following, None
            self.batch = self.current = None
            self.waiting.clear()
        for claim in held:
            self.report(claim, None, token if claim is held[-1] else None)
        if following is not None:
            for claim in following.claims:
                self.report(claim, None, following.token if claim is following.claims[-1] else None)

    def _next(self) -> E | None:
        """Under the lock."""
        if not self.waiting:
            self.batch, self.following, self.current, self.alone = self.following, None, None, False
            if self.batch is None:
                return None
            self.waiting = deque(self.batch.claims)
        self.current = self.execution(self.waiting.popleft())
        return self.current


class Executor(ABC):
    """Runs batches in slots of its kind."""

    @property
    @abstractmethod
    def slots(self) -> list[Slot]:  # type: ignore[type-arg]
        """Every slot there is, busy or idle."""

    @abstractmethod
    def give(self, batch: Batch) -> None:
        """Run a batch; returns at once."""

    @abstractmethod
    def close(self) -> None:
        """The worker ends: nothing is given any more."""


class Threads(Executor):
    """A thread a slot, made when first needed and kept. `new` makes a slot, given what it calls when it is idle again."""

    def __init__(self, new: Callable[[Callable[[], None]], ThreadSlot]) -> None:
        self._new, self._slots = new, list[ThreadSlot]()
        self._idle: list[ThreadSlot] = []
        self._lock = threading.Lock()

    @property
    def slots(self) -> list[Slot]:  # type: ignore[type-arg]
        return [*self._slots]

    def give(self, batch: Batch) -> None:
        with self._lock:
            slot = self._idle.pop() if self._idle else self._hire()
        slot.inbox.put(batch)

    def close(self) -> None:
        with self._lock:
            for slot in self._slots:
                slot.inbox.put(None)

    def _hire(self) -> ThreadSlot:
        slot = self._new(lambda: self._rest(slot))
        self._slots.append(slot)
        slot.thread.start()
        return slot

    def _rest(self, slot: ThreadSlot) -> None:
        with self._lock:
            self._idle.append(slot)


class ThreadSlot(Slot[Blocking]):
    """The slot is a thread, and its executions run in it. `rest` is called when it is idle again."""

    def __init__(
        self, report: Report, through: Callable[[], None], moved: Callable[[], None], rest: Callable[[], None]
    ) -> None:
        super().__init__(report, through, moved)
        self.rest = rest
        self.inbox: SimpleQueue[Batch | None] = SimpleQueue()
        self.thread = threading.Thread(target=self._serve, name="slot", daemon=True)

    def execution(self, claim: Claim) -> Blocking:
        return ThreadExecution(claim)

    def _serve(self) -> None:
        while (batch := self.next_batch()) is not None:
            try:
                execution = self.begin(batch)
                while execution is not None:
                    execution = self.ended(execution, execution.run())
                connections.close_all()
            except BaseException as error:
                self.abandon(error)
            self.rest()
            self.through()

    def next_batch(self) -> Batch | None:
        return self.inbox.get()
