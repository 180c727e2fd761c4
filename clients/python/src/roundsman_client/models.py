"""What the server tells, as typed values. `raw` is the JSON as it came, with all that is not named here.

In a list with `fields`, what was not asked for has its default. Seconds end in `_s`; moments are aware datetimes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Self

from .errors import ApiError, as_error

Json = dict[str, Any]
SUCCEEDED = "succeeded"
ENDS = frozenset({SUCCEEDED, "dead", "cancelled"})


def moment(text: Any) -> datetime | None:
    """ISO 8601 → datetime; None stays None."""
    return datetime.fromisoformat(text) if text else None


@dataclass(frozen=True)
class _Told:
    """Built from JSON by its fields' names; what a newer server adds is only in `raw`."""

    raw: Json

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        known = {each.name for each in fields(cls)} - {"raw"}
        values = {name: _typed(name, value) for name, value in told.items() if name in known}
        return cls(raw=dict(told), **values)


@dataclass(frozen=True)
class Progress:
    """`total` is None where the job does not know it."""

    done: float | None = None
    total: float | None = None
    note: str = ""

    @property
    def percent(self) -> float | None:
        return min(100.0, 100 * self.done / self.total) if self.done is not None and self.total else None


@dataclass(frozen=True)
class RunError:
    """Of the last attempt."""

    type: str = ""
    code: str = ""
    message: str = ""


@dataclass(frozen=True)
class Run(_Told):
    """A run as it was when it was read."""

    id: str = ""
    job: str = ""
    title: str = ""
    queue: str = ""
    state: str = ""
    priority: int = 0
    params: Json | None = None
    definition: str | None = None
    schedule: str | None = None
    dedupe_key: str | None = None
    cached: bool = False
    attempt: int = 0
    max_attempts: int = 0
    created_at: datetime | None = None
    due_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    progress: Progress | None = None
    result: Json | None = None
    error: RunError | None = None

    @property
    def ended(self) -> bool:
        return self.state in ENDS

    @property
    def succeeded(self) -> bool:
        return self.state == SUCCEEDED


@dataclass(frozen=True)
class BatchItem:
    """What became of one request of many: `run` if it was accepted (its id, job, queue, state), else `problem`."""

    index: int
    status: int
    run: Run | None
    problem: ApiError | None

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        run, problem = told["run"], told["problem"]
        return cls(told["index"], told["status"], Run.of(run) if run else None, as_error(problem) if problem else None)


@dataclass(frozen=True)
class Queue(_Told):
    """What is in force for a queue. `depth`, `running` and `workers` are told by `status()` alone."""

    queue: str
    title: str = ""
    enabled: bool = True
    paused: bool = False
    paused_until: datetime | None = None
    pause_reason: str = ""
    draining: bool = False
    drain_reason: str = ""
    concurrency: int = 0
    rate_limit: str = ""
    executor: str = ""
    depth: int | None = None
    running: int | None = None
    workers: int | None = None


@dataclass(frozen=True)
class Definition(_Told):
    """A job with its parameters, under a name."""

    id: int = 0
    name: str = ""
    job: str = ""
    queue: str | None = None
    description: str = ""
    params: Json | None = None
    enabled: bool = True


@dataclass(frozen=True)
class Schedule(_Told):
    """When a definition runs by itself. `state`: on, paused or off; `next_fire_at` is told by the list alone."""

    id: int = 0
    name: str = ""
    definition: str = ""
    job: str = ""
    queue: str | None = None
    kind: str = ""
    in_words: str = ""
    timezone: str = ""
    state: str = ""
    pause_reason: str = ""
    next_fire_at: datetime | None = None
    last_fire_at: datetime | None = None


@dataclass(frozen=True)
class Alert(_Told):
    """What is, or was, beyond its line. `value`, `threshold` and `peak` in `unit`; `queue` None: of the whole house."""

    id: str = ""
    rule: str = ""
    title: str = ""
    queue: str | None = None
    state: str = ""
    level: str = ""
    text: str = ""
    value: float = 0.0
    threshold: float = 0.0
    peak: float = 0.0
    unit: str = ""
    act: str = ""
    opened_at: datetime | None = None
    last_seen_at: datetime | None = None
    resolved_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    note: str = ""


@dataclass(frozen=True)
class Webhook(_Told):
    """`secret` is there only in the answer that made it. `state`: on, paused, disabled (by itself)."""

    id: str = ""
    url: str = ""
    owner: str = ""
    description: str = ""
    events: list[str] = field(default_factory=list)
    queues: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    enabled: bool = True
    state: str = ""
    disabled_why: str = ""
    secret: str = ""
    pending: int = 0
    dead: int = 0


@dataclass(frozen=True)
class Delivery(_Told):
    """A message to a webhook; `id` is its `webhook-id`."""

    id: str = ""
    event: str = ""
    queue: str | None = None
    subject: str = ""
    state: str = ""
    attempts: int = 0
    status: int | None = None
    error: str = ""


@dataclass(frozen=True)
class LogLine(_Told):
    """A line that the job wrote."""

    id: int = 0
    at: datetime | None = None
    attempt: int = 0
    level: str = "info"
    message: str = ""


@dataclass(frozen=True)
class Event:
    """News of a run: `state`, `progress`, `log`, and at last `end` or `closed`. `id` is where to go on (`last_id`)."""

    kind: str
    data: Json
    id: str = ""


def _typed(name: str, value: Any) -> Any:
    if name == "at" or name.endswith(("_at", "_until")):
        return moment(value)
    if name in _NESTED and isinstance(value, Mapping):
        kind = _NESTED[name]
        known = {each.name for each in fields(kind)}
        return kind(**{key: inner for key, inner in value.items() if key in known})
    return value


_NESTED: dict[str, type[Progress] | type[RunError]] = {"progress": Progress, "error": RunError}
