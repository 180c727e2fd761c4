"""The window on Redis, in RQ's own keys, so that stock `rq info` and django-rq's pages show what waits.

A listed id always has a minimal job hash (stock tools delete ids that have none). It names no callable: a stock worker
that takes one finds nothing to run, and the reconciler offers the run again.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel
from rq.defaults import RQ_KEY_PREFIX
from rq.utils import utcformat

from queues.engine.window import WINDOW, DoorbellAway, Listed
from queues.ledger import clock

AWAY = (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, OSError)
QUEUES_KEY = f"{RQ_KEY_PREFIX}:queues"
STALE = timedelta(seconds=3)  # a hash so long without a place in the list is of a worker that died before its claim
T = TypeVar("T")

# KEYS: list, queues set. ARGV: room, how ("front", "fresh" or ""), now, stale before (both as RQ writes times, which
# sort), queue, then threes of (id, job key, data). Returns the count added. The fields are what RQ's tools cannot do
# without. Fresh ids were made just now: nobody can have listed them, so the list is not read.
OFFER = """
local listed, added, room, how = {}, 0, tonumber(ARGV[1]), ARGV[2]
local length = redis.call('LLEN', KEYS[1])
if length >= room then return 0 end
if how ~= 'fresh' then
  for _, id in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do listed[id] = true end
end
for i = 6, #ARGV, 3 do
  if length + added >= room then break end
  local id, key = ARGV[i], ARGV[i + 1]
  if not listed[id] then
    local since = how == '' and redis.call('HGET', key, 'enqueued_at')
    if not since or since < ARGV[4] then
      redis.call('HSET', key, 'data', ARGV[i + 2], 'origin', ARGV[5], 'status', 'queued', 'enqueued_at', ARGV[3])
      redis.call(how == 'front' and 'LPUSH' or 'RPUSH', KEYS[1], id)
      added = added + 1
    end
  end
end
if length == 0 and added > 0 then redis.call('SADD', KEYS[2], KEYS[1]) end
return added
"""


@dataclass(frozen=True)
class Health:
    """A look at the server: its latency, or why it is away."""

    up: bool
    latency_ms: float | None
    detail: str = ""


@cache
def connection(purpose: str = "queue", *, blocking: bool = False) -> redis.Redis:
    """The pooled client of a purpose (queue, session, cache, metrics), made once a process.

    `blocking` gives a client whose reads may wait longer than the command time-out.
    """
    options = dict(settings.REDIS[purpose])
    url, sentinels = options.pop("url", None), options.pop("sentinels", None)
    if blocking:
        options["socket_timeout"] = None
    options["retry"] = Retry(NoBackoff(), 1)  # a broken pooled connection is replaced at once; a dead server is told
    if sentinels:
        service, sentinel_options = options.pop("service"), options.pop("sentinel_kwargs", {})
        sentinel = Sentinel(sentinels, sentinel_kwargs=sentinel_options, **options)  # type: ignore[no-untyped-call]
        master: redis.Redis = sentinel.master_for(service)  # type: ignore[no-untyped-call]
        return master
    return redis.Redis.from_url(url, **options)


def queue_key(queue: str) -> str:
    return f"{RQ_KEY_PREFIX}:queue:{queue}"


def job_key(run_id: UUID | str) -> str:
    return f"{RQ_KEY_PREFIX}:job:{run_id}"


class RedisWindow:
    """queues.engine.window.Window on Redis or Valkey 7.0+."""

    def __init__(self, client: redis.Redis | None = None, blocking: redis.Redis | None = None) -> None:
        self._client, self._blocking = client, blocking
        self._offer: Any = None
        self._lock = threading.Lock()

    @property
    def client(self) -> redis.Redis:
        return self._client if self._client is not None else connection("queue")

    @property
    def blocking(self) -> redis.Redis:
        if self._blocking is None:
            self._blocking = self._client if self._client is not None else connection("queue", blocking=True)
        return self._blocking

    def offer(self, queue: str, runs: Sequence[Listed], *, front: bool = False, fresh: bool = False) -> int:
        if not runs:
            return 0
        with self._lock:
            if self._offer is None:
                self._offer = self.client.register_script(OFFER)
        if front:
            runs = list(reversed(runs))
        now = clock.now()
        args: list[str | int] = [
            WINDOW + (len(runs) if front else 0),
            "front" if front else "fresh" if fresh else "",
            utcformat(now),
            utcformat(now - STALE),
            queue,
        ]
        for run in runs:
            args += [str(run.id), job_key(run.id), _data(run)]
        return int(_told(lambda: self._offer(keys=[queue_key(queue), QUEUES_KEY], args=args)))

    def take(self, queues: Sequence[str], timeout_s: float) -> tuple[str, UUID] | None:
        keys = [queue_key(queue) for queue in queues]
        found = _told(lambda: self.blocking.blmpop(max(timeout_s, 0.01), len(keys), *keys, direction="LEFT", count=1))
        if not found:
            return None
        key, ids = found
        good = self._uuids(_text(key), ids)
        return (_text(key).removeprefix(queue_key("")), good[0]) if good else None

    def take_more(self, queue: str, count: int) -> tuple[list[UUID], int]:
        pipe = self.client.pipeline(transaction=False)
        if count > 0:
            pipe.lpop(queue_key(queue), count)
        pipe.llen(queue_key(queue))
        answers = _told(pipe.execute)
        ids = (answers[0] or []) if count > 0 else []
        return self._uuids(queue_key(queue), ids), int(answers[-1])

    def put_back(self, queue: str, ids: Sequence[UUID]) -> None:
        if ids:
            _told(lambda: self.client.lpush(queue_key(queue), *(str(run_id) for run_id in reversed(ids))))

    def forget(self, ids: Sequence[UUID]) -> None:
        if ids:
            _told(lambda: self.client.unlink(*(job_key(run_id) for run_id in ids)))

    def ids(self, queue: str) -> list[UUID]:
        listed = _told(lambda: self.client.lrange(queue_key(queue), 0, -1))
        return self._uuids(queue_key(queue), listed)

    def _uuids(self, key: str, ids: Iterable[Any]) -> list[UUID]:
        """Ids that are no UUID were never ours: somebody wrote into Redis. Nothing is run; the id is counted and dropped."""
        good = []
        for raw in ids:
            try:
                good.append(UUID(_text(raw)))
            except ValueError:
                pipe = self.client.pipeline(transaction=False)
                pipe.hincrby("roundsman:intruders", _text(key), 1)
                pipe.unlink(job_key(_text(raw)))
                _told(pipe.execute)
        return good


def ping(purpose: str = "queue") -> Health:
    """Ask the server of a purpose whether it is there."""
    start = time.perf_counter()
    try:
        connection(purpose).ping()
    except (redis.exceptions.RedisError, OSError) as error:
        return Health(False, None, str(error))
    return Health(True, (time.perf_counter() - start) * 1000)


def _data(run: Listed) -> str:
    """RQ's (function, instance, args, kwargs) as JSON: the job's name, which no import path bears, and the run's id."""
    return json.dumps([run.job, None, [], {}], separators=(",", ":"))


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _told(call: Callable[[], T]) -> T:
    try:
        return call()
    except AWAY as error:
        raise DoorbellAway(f"Redis does not answer ({error}). Runs are kept and go on when it is back.") from error
    except redis.exceptions.ResponseError as error:
        if any(word in str(error) for word in ("LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN")):
            raise DoorbellAway(f"Redis is not ready ({error}).") from error
        raise
