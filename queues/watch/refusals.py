"""What the API refused, by the code of the problem, and which limits were reached: counted in memory, added to Redis by a thread
of its own half a second later, so that every web process tells the same. A Redis that is away costs figures and nothing else."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections import Counter
from typing import NamedTuple

import redis
from django.conf import settings

from queues.engine import broker

log = logging.getLogger("roundsman.metrics")
CODES_KEY, BUCKETS_KEY = "roundsman:refusals", "roundsman:refusals:limits"
DELAY_S = 0.5
AWAY = (redis.exceptions.RedisError, OSError)


class Refused(NamedTuple):
    """How often since Redis was last emptied: by the problem's code, and by the bucket whose limit was reached."""

    by_code: dict[str, int]
    by_bucket: dict[str, int]


class Refusals:
    """Gathers from any thread."""

    def __init__(self, client: redis.Redis | None = None, delay_s: float = DELAY_S) -> None:
        self._client, self.delay_s = client, delay_s
        self._away = False
        self.forget()

    def forget(self) -> None:
        """Begin anew: what a forked process inherited is its parent's to write."""
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()  # by hash key and field
        self._timer: threading.Timer | None = None

    def add(self, code: str, bucket: str = "") -> None:
        """A request was refused. Cheap: memory only."""
        if not getattr(settings, "METRICS_ENABLED", True):
            return
        with self._lock:
            self._counts[CODES_KEY, code] += 1
            if bucket:
                self._counts[BUCKETS_KEY, bucket] += 1
            if self._timer is None:
                self._timer = threading.Timer(self.delay_s, self.flush)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        """Write what was gathered. Never raises for a Redis that is away: it is dropped, told once."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
            self._timer = None
        if not counts:
            return
        try:
            client = self._client if self._client is not None else broker.connection("metrics")
            pipe = client.pipeline(transaction=False)
            for (key, field), count in counts.items():
                pipe.hincrby(key, field, count)
            pipe.execute()
            self._away = False
        except AWAY as error:
            if not self._away:
                log.warning("Redis does not take the counts of refused requests (%s); the metrics go without.", error)
            self._away = True


refusals = Refusals()
os.register_at_fork(after_in_child=refusals.forget)
atexit.register(refusals.flush)


def read(client: redis.Redis) -> Refused:
    """Raises redis errors."""
    codes, buckets = (client.hgetall(key) for key in (CODES_KEY, BUCKETS_KEY))
    return Refused(_counts(codes), _counts(buckets))


def _counts(fields: dict[bytes | str, bytes | str]) -> dict[str, int]:
    return {name.decode() if isinstance(name, bytes) else name: int(count) for name, count in fields.items()}
