"""How long the house waits for a Redis that is there and does not answer: once, and then not again for a while."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

T = TypeVar("T")


@dataclass
class Quiet:
    """A server that let somebody wait is left alone for `quiet_s` seconds, by all who share this."""

    quiet_s: float
    until_s: float = 0.0


class Patience(Retry):
    """The retry policy of all connections of a client.

    A broken pooled connection is replaced at once, and a server that refuses is told at once. One that lets us wait is
    not asked again for a while: meanwhile every call raises redis' TimeoutError without waiting. `failed` is told of
    every call that came to nothing.
    """

    def __init__(self, quiet: Quiet, failed: Callable[[], None] = lambda: None) -> None:
        super().__init__(NoBackoff(), 1, (redis.exceptions.ConnectionError,))
        self.quiet, self.failed = quiet, failed

    def __deepcopy__(self, memo: dict[int, Any]) -> Patience:
        return self  # connections copy their policy; what one has learnt counts for all

    def call_with_retry(self, do: Callable[[], T], fail: Callable[..., Any], *args: Any, **options: Any) -> T:
        if monotonic() < self.quiet.until_s:
            self.failed()
            raise redis.exceptions.TimeoutError("it did not answer a moment ago")
        try:
            return super().call_with_retry(do, fail, *args, **options)
        except redis.exceptions.TimeoutError:
            self.quiet.until_s = monotonic() + self.quiet.quiet_s
            self.failed()
            raise
        except redis.exceptions.ConnectionError:
            self.failed()
            raise
