"""The window on Redis, in RQ's own keys, so that stock `rq info` and django-rq's pages show what waits.

A listed id always has a minimal job hash (stock tools delete ids that have none). It names no callable: a stock worker
that takes one finds nothing to run, and the reconciler offers the run again.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import redis
from rq.defaults import RQ_KEY_PREFIX

from queues.engine.connections import LONGEST_WAIT_S, Health, connection, ping
from queues.engine.window import WINDOW, DoorbellAway, Listed
from queues.ledger import clock

__all__ = ["QUEUES_KEY", "Health", "RedisWindow", "connection", "job_key", "ping", "queue_key"]
AWAY = (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, OSError)
QUEUES_KEY = f"{RQ_KEY_PREFIX}:queues"
STALE = timedelta(seconds=3)  # a hash so long without a place in the list is of a worker that died before its claim
T = TypeVar("T")

# KEYS: list, queues set. ARGV: room, whether fresh ("1"), now, stale before (both as RQ writes times, which sort), queue,
# then threes of (id, job key, data). Returns the count added. The fields are what RQ's tools cannot do without. Fresh
# ids were made just now: nobody can have listed them, so the list is not read.
OFFER = """
local listed, added, room, fresh = {}, 0, tonumber(ARGV[1]), ARGV[2] == '1'
local length = redis.call('LLEN', KEYS[1])
if length >= room then return 0 end
if not fresh then
  for _, id in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do listed[id] = true end
end
for i = 6, #ARGV, 3 do
  if length + added >= room then break end
  local id, key = ARGV[i], ARGV[i + 1]
  if not listed[id] then
    local since = not fresh and redis.call('HGET', key, 'enqueued_at')
    if not since or since < ARGV[4] then
      redis.call('HSET', key, 'data', ARGV[i + 2], 'origin', ARGV[5], 'status', 'queued', 'enqueued_at', ARGV[3])
      redis.call('RPUSH', KEYS[1], id)
      added = added + 1
    end
  end
end
if length == 0 and added > 0 then redis.call('SADD', KEYS[2], KEYS[1]) end
return added
"""
# KEYS: list. ARGV: what job keys begin with, the id that was taken ("" for none), then the claimed ids, most of which
# stand at the list's head. What stands between them keeps its place.
DROP = """
local gone, kept = {}, {}
redis.call('UNLINK', ARGV[1] .. ARGV[2])
for i = 3, #ARGV do
  if ARGV[i] ~= ARGV[2] then gone[ARGV[i]] = true end
  redis.call('UNLINK', ARGV[1] .. ARGV[i])
end
local head = #ARGV > 2 and redis.call('LPOP', KEYS[1], #ARGV - 2)
for _, id in ipairs(head or {}) do
  if gone[id] then gone[id] = nil else kept[#kept + 1] = id end
end
for i = #kept, 1, -1 do redis.call('LPUSH', KEYS[1], kept[i]) end
if next(gone) then
  for _, id in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
    if gone[id] then redis.call('LREM', KEYS[1], 1, id) end
  end
end
"""


log = logging.getLogger("roundsman.security")
INTRUDERS = "roundsman:intruders"  # by list, how many ids others wrote into it


def queue_key(queue: str) -> str:
    return f"{RQ_KEY_PREFIX}:queue:{queue}"


def job_key(run_id: UUID | str) -> str:
    return f"{RQ_KEY_PREFIX}:job:{run_id}"


class RedisWindow:
    """queues.engine.window.Window on Redis or Valkey 7.0+."""

    def __init__(self, client: redis.Redis | None = None, blocking: redis.Redis | None = None) -> None:
        self._client, self._blocking = client, blocking
        self._scripts: dict[str, Any] = {}
        self._lock = threading.Lock()

    @property
    def client(self) -> redis.Redis:
        return self._client if self._client is not None else connection("queue")

    @property
    def blocking(self) -> redis.Redis:
        if self._blocking is None:
            self._blocking = self._client if self._client is not None else connection("queue", blocking=True)
        return self._blocking

    def offer(self, queue: str, runs: Sequence[Listed], *, fresh: bool = False) -> int:
        if not runs:
            return 0
        now = clock.now()
        args: list[str | int] = [WINDOW, int(fresh), _rq_time(now), "" if fresh else _rq_time(now - STALE), queue]
        for run in runs:
            args += [str(run.id), job_key(run.id), _data(run)]
        offer = self._script(OFFER)
        return int(_told(lambda: offer(keys=[queue_key(queue), QUEUES_KEY], args=args)))

    def take(self, queues: Sequence[str], timeout_s: float) -> tuple[str, UUID] | None:
        keys = [queue_key(queue) for queue in queues]
        wait_s = min(timeout_s, LONGEST_WAIT_S)
        if wait_s > 0:
            found = _told(lambda: self.blocking.blmpop(wait_s, len(keys), *keys, direction="LEFT", count=1))
        else:
            found = _told(lambda: self.client.lmpop(len(keys), *keys, direction="LEFT", count=1))
        if not found:
            return None
        key, ids = found
        good = self._uuids(_text(key), ids)
        return (_text(key).removeprefix(queue_key("")), good[0]) if good else None

    def drop(self, queue: str, taken: UUID | None, claimed: Sequence[UUID]) -> None:
        if taken is None and not claimed:
            return
        args = [job_key(""), str(taken or ""), *map(str, claimed)]
        drop = self._script(DROP)
        _told(lambda: drop(keys=[queue_key(queue)], args=args))

    def ids(self, queue: str) -> list[UUID]:
        listed = _told(lambda: self.client.lrange(queue_key(queue), 0, -1))
        return self._uuids(queue_key(queue), listed)

    def _script(self, text: str) -> Any:
        with self._lock:
            if text not in self._scripts:
                self._scripts[text] = self.client.register_script(text)
            return self._scripts[text]

    def _uuids(self, key: str, ids: Iterable[Any]) -> list[UUID]:
        """Ids that are no UUID were never ours: somebody wrote into Redis. Nothing is run; the id is told, counted, dropped."""
        good, strange = [], []
        for raw in ids:
            try:
                good.append(UUID(_text(raw)))
            except ValueError:
                strange.append(_text(raw))
        if strange:
            log.warning("Somebody else wrote into %s; nothing of it is run. Ids: %.200r", _text(key), strange)
            pipe = self.client.pipeline(transaction=False)
            pipe.hincrby(INTRUDERS, _text(key), len(strange))
            pipe.unlink(*map(job_key, strange))
            _told(pipe.execute)
        return good


def _data(run: Listed) -> str:
    """RQ's (function, instance, args, kwargs) as JSON: the job's name, which no import path bears, and the run's id."""
    return json.dumps([run.job, None, [], {}], separators=(",", ":"))


def _rq_time(at: datetime) -> str:
    """As rq.utils.utcformat writes it (which takes ten times as long)."""
    return at.isoformat(timespec="microseconds")[:-6] + "Z"


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _told(call: Callable[[], T]) -> T:
    try:
        return call()
    except AWAY as error:
        raise DoorbellAway(f"Redis does not answer ({error}). Runs are kept and go on when it is back.") from error
    except redis.exceptions.RedisError as error:  # it loads, has no room, is a replica, or holds what is not ours
        raise DoorbellAway(f"Redis refuses what it is asked ({error}). Runs are kept and go on without it.") from error
