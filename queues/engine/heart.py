"""The worker's heartbeat: renews its lease, hears of cancels, enforces time limits, gives back what waits too long."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, connections

from queues.engine.crew import Crew
from queues.engine.cutoff import in_engine
from queues.engine.identity import Identity
from queues.engine.memory import rss_mb
from queues.engine.writer import Writer
from queues.errors import LeaseLost
from queues.ledger import runs

log = logging.getLogger("roundsman.worker")
ENFORCE_EVERY_S = 0.2
STUCK_AFTER_S = 1.0  # what waits behind a run that takes longer goes back to the queue


class Heart:
    """One thread. `on_beat` is called after every heartbeat (the worker keeps stock RQ's record fresh with it)."""

    def __init__(
        self, identity: Identity, crew: Crew, writer: Writer, every_s: float, on_beat: Callable[[], None]
    ) -> None:
        self.identity, self.crew, self.writer, self.every_s, self.on_beat = identity, crew, writer, every_s, on_beat
        self._stop = threading.Event()
        self._away = False
        self.thread = threading.Thread(target=self._serve, name="heart", daemon=True)

    def stop(self) -> None:
        self._stop.set()

    def _serve(self) -> None:
        in_engine()
        beat_s = 0.0
        while not self._stop.wait(ENFORCE_EVERY_S):
            now_s = time.monotonic()
            for execution in self.crew.executions():
                try:
                    execution.enforce(now_s)
                except Exception:
                    log.exception("The limits of run %s could not be enforced.", execution.context.run_id)
            if now_s - beat_s >= self.every_s:
                beat_s = now_s
                self._beat(now_s)
        connections.close_all()

    def _beat(self, now_s: float) -> None:
        try:
            if not runs.renew(self.identity.id, busy=self.crew.busy, rss_mb=rss_mb()):
                self._lost()
            elif self.crew.busy:
                self.crew.cancel(runs.cancel_requests(self.identity.id))
                self._free_the_stuck(now_s)
            if self._away:
                log.info("The database is back: the lease is renewed.")
            self._away = False
        except (DatabaseError, InterfaceError) as error:
            connections.close_all()
            if not self._away:
                log.error("The lease cannot be renewed, the database does not answer: %s", " ".join(str(error).split()))
            self._away = True
        except Exception:
            connections.close_all()
            log.exception("A heartbeat failed; the next one is in %g s.", self.every_s)
        self.on_beat()

    def _lost(self) -> None:
        """Others took our runs (this process stood still for too long). What still executes here counts for nothing."""
        log.error("This worker was taken for lost; it starts again under a new identity.")
        for slot in self.crew.slots:
            slot.take_waiting()
        self.crew.stop_all(LeaseLost)
        self.identity.register()

    def _free_the_stuck(self, now_s: float) -> None:
        for slot in self.crew.slots:
            execution = slot.current
            waits = bool(slot.waiting) or slot.following is not None
            if execution is not None and waits and now_s - execution.began_s > STUCK_AFTER_S:
                for claim, last_of in slot.take_waiting():
                    self.writer.report(claim, None, last_of)
