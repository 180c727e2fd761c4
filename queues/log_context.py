"""What the lines of a log are about: the request and the run in whose course they were written.

Context variables: each request's thread, each coroutine, has its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
run_id: ContextVar[str] = ContextVar("run_id", default="")


@contextmanager
def about(variable: ContextVar[str], told: str) -> Iterator[None]:
    """For the length of a block."""
    before = variable.set(told)
    try:
        yield
    finally:
        variable.reset(before)
