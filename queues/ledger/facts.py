"""The small records that pass between the ledger and the worker: what was claimed, how it ended. No database here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from queues.contract import Effect


@dataclass(frozen=True, slots=True)
class Claim:
    """A run held under a lease. `attempt` counts the executions before this one; `params` is JSON."""

    id: UUID
    job: str
    queue: str
    params: str
    attempt: int
    max_attempts: int
    crashes: int
    timeout_s: float
    backoff_base_s: float
    backoff_cap_s: float
    created_at: datetime
    due_at: datetime
    definition_id: int | None
    token: UUID
    claimed_at: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """What one slot holds: it runs `claims` serially in this order, in the queue's `executor`.

    A run that crashed before comes alone, in a child process. `memory_limit_mb` binds child processes. `limited`: others
    may wait for it to end (for its key or its definition). `behind`: the batch after which it runs, in the same slot.
    """

    token: UUID
    queue: str
    claims: Sequence[Claim]
    executor: str = "threads"
    memory_limit_mb: int = 0
    limited: bool = False
    behind: UUID | None = None


@dataclass(frozen=True, slots=True)
class LogLine:
    at: datetime
    level: str
    message: str


@dataclass(frozen=True, slots=True)
class Progress:
    """A run's last reported progress, in the handler's own unit."""

    id: UUID
    token: UUID
    done: float
    total: float
    note: str


@dataclass(frozen=True, slots=True)
class Ending:
    """How one execution ended. `state` is what the run becomes: succeeded, dead, cancelled, or scheduled (a retry).

    `crashed`: the process it ran in died with it. Then `state` is pending (again, at the front), and the ledger
    makes it dead after too many crashes; `error_code` and `error_message` tell how the process died. `overloaded`: the
    error tells that somebody outside has too much to do (see ledger.error_table).
    """

    claim: Claim
    state: str
    started_at: datetime
    finished_at: datetime
    retry_at: datetime | None = None
    result: str | None = None  # JSON
    effects: Sequence[Effect] = ()
    error_type: str = ""
    error_code: str = ""
    error_message: str = ""
    error_detail: str = ""
    note: str = ""
    progress: Progress | None = None
    log: Sequence[LogLine] = ()
    log_dropped: int = 0
    spend_usd: Decimal = field(default_factory=Decimal)
    crashed: bool = False
    overloaded: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """An ending that was recorded, as the watch sees it. `state` as in Ending; `attempt` this execution's number."""

    id: UUID
    job: str
    queue: str
    state: str
    attempt: int
    created_at: datetime
    due_at: datetime
    claimed_at: datetime
    started_at: datetime
    finished_at: datetime
    error_code: str
    error_message: str
