"""A crowd: calls from many threads that begin at the same moment, more of them than there are connections."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import connection

BEGIN_WITHIN_S, CONNECTED_WITHIN_S = 30.0, 30.0


def at_once(count: int, call: Callable[[int], Any], *, threads: int | None = None) -> list[Any]:
    """What `call(0)` to `call(count - 1)` return, in no order that means anything. Raises what a call raised.

    There is a thread for each call, or so many `threads`. As in a web server each call gives its connection back; and
    whoever waits for one is patient: how busy this machine is, is not the question.
    """
    crowd = threads or count
    gate = threading.Barrier(crowd)

    def once(number: int) -> Any:
        try:
            return call(number)
        finally:
            connection.close()

    def begin(first: int) -> list[Any]:
        gate.wait(BEGIN_WITHIN_S)
        return [once(number) for number in range(first, count, crowd)]

    with _patience(), ThreadPoolExecutor(crowd) as pool:
        return [answer for answers in pool.map(begin, range(crowd)) for answer in answers]


@contextmanager
def _patience() -> Iterator[None]:
    """The pool's own is a visitor's: three seconds (SQLite waits for its lock for 20)."""
    if connection.vendor != "postgresql":
        yield
        return
    pool = connection.pool
    usual_s, pool.timeout = pool.timeout, CONNECTED_WITHIN_S
    try:
        yield
    finally:
        pool.timeout = usual_s
