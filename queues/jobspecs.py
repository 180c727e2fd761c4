"""The engine's own jobs: names, parameters, defaults."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

import pydantic

from queues import catalogue
from queues.registry import NoParams, spec


class CleanHistory(pydantic.BaseModel):
    """What to delete, and how much at a time."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    dry_run: bool = pydantic.Field(default=False, title="Dry run", description="Count only; delete nothing.")
    chunk: int = pydantic.Field(default=500, ge=1, le=900, description="Rows deleted in one transaction.")
    samples_days: int = pydantic.Field(
        default=14, ge=1, le=3650, title="Samples, days", description="How long health samples are kept."
    )
    alerts_days: int = pydantic.Field(
        default=90, ge=1, le=3650, title="Alerts, days", description="How long alerts are kept after they resolved."
    )


clean_history = spec(
    "queues.clean_history",
    queue="maintenance",
    params=CleanHistory,
    title="Clean the history",
    description=(
        "Deletes finished runs with their events and logs once they are older than their definition's retention "
        "(their job's, where the definition has none), old health samples and alerts, idempotency keys older than seven days, and "
        "what webhooks were told thirty days ago. "
        "Live runs and effects are never touched."
    ),
    impact="Deletes finished runs past their retention, for good. A dry run counts them and deletes nothing.",
    timeout_s=3600,
    max_attempts=3,
    retention_days=30,
    recurs="15 3 * * *",
)


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("Give the time with its offset from UTC, e.g. 2026-11-23T05:30:00Z.")
    return at


Moment = Annotated[datetime, pydantic.AfterValidator(_aware)]
if TYPE_CHECKING:
    QueueName = str
else:
    QueueName = Literal[catalogue.NAMES]


class _Bulk(pydantic.BaseModel):
    """What every verb on many runs takes."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    why: str = pydantic.Field(min_length=1, max_length=300, description="For the audit log and each run's page.")
    dry_run: bool = pydantic.Field(default=False, title="Dry run", description="Count only; change nothing.")
    limit: int | None = pydantic.Field(default=None, ge=1, description="At most so many, the oldest. Empty: all.")
    chunk: int = pydantic.Field(default=500, ge=1, le=500, description="Runs in one transaction.")


class CleanQueue(_Bulk):
    """Which of the runs that wait in a queue are discarded."""

    queue: QueueName
    states: list[Literal["pending", "scheduled"]] = pydantic.Field(
        default=["pending", "scheduled"], min_length=1, description="pending: due and waiting. scheduled: due later."
    )
    job: str | None = pydantic.Field(default=None, description="The name of a job. Empty: every job.")
    older_than_s: int | None = pydantic.Field(
        default=None, ge=0, le=10**9, title="Older than, seconds", description="Created at least so long ago."
    )
    until: Moment | None = pydantic.Field(default=None, description="Created until then. Empty: until the run begins.")


class RetryFailed(_Bulk):
    """Which failed runs are put back into their queues."""

    queues: list[QueueName] = pydantic.Field(default=[], description="Empty: every queue.")
    states: list[Literal["dead", "cancelled"]] = pydantic.Field(default=["dead"], min_length=1)
    job: str | None = pydantic.Field(default=None, description="The name of a job. Empty: every job.")
    definition: str | None = pydantic.Field(default=None, description="The name of a definition. Empty: any or none.")
    error_code: str | None = pydantic.Field(default=None, title="Error code", description="Of the last attempt.")
    since: Moment | None = pydantic.Field(default=None, description="Failed at that time or later.")
    until: Moment | None = pydantic.Field(default=None, description="Failed until then. Empty: until the run begins.")
    created_since: Moment | None = pydantic.Field(default=None, description="Created at that time or later.")
    ids: list[UUID] = pydantic.Field(default=[], max_length=1000, description="These runs alone. Empty: any.")


clean_queue = spec(
    "queues.clean_queue",
    queue="maintenance",
    params=CleanQueue,
    title="Clean a queue",
    description=(
        "Discards runs that wait in one queue, in chunks. It is about what is there when it begins; what is asked for "
        "later stays, and so does what runs."
    ),
    impact="Cancels runs that wait. They keep their history and can be retried. A dry run counts them and changes nothing.",
    timeout_s=3600,
    max_attempts=3,
    priority=50,  # people wait for it
)

retry_failed = spec(
    "queues.retry_failed",
    queue="maintenance",
    params=RetryFailed,
    title="Retry failed runs",
    description=(
        "Puts dead runs back into their queues, in chunks, each with its whole number of attempts before it. It is about "
        "what has failed when it begins. Runs whose dedupe key has a live run are left alone and counted."
    ),
    impact="Runs failed jobs again. A dry run counts them and changes nothing.",
    timeout_s=3600,
    max_attempts=3,
    priority=50,  # people wait for it
)


class SettleCalls(pydantic.BaseModel):
    """How much to do in one run."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    limit: int = pydantic.Field(
        default=100, ge=1, le=1000, description="Calls looked after in one run; another run follows for the rest."
    )


settle_calls = spec(
    "queues.settle_calls",
    queue="external-api",
    params=SettleCalls,
    title="Settle calls to outside",
    description=(
        "Sends calls that were posted for an outside provider and are due, and finds out about those whose outcome is "
        "unknown. Whoever leaves a call open asks for this run: it needs no schedule."
    ),
    impact="Sends posted calls to payment, mail and SMS providers. What has an unknown outcome is never blindly sent again.",
    timeout_s=900,
    max_attempts=6,
    retention_days=3,
    key_limit=2,
)

deliver_webhooks = spec(
    "queues.deliver_webhooks",
    queue="external-api",
    params=NoParams,
    title="Deliver webhooks",
    description=(
        "Sends what webhooks are to be told and is due. Every worker looks once a second whether there is anything: it needs "
        "no schedule."
    ),
    impact="Sends messages to the addresses of webhooks. What did not arrive is sent again later, for about three days.",
    timeout_s=120,
    max_attempts=3,
    retention_days=1,
)

ping = spec(
    "queues.ping",
    queue="maintenance",
    params=NoParams,
    title="Ping",
    description="Does nothing: that it ran shows that its queue is served. `manage.py validate` sends one through every queue.",
    impact="Changes nothing.",
    timeout_s=30,
    max_attempts=1,
    retention_days=1,
    priority=100,  # somebody waits for it, and it takes no time
)
