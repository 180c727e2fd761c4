"""What a worker does while one of its servers is away: tell it once, wait a little, go on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, connections

from queues.engine.window import DoorbellAway

log = logging.getLogger("roundsman.worker")
NO_DATABASE = (DatabaseError, InterfaceError)
PAUSE_S = 0.5


class Away:
    """Whether the database is, as the worker's own thread sees it. `stopping` ends a pause."""

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping
        self._gone = False

    def database(self, error: BaseException) -> None:
        """It does not answer: told the first time; a pause each time."""
        connections.close_all()
        if not self._gone:
            log.error("The database does not answer; work goes on when it is back: %s", _line(error))
        self._gone = True
        self._stopping.wait(PAUSE_S)

    def back(self) -> None:
        if self._gone:
            log.info("The database is back.")
        self._gone = False


def quietly(call: Callable[[], object]) -> None:
    """What fails in here is mended by the reconciler or by a rescue."""
    try:
        call()
    except DoorbellAway as error:
        log.debug("%s", error)
    except NO_DATABASE as error:
        connections.close_all()
        log.warning("The database does not answer: %s", _line(error))


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())
