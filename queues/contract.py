"""What a handler and a domain see of the engine: who acts, what a handler is given, what it may answer.

No Django and no RQ here. The ports at the bottom are filled by `queues.apps` when the application is ready.
"""

from __future__ import annotations

import getpass
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, Protocol
from uuid import UUID

from queues.outbound import Answer, CallRef, OutboundRequest, Provider

if TYPE_CHECKING:
    from pydantic import BaseModel

Source = Literal["admin", "api", "command", "job", "schedule", "system", "demo"]
Json = Any  # a value that json.dumps accepts


@dataclass(frozen=True)
class Actor:
    """Who asks for a change, copied as labels into the audit log (which holds no foreign keys)."""

    label: str
    source: Source
    user_id: int | None = None
    address: str = ""
    request_id: str = ""

    @classmethod
    def system(cls, name: str = "roundsman") -> Actor:
        """The application itself: commands, schedules, the engine."""
        return cls(label=name, source="system")

    @classmethod
    def at_the_terminal(cls) -> Actor:
        """Whoever is signed in on this machine, and gives a command."""
        try:
            who = getpass.getuser()
        except (KeyError, OSError):  # a process without a name, as in some containers
            who = "somebody"
        return cls(label=f"{who} (manage.py)", source="command")


# --- what a handler may answer: a closed set ---------------------------------------------------------------------


@dataclass(frozen=True)
class Effect:
    """A business fact that must happen once. `key` is its identity ("invoice:C-17:2026-11"), unique for ever."""

    key: str
    data: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Done:
    """Success. `result` (JSON, 64 KB at most) is kept; `effects` are written in the same transaction as the finish."""

    result: Mapping[str, Json] | None = None
    effects: Sequence[Effect] = ()


@dataclass(frozen=True)
class Retry:
    """Not now: run again after `after_s` seconds. It counts as an attempt, and the attempts' limit holds."""

    after_s: float
    why: str


@dataclass(frozen=True)
class Cancel:
    """There is nothing to do any more: the run ends as cancelled, with the reason."""

    why: str


Outcome = Done | Retry | Cancel


# --- what a handler is given -------------------------------------------------------------------------------------


class EffectSlot(Protocol):
    """Inside `with ctx.effect(key) as slot`: `fresh` is False when the effect already happened; `result` is the first one's."""

    fresh: bool
    result: Json

    def keep(self, result: Json) -> None:
        """Store the effect's result, for the second one who comes."""


class JobContext(Protocol):
    """The handler's view of its own run. progress, log and spend only append to memory: call them freely."""

    run_id: UUID
    job: str
    queue: str
    attempt: int  # 1 for the first execution
    deadline: datetime | None  # aware UTC; None without a limit

    @property
    def asker(self) -> Actor:
        """Who asked for this run, by label: what the handler changes is told of them."""

    def progress(self, done: float, total: float, note: str = "") -> None:
        """Say how far the run is, in any unit; `total` may change on the way."""

    def log(self, message: str, level: Literal["debug", "info", "warning", "error"] = "info") -> None:
        """A line of the run's own log (1 MB a run at most; what is beyond is counted, not kept)."""

    def cancelled(self) -> bool:
        """Whether somebody asked for this run to stop, or the worker is stopping. Ask often in long loops."""

    def checkpoint(self) -> None:
        """Raise RunCancelled, or WorkerStopping, if `cancelled()`."""

    def effect(self, key: str) -> AbstractContextManager[EffectSlot]:
        """A transaction for a business fact that happens once; commits together with the key. LeaseLost if not ours."""

    def effects(self, keys: Sequence[str]) -> AbstractContextManager[Mapping[str, EffectSlot]]:
        """As `effect`, of many facts in one transaction: a slot by key. All of them happen, or none."""

    def call(self, request: OutboundRequest) -> Answer:
        """Have a provider do something, once for the request's key; who asks again gets the first answer.

        Not inside a transaction. Raises Refused (then and whenever it is asked again), NotSent, OutcomeUnknown,
        IdempotencyConflict (the key came with other contents), LeaseLost.
        """

    def enqueue(self, spec: Any, params: BaseModel, **options: Any) -> RunRef:
        """Ask for another run, as this run's child (see JobSpec.enqueue)."""

    def spend(self, usd: Decimal, what: str) -> None:
        """Count money spent outside by this run."""


# --- the ports ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RunRef:
    """A run as its enqueuer sees it. `created` is False where an earlier run answered instead: a live one with the same
    dedupe key or doing the same reusable work, the first one with the same idempotency key, in whatever state it is
    now, or (`cached`) one whose result is reused."""

    id: UUID
    state: str
    created: bool = True
    cached: bool = False


