"""A child process at work: runs one execution after the other in its main thread, as the worker's slot asks."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from queue import SimpleQueue
from typing import NoReturn

from django.db import connections

from queues.engine import memory
from queues.engine.execution import ThreadExecution
from queues.engine.wire import (
    END,
    ENDED,
    INTERRUPT,
    NOTES,
    RULES,
    RUN,
    STOP,
    Wire,
    pack_ending,
    pack_notes,
    unpack_order,
    unpack_run,
)
from queues.errors import MEMORY_LIMIT
from queues.ledger import error_rules, states
from queues.ledger.facts import Ending

NOTES_EVERY_S = 0.25


def serve(wire: Wire, memory_limit_mb: int) -> None:
    """Until told to end. The process ends at once where the worker is gone."""
    one_connection()
    memory.limit(memory_limit_mb)
    ear = Ear(wire)
    threading.Thread(target=ear.listen, name="ear", daemon=True).start()
    while (execution := ear.inbox.get()) is not None:
        ending = execution.run()
        for held in connections.all(initialized_only=True):
            held.close_if_unusable_or_obsolete()
        spoilt = ending is not None and ending.error_type == "MemoryError"
        if ending is not None and spoilt:
            ending = out_of_memory(ending, memory_limit_mb)
        ear.told(execution, ending)
        if spoilt:
            break


class Ear:
    """The thread that hears the worker, and passes on what the handler notes meanwhile."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.inbox: SimpleQueue[ThreadExecution | None] = SimpleQueue()
        self.current: ThreadExecution | None = None
        self._telling = threading.Lock()

    def listen(self) -> NoReturn:
        try:
            while True:
                frame = self.wire.read(NOTES_EVERY_S)
                self._tell()
                if frame is None:
                    continue
                if frame.kind == RUN:
                    self.current = ThreadExecution(unpack_run(frame.body))
                    self.inbox.put(self.current)
                elif frame.kind == END:
                    self.inbox.put(None)
                elif frame.kind == RULES:
                    error_rules.adopt(frame.body)
                else:
                    self._obey(frame.kind, frame.body)
        finally:
            os._exit(75)  # the worker is gone: nothing that this process does counts any more

    def told(self, execution: ThreadExecution, ending: Ending | None) -> None:
        """The last word about an execution."""
        with self._telling:
            self.current = None
            self._notes_of(execution)
            self.wire.send(ENDED, pack_ending(ending))

    def _obey(self, kind: bytes, body: bytes) -> None:
        token, why = unpack_order(body)
        execution = self.current
        if execution is None or (execution.context.run_id, execution.context.token) != token:
            return  # it has ended meanwhile
        if kind == STOP:
            execution.context.stop(why)
        elif kind == INTERRUPT:
            execution.interrupt(why)

    def _tell(self) -> None:
        with self._telling:
            if self.current is not None:
                self._notes_of(self.current)

    def _notes_of(self, execution: ThreadExecution) -> None:
        progress, lines = execution.context.take_notes()
        if progress is not None or lines:
            self.wire.send(NOTES, pack_notes(progress, lines))


def one_connection() -> None:
    """A child runs one thing at a time: a pool would hold connections for nothing, and opening one a run takes long."""
    for alias in connections:
        own = connections.settings[alias]
        own["OPTIONS"] = {name: value for name, value in own.get("OPTIONS", {}).items() if name != "pool"}
        own["CONN_MAX_AGE"], own["CONN_HEALTH_CHECKS"] = 60, True


def out_of_memory(ending: Ending, limit_mb: int) -> Ending:
    """The handler met the limit: weighed like a crash, for another attempt in the same place would meet it too."""
    return replace(
        ending, state=states.PENDING, crashed=True, retry_at=None, error_code=MEMORY_LIMIT,
        error_message=f"It needed more than the {limit_mb} MB of memory that its queue allows.",
    )  # fmt: skip
