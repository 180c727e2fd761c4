"""How long a thread waits for the database's answer before it gives the connection up: see `pool`."""

from __future__ import annotations

import threading

MARGIN_S = 5.0  # after the server's own limit; what comes later does not come
ENGINE_S = 15.0  # for the engine's threads where statements have no limit: theirs are short
GREETING_S = 5.0  # for the pool's question whether a connection is alive

_thread = threading.local()


def in_engine() -> None:
    """The calling thread is one of the engine's: its statements end even where `statement_timeout` is 0."""
    _thread.of_engine = True


def answer_s(statement_s: float) -> float | None:
    """Seconds to wait for an answer in this thread, under a `statement_timeout` of `statement_s` (0: none)."""
    if statement_s > 0:
        return statement_s + MARGIN_S
    return ENGINE_S if getattr(_thread, "of_engine", False) else None
