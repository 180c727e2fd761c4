"""What a handler is given while its run executes: notes go to memory, and the worker's writer stores them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from django.db import transaction
from pydantic import BaseModel

from queues import failpoints
from queues.blotting import NOTHING, Blotter
from queues.contract import Actor, RunRef
from queues.engine import outbox
from queues.errors import LeaseLost, RoundsmanError, RunCancelled, RunTimeout, WorkerStopping
from queues.ledger import clock, effects, states
from queues.ledger.effects import Slip
from queues.ledger.facts import Claim, LogLine, Progress
from queues.models import Run
from queues.outbound import Answer, OutboundRequest

MAX_LOG_BYTES = 1024 * 1024
MAX_NOTE = 200


class RunContext:
    """One execution. Thread-safe where the worker's own threads reach in (stop, progress, log)."""

    def __init__(self, claim: Claim, started_at: datetime) -> None:
        self.claim, self.started_at = claim, started_at
        self.run_id, self.job, self.queue, self.attempt = claim.id, claim.job, claim.queue, claim.attempt + 1
        self.deadline = started_at + timedelta(seconds=claim.timeout_s) if claim.timeout_s > 0 else None
        self.spent, self.log_dropped = Decimal(0), 0
        self.blotter: Blotter = NOTHING  # of the sealed parameters, while there are any
        self._log: list[LogLine] = []
        self._log_bytes = 0
        self._progress: Progress | None = None
        self._progress_new = False
        self._stop: type[RoundsmanError] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    # --- for the handler ---

    @property
    def asker(self) -> Actor:
        label = Run.objects.values_list("actor", flat=True).get(pk=self.run_id)
        return Actor(label=label or f"job:{self.job}", source="job", request_id=str(self.run_id))

    def progress(self, done: float, total: float, note: str = "") -> None:
        note = self.blotter.text(note)
        with self._lock:
            self._progress = Progress(self.run_id, self.claim.token, float(done), float(total), note[:MAX_NOTE])
            self._progress_new = True

    def log(self, message: str, level: Literal["debug", "info", "warning", "error"] = "info") -> None:
        line = LogLine(clock.now(), level, self.blotter.text(str(message)))
        with self._lock:
            self._log_bytes += len(line.message.encode())
            if self._log_bytes > MAX_LOG_BYTES:
                self.log_dropped += 1
            else:
                self._log.append(line)

    def cancelled(self) -> bool:
        return self._stop is not None

    def checkpoint(self) -> None:
        if self._stop is not None:
            raise self._stop(_STOP_WORDS[self._stop])

    @contextmanager
    def effect(self, key: str) -> Iterator[Slip]:
        """One of `effects`."""
        with self.effects([key]) as slips:
            yield slips[key]

    @contextmanager
    def effects(self, keys: Sequence[str]) -> Iterator[dict[str, Slip]]:
        """The handler's transaction: the run's row is locked by its token, the keys are inserted, all commits together."""
        with transaction.atomic():
            held = Run.objects.select_for_update().filter(
                pk=self.run_id, lease_token=self.claim.token, state=states.RUNNING
            )
            if not held.exists():
                raise LeaseLost(f"Run {self.run_id} is no longer held by this worker; nothing was written.")
            slips = effects.take(keys, run_id=self.run_id, job=self.job)
            yield slips
            effects.fill({key: self.blotter.json(slip.result) for key, slip in slips.items() if slip.fresh})
            failpoints.reach("effect.written")
        failpoints.reach("effect.committed")

    def call(self, request: OutboundRequest) -> Answer:
        """A provider does something once: see queues.contract.JobContext.call."""
        self.checkpoint()
        return outbox.call(request, run_id=self.run_id, lease=self.claim.token)

    def enqueue(self, spec: Any, params: BaseModel, **options: Any) -> RunRef:
        actor = Actor(label=f"job:{self.job}", source="job", request_id=str(self.run_id))
        ref: RunRef = spec.enqueue(params, actor=actor, parent_id=self.run_id, **options)
        return ref

    def spend(self, usd: Decimal, what: str) -> None:
        with self._lock:
            self.spent += Decimal(usd)
        self.log(f"Spent {usd} USD: {what}")

    # --- for the worker ---

    def stop(self, why: type[RoundsmanError]) -> None:
        """Ask the handler to stop; what `checkpoint` raises. The first reason stands, but a lost lease overrides."""
        if self._stop is None or why is LeaseLost:
            self._stop = why

    @property
    def stopped_for(self) -> type[RoundsmanError] | None:
        return self._stop

    def wait_for(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine in this thread, on a loop of its own."""
        try:
            with asyncio.Runner() as runner:
                self._loop = runner.get_loop()
                return runner.run(coroutine)
        finally:
            self._loop = None

    def wake(self) -> None:
        """A loop that waits in the system's code comes back to Python's, where an interrupt is raised."""
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # it has just been closed
                loop.call_soon_threadsafe(lambda: None)

    def absorb(self, progress: Progress | None, lines: list[LogLine]) -> None:
        """What the same execution's context in a child process took note of."""
        with self._lock:
            if progress is not None:
                self._progress, self._progress_new = progress, True
            self._log += lines

    def take_notes(self) -> tuple[Progress | None, list[LogLine]]:
        """What is new since the last call."""
        with self._lock:
            fresh = self._progress if self._progress_new else None
            self._progress_new = False
            lines, self._log = self._log, []
        return fresh, lines

    @property
    def last_progress(self) -> Progress | None:
        return self._progress

    @property
    def token(self) -> UUID:
        return self.claim.token


_STOP_WORDS: dict[type[RoundsmanError], str] = {
    RunCancelled: "The run was cancelled.",
    WorkerStopping: "The worker is stopping; the run goes back to its queue.",
    LeaseLost: "The run's lease was lost.",
    RunTimeout: "",
}