@dataclass(frozen=True)
class RunRequest:
    """One run asked for. Parameters are validated by then. Times are aware UTC; None means the spec's default.

    `idempotency_key`, 1 to 255 characters, counts within the job and for seven days at least: who asks again with the
    same key and contents (parameters and options, whoever asks and why) gets the first answer; other contents raise
    IdempotencyConflict.

    `cache_ttl_s`: how old a result may be that answers this request; 0: none. `fresh`: run anew whatever results there
    are; the new one is reusable in its turn. See queues.ledger.reuse.
    """

    job: str
    params: Mapping[str, Json]
    actor: Actor
    at: datetime | None = None
    priority: int | None = None
    timeout_s: float | None = None
    max_attempts: int | None = None
    queue: str | None = None
    dedupe_key: str | None = None
    concurrency_key: str = ""
    idempotency_key: str | None = None
    definition_id: int | None = None
    schedule_id: int | None = None
    fire_at: datetime | None = None
    parent_id: UUID | None = None
    cache_ttl_s: float | None = None
    fresh: bool = False
    why: str = ""


@dataclass(frozen=True)
class RunNow:
    """How a run stands. `ended`: nothing more comes of it by itself; `error` says why, where it did not succeed. `done` and `total` are
    in the handler's own unit."""

    state: str
    ended: bool
    done: float | None = None
    total: float | None = None
    note: str = ""
    error: str = ""

    @property
    def succeeded(self) -> bool:
        return self.state == "succeeded"


class Dispatcher(Protocol):
    def __call__(self, requests: Sequence[RunRequest]) -> list[RunRef]:
        """Insert the runs in the caller's transaction; they are released to the workers after its commit."""


class BatchDispatcher(Protocol):
    def __call__(self, request: RunRequest, params: Sequence[str]) -> list[RunRef]:
        """As Dispatcher, for many runs that differ from `request` only in their parameters (JSON texts)."""


class AuditWriter(Protocol):
    def __call__(
        self,
        actor: Actor,
        action: str,
        *,
        object_type: str,
        object_id: str,
        object_label: str = "",
        before: Mapping[str, Json] | None = None,
        after: Mapping[str, Json] | None = None,
        why: str = "",
    ) -> None:
        """Write one audit entry in the caller's transaction."""


class Outbox(Protocol):
    def post(self, request: OutboundRequest) -> CallRef:
        """Ask for a call in the caller's transaction; it is sent after its commit, by a run of queues.settle_calls.

        The same key again answers with the call there is. Raises UnknownProvider, IdempotencyConflict for other contents.
        """

    def find(self, key: str) -> CallRef | None:
        """How the call of this key stands."""

    def provider(self, provider: Provider) -> Provider:
        """Make a provider known under its name, once, when the application starts."""


@dataclass
class Ports:
    """Filled once by `queues.apps.ready()`; asking before that is a programming error and says so."""

    dispatch: Dispatcher | None = None
    dispatch_alike: BatchDispatcher | None = None
    audit: AuditWriter | None = None
    outbox: Outbox | None = None
    clock: Callable[[], datetime] | None = None
    look: Callable[[UUID], RunNow | None] | None = None

    def now(self) -> datetime:
        """The ledger's time, aware UTC: the one that a domain writes down."""
        if self.clock is None:
            raise RuntimeError("The clock cannot be read before Django is set up: call django.setup() first.")
        return self.clock()

    def run_now(self, run_id: UUID) -> RunNow | None:
        """How the run stands; None where it is there no more."""
        if self.look is None:
            raise RuntimeError("Runs cannot be looked at before Django is set up: call django.setup() first.")
        return self.look(run_id)

    def dispatcher(self) -> Dispatcher:
        if self.dispatch is None:
            raise RuntimeError("Jobs cannot be enqueued before Django is set up: call django.setup() first.")
        return self.dispatch

    def batch_dispatcher(self) -> BatchDispatcher:
        if self.dispatch_alike is None:
            raise RuntimeError("Jobs cannot be enqueued before Django is set up: call django.setup() first.")
        return self.dispatch_alike

    def auditor(self) -> AuditWriter:
        if self.audit is None:
            raise RuntimeError("The audit log cannot be written before Django is set up: call django.setup() first.")
        return self.audit

    def postbox(self) -> Outbox:
        if self.outbox is None:
            raise RuntimeError("Calls cannot be posted before Django is set up: call django.setup() first.")
        return self.outbox


ports = Ports()
