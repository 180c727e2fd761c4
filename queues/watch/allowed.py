"""How many slots the workers allow themselves on queues that call outside: told to Redis, read at the scrape and in the admin.

Redis keeps one hash: `<worker>` → JSON of what it allows itself by queue, and when it told that. Who has told nothing for
half a minute is gone.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import redis
from django.db import connections

from queues.engine import broker
from queues.ledger import clock

log = logging.getLogger("roundsman.metrics")
KEY = "roundsman:allowed"
EVERY_S, GONE_S = 5.0, 30.0


def publish(worker: str, client: redis.Redis, now: datetime, allowed: Mapping[str, int]) -> None:
    """Tell what this worker allows itself. Raises redis errors."""
    client.hset(KEY, worker, json.dumps({"at": now.timestamp(), "allowed": dict(allowed)}))


def read(client: redis.Redis, now: datetime) -> dict[str, dict[str, int]]:
    """By queue and worker, what was told lately; what those told that are gone is deleted. Raises redis errors."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    gone = []
    for name, text in client.hgetall(KEY).items():
        worker = name.decode() if isinstance(name, bytes) else str(name)
        at_s, allowed = _heard(text)
        if abs(now.timestamp() - at_s) > GONE_S:
            gone.append(name)
            continue
        for queue, slots in allowed.items():
            found[queue][worker] = slots
    if gone:
        client.hdel(KEY, *gone)
    return dict(found)


def of_queue(queue: str) -> dict[str, int]:
    """By worker, for a page: nothing where Redis is away."""
    try:
        return read(broker.connection("metrics"), clock.now()).get(queue, {})
    except (redis.exceptions.RedisError, OSError):
        return {}


class Teller:
    """A worker's tick. It tells on a thread of its own: Redis may let it wait."""

    def __init__(self, worker: str, allowed: Callable[[], Mapping[str, int]]) -> None:
        self.worker, self.allowed = worker, allowed
        self._thread: threading.Thread | None = None

    def tick(self) -> None:
        """One round, unless the last one still goes on; none while there is nothing to tell."""
        if (self._thread is None or not self._thread.is_alive()) and self.allowed():
            self._thread = threading.Thread(target=self.round, name="allowed", daemon=True)
            self._thread.start()

    def round(self) -> None:
        try:
            publish(self.worker, broker.connection("metrics"), clock.now(), self.allowed())
        except (redis.exceptions.RedisError, OSError) as error:
            log.debug("Redis does not take what is allowed: %s", error)
        except Exception:
            log.exception("What is allowed could not be told.")
        finally:
            connections.close_all()  # that of the clock


def _heard(text: Any) -> tuple[float, dict[str, int]]:
    try:
        said = json.loads(text)
        return float(said["at"]), {str(queue): int(slots) for queue, slots in said["allowed"].items()}
    except (ValueError, TypeError, KeyError, AttributeError):  # not ours
        return 0.0, {}
