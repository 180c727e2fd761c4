"""The slots of a worker process: threads, each running one claimed batch serially."""

from __future__ import annotations

import ctypes
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from uuid import UUID

from django.db import connections

from queues.engine.context import RunContext
from queues.engine.execute import execute, failed
from queues.errors import RoundsmanError, RunCancelled, RunTimeout, WorkerStopping
from queues.ledger import clock
from queues.ledger.facts import Batch, Claim, Ending

log = logging.getLogger("roundsman.worker")
# (claim, its ending or None where the execution does not count, the batch's token if this was its last)
Report = Callable[[Claim, Ending | None, UUID | None], None]
FORCE_AFTER_S = 3.0  # a handler that was asked to stop and does not is interrupted


class Execution:
    """A run in a thread, which other threads may interrupt while its handler is on the stack."""

    def __init__(self, claim: Claim) -> None:
        self.context = RunContext(claim, clock.now())
        self.began_s = time.monotonic()
        self.asked_s: float | None = None
        self.told = False  # whether the ledger was told that it has started
        self._thread_id: int | None = None
        self._guard = threading.Lock()

    def run(self) -> Ending | None:
        try:
            with self._guard:
                self._thread_id = threading.get_ident()
            try:
                return execute(self.context)
            finally:
                self._disarm()
        except RoundsmanError as late:  # the interrupt came while the handler was returning
            return None if isinstance(late, WorkerStopping) else failed(self.context, late)

    def stop(self, why: type[RoundsmanError]) -> None:
        """Ask the handler to stop; it is interrupted if it does not within a few seconds."""
        self.context.stop(why)
        self.asked_s = self.asked_s if self.asked_s is not None else time.monotonic()

    def enforce(self, now_s: float) -> None:
        """Interrupt a handler that is over its time, or deaf to a request to stop."""
        timeout_s = self.context.claim.timeout_s
        if self.asked_s is not None and now_s - self.asked_s > FORCE_AFTER_S and self.context.stopped_for:
            self.interrupt(self.context.stopped_for)
        elif self.asked_s is None and 0 < timeout_s < now_s - self.began_s:
            self.interrupt(RunTimeout)

    def interrupt(self, error: type[RoundsmanError]) -> None:
        """Raise `error` in the handler's thread at its next Python instruction (C code is not interrupted)."""
        with self._guard:
            if self._thread_id is not None:
                _raise_in(self._thread_id, error)

    def _disarm(self) -> None:
        with self._guard:
            if self._thread_id is not None:
                _raise_in(self._thread_id, None)
            self._thread_id = None


class Slot:
    """One thread. `waiting` holds what its batch has not started yet; the heart may take it away."""

    def __init__(self, crew: Crew, number: int) -> None:
        self.crew = crew
        self.batch: Batch | None = None
        self.current: Execution | None = None
        self.waiting: deque[Claim] = deque()
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self._serve, name=f"slot-{number}", daemon=True)

    def take_waiting(self) -> list[Claim]:
        """The unstarted claims, which now are the caller's to give back."""
        with self.lock:
            taken = list(self.waiting)
            self.waiting.clear()
        return taken

    def _serve(self) -> None:
        while True:
            batch = self.crew.inbox.get()
            self._run_batch(batch)
            connections.close_all()
            self.crew.done()

    def _run_batch(self, batch: Batch) -> None:
        with self.lock:
            self.batch, self.waiting = batch, deque(batch.claims)
            claim, execution = self._next()
        while claim is not None and execution is not None:
            ending = execution.run()
            with self.lock:
                following, upcoming = self._next()
            self.crew.report(claim, ending, batch.token if following is None else None)
            claim, execution = following, upcoming

    def _next(self) -> tuple[Claim | None, Execution | None]:
        """Under the lock: what runs next, or the end of the batch."""
        if not self.waiting:
            self.batch = self.current = None
            return None, None
        claim = self.waiting.popleft()
        self.current = Execution(claim)
        return claim, self.current


class Crew:
    """All slots of the process."""

    def __init__(self, slots: int, report: Report) -> None:
        self.report = report
        self.inbox: SimpleQueue[Batch] = SimpleQueue()
        self.size, self._free = slots, slots
        self._changed = threading.Condition()
        self.slots = [Slot(self, number) for number in range(slots)]

    def start(self) -> None:
        for slot in self.slots:
            slot.thread.start()

    @property
    def free(self) -> int:
        return self._free

    @property
    def busy(self) -> int:
        return self.size - self._free

    def wait_free(self, timeout_s: float) -> int:
        """How many slots are free, waiting for the first."""
        with self._changed:
            self._changed.wait_for(lambda: self._free > 0, timeout_s)
            return self._free

    def wait_idle(self, timeout_s: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._free == self.size, timeout_s)

    def give(self, batch: Batch) -> None:
        with self._changed:
            self._free -= 1
        self.inbox.put(batch)

    def done(self) -> None:
        with self._changed:
            self._free += 1
            self._changed.notify_all()

    def executions(self) -> list[Execution]:
        return [execution for slot in self.slots if (execution := slot.current) is not None]

    def stop_all(self, why: type[RoundsmanError]) -> None:
        for execution in self.executions():
            execution.stop(why)

    def cancel(self, run_ids: set[UUID]) -> None:
        for execution in self.executions():
            if execution.context.run_id in run_ids and execution.context.stopped_for is None:
                execution.stop(RunCancelled)


def _raise_in(thread_id: int, error: type[BaseException] | None) -> None:
    target = ctypes.py_object(error) if error is not None else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), target)
