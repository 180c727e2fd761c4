"""How often a reusable result answered: counted in memory, added to Redis by a thread of its own half a second later.

`roundsman:cache` counts for ever, `roundsman:cache:<hour>` by the hour for a day, both with fields `<job>|<answer>`;
`roundsman:cache:hours` lists those hours; `roundsman:cache:run:<id>` counts what one run answered. Redis lets the old ones
go by itself, so that whoever reads needs no clock (which may ask the database, and that may be away). A Redis that is
away costs figures and nothing else.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import redis
from django.conf import settings

from queues.contract import RunRef
from queues.engine import broker
from queues.ledger import clock

log = logging.getLogger("roundsman.reuse")
Answer = Literal["result", "live", "run", "fresh"]
ANSWERS: tuple[Answer, ...] = ("result", "live", "run", "fresh")
KEY = "roundsman:cache"
HOURS_KEY = f"{KEY}:hours"
HOUR_KEPT = timedelta(hours=24)  # what the hit rate looks back, to the hour
HOURS_LISTED = 26
RUN_KEPT = timedelta(days=30)
DELAY_S = 0.5
AWAY = (redis.exceptions.RedisError, OSError)
Counts = dict[str, Counter[str]]  # by job, then by answer


class ReuseFigures:
    """Gathers from any thread."""

    def __init__(self, client: redis.Redis | None = None, delay_s: float = DELAY_S) -> None:
        self._client, self.delay_s = client, delay_s
        self._away = False
        self.forget()

    def forget(self) -> None:
        """Begin anew: what a forked process inherited is its parent's to write."""
        self._lock = threading.Lock()
        self._answers: Counter[tuple[str, str]] = Counter()  # by hash key and field
        self._runs: Counter[UUID] = Counter()
        self._timer: threading.Timer | None = None

    def add(self, job: str, ref: RunRef, *, fresh: bool = False) -> None:
        """One request for a reusable result was answered. Cheap: memory only."""
        if not getattr(settings, "METRICS_ENABLED", True):
            return
        field = f"{job}|{answer_of(ref, fresh=fresh)}"
        hour = _hour_key(clock.now())  # here, for the clock may ask the database: the writing thread has no connection
        with self._lock:
            self._answers[KEY, field] += 1
            self._answers[hour, field] += 1
            if not ref.created:
                self._runs[ref.id] += 1
            if self._timer is None:
                self._timer = threading.Timer(self.delay_s, self.flush)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        """Write what was gathered. Never raises for a Redis that is away: it is dropped, told once."""
        with self._lock:
            answers, self._answers = self._answers, Counter()
            found, self._runs = self._runs, Counter()
            self._timer = None
        if not answers:
            return
        try:
            self._write(answers, found)
            self._away = False
        except AWAY as error:
            if not self._away:
                log.warning("Redis does not take the counts of reused results (%s); the metrics go without.", error)
            self._away = True

    def _write(self, answers: Mapping[tuple[str, str], int], found: Mapping[UUID, int]) -> None:
        client = self._client if self._client is not None else broker.connection("metrics")
        pipe = client.pipeline(transaction=False)
        for (key, field), count in answers.items():
            pipe.hincrby(key, field, count)
        for hour in {key for key, _ in answers} - {KEY}:
            pipe.expire(hour, HOUR_KEPT)
            pipe.zadd(HOURS_KEY, {hour: int(hour.removeprefix(f"{KEY}:"))})
        pipe.zremrangebyrank(HOURS_KEY, 0, -HOURS_LISTED - 1)
        for run_id, count in found.items():
            pipe.incrby(_run_key(run_id), count)
            pipe.expire(_run_key(run_id), RUN_KEPT)
        pipe.execute()


figures = ReuseFigures()
os.register_at_fork(after_in_child=figures.forget)
atexit.register(figures.flush)


def answer_of(ref: RunRef, *, fresh: bool = False) -> Answer:
    """By what a request was answered: a kept result, a live run of the same work, or a run of its own. Pure."""
    if not ref.created:
        return "result" if ref.cached else "live"
    return "fresh" if fresh else "run"


def read(client: redis.Redis) -> tuple[Counts, Counts]:
    """(all there ever were, those of the last 24 hours). Raises redis errors."""
    hours = client.zrange(HOURS_KEY, 0, -1)
    pipe = client.pipeline(transaction=False)
    for key in (KEY, *hours):
        pipe.hgetall(key)
    total, *last = pipe.execute()
    return _by_job([total]), _by_job(last)


def hit_rate_percent(answers: Mapping[str, int]) -> float | None:
    """The share of requests that were answered without a run of their own; those that asked for one do not count. Pure."""
    hits = answers.get("result", 0) + answers.get("live", 0)
    asked = hits + answers.get("run", 0)
    return 100 * hits / asked if asked else None


def answered_by(run_id: UUID) -> int | None:
    """How many other requests this run answered; None while Redis is away."""
    try:
        return int(broker.connection("metrics").get(_run_key(run_id)) or 0)
    except AWAY:
        return None


def _by_job(hashes: list[dict[bytes | str, bytes | str]]) -> Counts:
    found: Counts = defaultdict(Counter)
    for fields in hashes:
        for name, count in fields.items():
            job, _, answer = (name.decode() if isinstance(name, bytes) else name).partition("|")
            found[job][answer] += int(count)
    return dict(found)


def _hour_key(at: datetime) -> str:
    return f"{KEY}:{at:%Y%m%d%H}"


def _run_key(run_id: UUID) -> str:
    return f"{KEY}:run:{run_id}"
