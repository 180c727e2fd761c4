"""One execution as the worker sees it: its context, how long it has gone on, and how it is made to stop."""

from __future__ import annotations

import ctypes
import threading
import time
from abc import ABC, abstractmethod

from queues import log_context
from queues.engine import own
from queues.engine.context import RunContext
from queues.engine.execute import ended_by, execute
from queues.errors import RoundsmanError, RunTimeout
from queues.ledger import clock
from queues.ledger.facts import Claim, Ending

FORCE_AFTER_S = 2.0  # a handler that was asked to stop and does not is made to


class Execution(ABC):
    """A run in the hands of a slot. `stop` and `enforce` are called from other threads."""

    def __init__(self, claim: Claim) -> None:
        self.context = RunContext(claim, clock.now())
        self.began_s = time.monotonic()
        self.asked_s: float | None = None
        self.told = False  # whether the ledger was told that it has started

    def stop(self, why: type[RoundsmanError]) -> None:
        """Ask the handler to stop; it is made to if it does not within a few seconds."""
        self.context.stop(why)
        self.asked_s = self.asked_s if self.asked_s is not None else time.monotonic()

    def enforce(self, now_s: float) -> None:
        """Make a handler stop that is over its time, or deaf to a request to stop. Called several times a second."""
        timeout_s = self.context.claim.timeout_s
        if self.asked_s is not None and now_s - self.asked_s > FORCE_AFTER_S and self.context.stopped_for:
            self.interrupt(self.context.stopped_for)
        elif self.asked_s is None and 0 < timeout_s < now_s - self.began_s:
            self.context.stop(RunTimeout)
            self.interrupt(RunTimeout)

    @abstractmethod
    def interrupt(self, error: type[RoundsmanError]) -> None:
        """Make the handler stop, with this as the reason, as far as the executor can. May be called again."""


class Blocking(Execution):
    """One that a thread waits for."""

    @abstractmethod
    def run(self) -> Ending | None:
        """Execute the handler to its end. None: it does not count (the worker stops, or its lease is lost)."""


class ThreadExecution(Blocking):
    """A run in the thread that calls `run`, which other threads may interrupt while its handler is on the stack."""

    def __init__(self, claim: Claim) -> None:
        super().__init__(claim)
        self._armed = Interruptible()

    def run(self) -> Ending | None:
        log_context.run_id.set(str(self.context.run_id))
        try:
            with self._armed:
                return execute(self.context)
        except RoundsmanError as late:  # the interrupt came while the handler was returning
            return ended_by(self.context, late)
        finally:
            log_context.run_id.set("")
            for held in own.opened():
                if self._armed.fired or held.errors_occurred:  # perhaps in the midst of a statement; perhaps broken
                    held.close()

    def interrupt(self, error: type[RoundsmanError]) -> None:
        self._armed.interrupt(error)
        self.context.wake()


class Interruptible:
    """`with` it around code of this thread; `interrupt` raises there at the next Python instruction (C code goes on)."""

    def __init__(self) -> None:
        self.fired = False
        self._thread_id: int | None = None
        self._guard = threading.Lock()

    def __enter__(self) -> None:
        with self._guard:
            self._thread_id = threading.get_ident()

    def __exit__(self, *_: object) -> None:
        with self._guard:
            if self.fired and self._thread_id is not None:
                raise_in(self._thread_id, None)
            self._thread_id = None

    def interrupt(self, error: type[RoundsmanError]) -> bool:
        """Whether there was somebody to interrupt."""
        with self._guard:
            if self._thread_id is None:
                return False
            self.fired = True
            raise_in(self._thread_id, error)
            return True


def raise_in(thread_id: int, error: type[BaseException] | None) -> None:
    """Raise `error` in another thread; None takes back one that has not been raised yet."""
    target = ctypes.py_object(error) if error is not None else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), target)
