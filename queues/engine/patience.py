"""How long the house waits for a Redis that is there and does not answer: once, and then not again for a while."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

T = TypeVar("T")


class Patience(Retry):
    """The retry policy of one client, shared by all its connections.

    A broken pooled connection is replaced at once, and a server that refuses is told at once. One that lets us wait is
    not asked again for `quiet_s` seconds: meanwhile every call raises redis' TimeoutError without waiting.
    """

    def __init__(self, quiet_s: float) -> None:
        super().__init__(NoBackoff(), 1, (redis.exceptions.ConnectionError,))
        self.quiet_s, self._quiet_until_s = quiet_s, 0.0

    def __deepcopy__(self, memo: dict[int, Any]) -> Patience:
        return self  # connections copy their policy; what one has learnt counts for all

    def call_with_retry(self, do: Callable[[], T], fail: Callable[..., Any], *args: Any, **options: Any) -> T:
        if monotonic() < self._quiet_until_s:
            raise redis.exceptions.TimeoutError("it did not answer a moment ago")
        try:
            return super().call_with_retry(do, fail, *args, **options)
        except redis.exceptions.TimeoutError:
            self._quiet_until_s = monotonic() + self.quiet_s
            raise
