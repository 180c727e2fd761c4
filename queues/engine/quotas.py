"""Counting what callers of the API ask for, in Redis: all of a request's buckets in one step, and so exactly.

A bucket is a moving window: in no stretch of its period does more pass than its rate says. It is one list of what was
spent, oldest first. A charge goes to all its buckets or, where one of them has no room, to none. The libraries at hand
(django-ratelimit, limits) count one bucket a call: two calls a request, and what the second refuses is spent in the first.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from typing import Any

import redis
from redis.exceptions import NoScriptError, RedisError

from queues.engine.connections import connection
from queues.engine.redis_pool import NoneFree
from queues.errors import LimitsUnavailable
from queues.ledger.spending import Balance, Charge, spend_stored

log = logging.getLogger("roundsman.limits")
PARTS = 1000  # what is spent within this part of a period is kept as one entry: lists stay short, whatever the rate
TRIES = 5  # for a connection of the pool's, a second each
STORED, STRICT = ("creation",), ("login",)  # without Redis: counted in the database; refused. The others pass.

# An entry is "expires:count:sum": when it is forgotten (ms, rounded up to a part), and the sum of all counts up to it.
# So what is in use is the last one's sum less what came before the first, and no entry is read but those.
SCRIPT = """
local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local function read(text)
  local expires, count, sum = string.match(text, '^(%d+):(%d+):(%d+)$')
  return tonumber(expires), tonumber(count), tonumber(sum)
end
local told, fits = {1}, true
for i, key in ipairs(KEYS) do
  local limit, cost = tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i + 1])
  local first = redis.call('LINDEX', key, 0)
  while first and read(first) <= now do
    redis.call('LPOP', key)
    first = redis.call('LINDEX', key, 0)
  end
  local used, before, wait = 0, 0, 0
  if first then
    local expires, count, sum = read(first)
    local _, _, all = read(redis.call('LINDEX', key, -1))
    used, before, wait = all - sum + count, sum - count, expires - now
  end
  local room = used + cost <= limit
  if not room then
    fits = false
    local needed = before + math.min(used, used + cost - limit)
    local low, high = 0, redis.call('LLEN', key) - 1
    while low < high do
      local middle = math.floor((low + high) / 2)
      local _, _, sum = read(redis.call('LINDEX', key, middle))
      if sum < needed then low = middle + 1 else high = middle end
    end
    if first then wait = read(redis.call('LINDEX', key, low)) - now end
  end
  told[#told + 1] = used
  told[#told + 1] = wait
  told[#told + 1] = room and 1 or 0
end
if not fits then
  told[1] = 0
  return told
end
for i, key in ipairs(KEYS) do
  local period, cost = tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])
  local part = math.max(1, math.floor(period / PARTS))
  local expires, last = math.ceil((now + period) / part) * part, redis.call('LINDEX', key, -1)
  local at, count, sum = 0, 0, 0
  if last then at, count, sum = read(last) end
  if last and at >= expires then
    redis.call('LSET', key, -1, string.format('%d:%d:%d', at, count + cost, sum + cost))
  else
    redis.call('RPUSH', key, string.format('%d:%d:%d', expires, cost, sum + cost))
  end
  redis.call('PEXPIRE', key, period + part + 1000)
  told[3 * i - 1] = told[3 * i - 1] + cost
  if told[3 * i] == 0 then told[3 * i] = expires - now end
end
return told
""".replace("PARTS", str(PARTS))
SHA = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()

clock_ms: Callable[[], int] = lambda: 0  # noqa: E731  (0: by the server's clock; tests put another in its place)
_away = False


def spend(charges: Sequence[Charge]) -> list[Balance]:
    """Count all the charges, or none where one does not fit. One round trip.

    While Redis is away: what is `STORED` is counted in the database, what is `STRICT` raises LimitsUnavailable, and
    the others pass, uncounted (they are not in the answer). Where Redis is there and this process has no connection
    free for it, nothing passes: a crowd must not open the door for itself. Raises LimitsUnavailable, DatabaseError.
    """
    global _away
    if not charges:
        return []
    try:
        found = _patiently(charges)
    except NoneFree as error:
        raise LimitsUnavailable(f"Too many requests at once to count them: {_line(error)} Try again in 5 s.") from error
    except (RedisError, OSError) as error:
        if not _away:
            log.error("Redis does not count requests; until it is back only jobs are limited: %s", _line(error))
        _away = True
        return _without_redis(charges)
    if _away:
        log.info("Redis counts requests again.")
        _away = False
    return found


def _patiently(charges: Sequence[Charge]) -> list[Balance]:
    """As `spend_counted`, with another try where every connection was used for as long as one waits."""
    for _ in range(TRIES - 1):
        try:
            return spend_counted(charges)
        except NoneFree:
            continue
    return spend_counted(charges)


def spend_counted(charges: Sequence[Charge]) -> list[Balance]:
    """As `spend`, in Redis. Raises RedisError."""
    keys = [f"limit:{charge.name}" for charge in charges]
    numbers = [(charge.rate.limit, int(charge.rate.period_s * 1000), charge.cost) for charge in charges]
    _, *told = _run(connection("cache"), keys, [clock_ms(), *(number for three in numbers for number in three)])
    return [
        Balance(charge, max(0, charge.rate.limit - used), wait_ms / 1000, bool(room))
        for charge, used, wait_ms, room in zip(charges, told[::3], told[1::3], told[2::3], strict=True)
    ]


def _run(client: redis.Redis, keys: list[str], arguments: list[int]) -> list[int]:
    given: list[Any] = [len(keys), *keys, *arguments]
    try:
        answer: Any = client.evalsha(SHA, *given)
    except NoScriptError:  # the server is new, or was told to forget its scripts
        answer = client.eval(SCRIPT, *given)
    found: list[int] = answer
    return found


def _without_redis(charges: Sequence[Charge]) -> list[Balance]:
    if any(charge.bucket in STRICT for charge in charges):
        raise LimitsUnavailable("Attempts to sign in cannot be counted now, so none is let through. Try again in 5 s.")
    return [spend_stored(charge) for charge in charges if charge.bucket in STORED]


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())
