"""Queues, definitions, schedules, alerts, and how the whole is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from .models import Alert, Definition, Json, Queue, Schedule, moment
from .paging import items, path_of, text_of
from .transport import KEY, Transport


class Steering:
    """Part of Client."""

    _transport: Transport

    def queues(self) -> list[Queue]:
        """In the order in which workers serve them, with what is in force."""
        return [Queue.of(each["in_force"]) for each in self._items("api/v1/queues", {})]

    def pause_queue(self, queue: str, why: str, until: datetime | str | None = None) -> Queue:
        """Take nothing more from it. What runs goes on, what waits stays. `until`: with an offset; else until resumed."""
        body = {"why": why} | ({} if until is None else {"until": text_of(until)})
        return self._steer(queue, "pause", body)

    def resume_queue(self, queue: str, why: str = "") -> Queue:
        """The end of a pause and of a drain. 409 where there is neither."""
        return self._steer(queue, "resume", {"why": why})

    def drain_queue(self, queue: str, why: str) -> Queue:
        """Do what waits already; what is asked for from now on waits until it is resumed."""
        return self._steer(queue, "drain", {"why": why})

    def status(self) -> Json:
        """`at`, `redis_up`, `queues` (what is in force, depth, running, workers), `workers`."""
        return self._read("api/v1/queue/status")

    def health(self) -> Json:
        """`score`, `grade`, `word`, and the reasons of every queue."""
        return self._read("api/v1/queue/health")

    def definitions(self, **filters: Any) -> Iterator[Definition]:
        """By name. Filters: `job`, `queue`, `enabled`, `text`."""
        return map(Definition.of, self._items("api/v1/definitions", filters))

    def schedules(self, **filters: Any) -> Iterator[Schedule]:
        """By name. Filters: `definition`, `queue`, `kind`, `state`, `text`."""
        return map(Schedule.of, self._items("api/v1/schedules", filters))

    def pause_schedule(self, schedule_id: int, why: str) -> Schedule:
        """Let it fire no more until it is resumed. Runs that it has started go on."""
        return self._schedule(schedule_id, "pause", why)

    def resume_schedule(self, schedule_id: int, why: str = "") -> Schedule:
        """From its next moment on; what passed meanwhile is not caught up."""
        return self._schedule(schedule_id, "resume", why)

    def next_fires(self, schedule_id: int, count: int = 5, tz: str | None = None) -> list[datetime]:
        """When it fires next, in `tz` or its own time zone; none while it is paused or off."""
        query = {"count": count} | ({} if tz is None else {"tz": tz})
        told = self._read(f"api/v1/schedules/{path_of(schedule_id)}/next-fires", query)
        return [at for each in told["fires"] if (at := moment(each["local"])) is not None]

    def alerts(self, **filters: Any) -> Iterator[Alert]:
        """The newest first. Filters: `state` (open, unless given; resolved, all), `level`, `queue`, `rule`."""
        return map(Alert.of, self._items("api/v1/alerts", filters))

    def alert(self, alert_id: str) -> Alert:
        """One alert."""
        return Alert.of(self._read(f"api/v1/alerts/{path_of(alert_id)}"))

    def acknowledge_alert(self, alert_id: str, note: str = "") -> Alert:
        """Say that somebody takes care of it. 409 where it has resolved, or somebody does already."""
        path, headers = f"api/v1/alerts/{path_of(alert_id)}/acknowledge", {KEY: str(uuid4())}
        return Alert.of(self._transport.ask("POST", path, body={"note": note}, headers=headers).json())

    def _steer(self, queue: str, verb: str, body: Json) -> Queue:
        return Queue.of(self._transport.ask("POST", f"api/v1/queue/{path_of(queue)}/{verb}", body=body).json())

    def _schedule(self, schedule_id: int, verb: str, why: str) -> Schedule:
        path, headers = f"api/v1/schedules/{path_of(schedule_id)}/{verb}", {KEY: str(uuid4())}
        return Schedule.of(self._transport.ask("POST", path, body={"why": why}, headers=headers).json())

    def _items(self, path: str, filters: Mapping[str, Any]) -> Iterator[Json]:
        return items(self._transport, path, filters)

    def _read(self, path: str, query: Mapping[str, Any] | None = None) -> Json:
        told: Json = self._transport.ask("GET", path, query=query).json()
        return told
