"""Requests become runs: a row in the caller's transaction, and the window's bell after its commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from queues import failpoints, registry
from queues.contract import Actor, RunRef, RunRequest
from queues.engine.release import release_listed
from queues.engine.window import WINDOW, Listed
from queues.errors import FieldError, InvalidParams
from queues.ledger import audit, clock, idempotency, states
from queues.ledger.requests import new_row, new_run, request_for
from queues.ledger.runs import create_alike, create_plain
from queues.models import JobDefinition, Run


class ReleaseAfterCommit:
    """One a transaction, however many runs it asks for."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, Listed]] = []
        self.__qualname__ = type(self).__qualname__  # Django names a callback that failed by it

    def __call__(self) -> None:
        failpoints.reach("enqueue.committed")
        rows, self.rows = self.rows, []
        release_listed(rows, fresh=True)


def dispatch(requests: Sequence[RunRequest]) -> list[RunRef]:
    """Insert runs in the caller's transaction and release them after its commit. Answers in order.

    A request whose idempotency key was answered before gets that answer. Raises UnknownJob, UnknownQueue,
    IdempotencyConflict, RunGone. Redis being away is no error: the row is the truth.
    """
    if len(requests) == 1 and _is_plain(requests[0]) and not connection.in_atomic_block:
        return [_dispatch_alone(requests[0])]
    rows = [new_run(request) for request in requests]
    with transaction.atomic():
        refs = idempotency.create_once(requests, rows)
        _release_after_commit(
            [
                (run.queue, Listed(run.id, run.job))
                for run, ref in zip(rows, refs, strict=True)
                if ref.created and run.state == states.PENDING
            ]
        )
        failpoints.reach("enqueue.written")
    return refs


def dispatch_alike(request: RunRequest, params: Sequence[str]) -> list[RunRef]:
    """As `dispatch`, for many runs that differ only in their parameters (JSON texts)."""
    if request.dedupe_key is not None:
        raise ValueError("Many runs cannot share one dedupe key: enqueue them one by one, each with its own.")
    if request.idempotency_key is not None:
        raise ValueError("Many runs cannot share one idempotency key: enqueue them one by one, each with its own.")
    row = new_row(request)
    with transaction.atomic():
        refs = create_alike(row, params)
        if row["state"] == states.PENDING:
            listed = refs[:WINDOW]  # what is beyond the window's room is offered by the reconcilers
            _release_after_commit([(row["queue"], Listed(ref.id, row["job"])) for ref in listed])
        failpoints.reach("enqueue.written")
    return refs


def _is_plain(request: RunRequest) -> bool:
    return request.dedupe_key is None and request.idempotency_key is None


def _dispatch_alone(request: RunRequest) -> RunRef:
    """The ordinary case outside a transaction: one statement, committed by itself, and one call of the bell."""
    row = new_row(request)
    ref = create_plain(row)
    if ref.state == states.PENDING:
        release = ReleaseAfterCommit()
        release.rows.append((row["queue"], Listed(ref.id, row["job"])))
        release()
    return ref


def run_definition(
    definition: JobDefinition,
    values: Mapping[str, Any],
    *,
    actor: Actor,
    at: datetime | None = None,
    why: str = "",
    **options: Any,
) -> Run:
    """Run a definition now or at a time, with `values` over its parameters; audited.

    Raises Disabled (also where an idempotency key was answered before), InvalidParams (with the fields), UnknownJob,
    TooLarge, and with an idempotency key IdempotencyConflict and RunGone.
    """
    return _asked(request_for(definition, values, actor=actor, at=at, **options), why, definition.name)


def enqueue_job(
    job: str, values: Mapping[str, Any], *, actor: Actor, at: datetime | None = None, why: str = "", **options: Any
) -> Run:
    """Run a job by name with raw values; audited. Options: see RunRequest.

    Raises UnknownJob, InvalidParams, TooLarge, and with an idempotency key IdempotencyConflict and RunGone.
    """
    spec = registry.get(job)
    return _asked(spec.request(spec.validate(values), actor=actor, at=at, **options), why, spec.title)


def _asked(request: RunRequest, why: str, label: str) -> Run:
    _require_future(request)
    with transaction.atomic():
        (ref,) = dispatch([request])
        if ref.created:
            audit.write(
                request.actor,
                "run.enqueue",
                object_type="run",
                object_id=str(ref.id),
                object_label=label,
                after={
                    "job": request.job,
                    "params": dict(request.params),
                    "due_at": request.at.isoformat() if request.at else None,
                },
                why=why,
            )
    return Run.objects.get(pk=ref.id)


def _require_future(request: RunRequest) -> None:
    """Whoever asks again gets the first answer, though the time has come since."""
    if request.at is None or request.at > clock.now():
        return
    key = idempotency.key_of(request)
    if key is None or idempotency.first_answer(key) is None:
        wrong = FieldError("at", "This time is in the past: leave it out to run now.", "in_past")
        raise InvalidParams(request.job, [wrong])


def _release_after_commit(rows: list[tuple[str, Listed]]) -> None:
    if not rows:
        return
    for _, function, *_ in connection.run_on_commit:
        if isinstance(function, ReleaseAfterCommit):
            function.rows += rows
            return
    release = ReleaseAfterCommit()
    release.rows += rows
    transaction.on_commit(release, robust=True)
