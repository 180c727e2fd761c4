"""Requests become runs: a row in the caller's transaction, and the window's bell after its commit."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from queues import failpoints, registry
from queues.contract import Actor, RunRef, RunRequest
from queues.engine.once_more import made, once_more
from queues.engine.release import release_listed
from queues.engine.reuse_figures import figures
from queues.engine.window import WINDOW, Listed
from queues.errors import FieldError, InvalidParams
from queues.ledger import audit, clock, idempotency, reuse, states
from queues.ledger.requests import new_row, request_for, reusable_s
from queues.ledger.runs import create_alike, create_plain
from queues.models import JobDefinition, Run

Row = Mapping[str, Any]  # see requests.new_row


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

    A request whose idempotency key was answered before gets that answer, one for a reusable result the result there is
    or the live run that makes it (see ledger.reuse). Raises UnknownJob, UnknownQueue, IdempotencyConflict, RunGone.
    Redis being away is no error: the row is the truth.
    """
    return _dispatch(requests, [new_row(request) for request in requests])


def _dispatch(requests: Sequence[RunRequest], rows: Sequence[Row]) -> list[RunRef]:
    """`rows`: the new row of each request."""
    wants = _wants(requests, rows)
    if len(requests) == 1:
        (request,), (row,) = requests, rows
        if not wants and _is_plain(request):
            return [_dispatch_plain(row)]
        alone = not connection.in_atomic_block and request.idempotency_key is None
        if wants and alone and (found := reuse.find(wants[row["id"]])) is not None:
            figures.add(row["job"], found)
            return [found]
    runs = [Run(**row) for row in rows]
    with transaction.atomic():
        refs = idempotency.create_once(requests, runs, lambda some: _create(some, wants))
        _release_after_commit(
            [
                (run.queue, Listed(run.id, run.job))
                for run, ref in zip(runs, refs, strict=True)
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
    if reusable_s(request.job, request.cache_ttl_s) > 0:  # each has its own key, and some may be answered already
        return dispatch([replace(request, params=json.loads(text)) for text in params])
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


def _wants(requests: Sequence[RunRequest], rows: Sequence[Row]) -> dict[UUID, reuse.Wanted]:
    """What the requests for reusable results may be answered with, by the id of the row that is made for each."""
    found = {row["id"]: reuse.wanted(request, row) for request, row in zip(requests, rows, strict=True)}
    return {run_id: want for run_id, want in found.items() if want is not None}


def _create(some: Sequence[Run], wants: Mapping[UUID, reuse.Wanted]) -> list[RunRef]:
    refs = reuse.create_or_reuse(some, wants)
    for run, ref in zip(some, refs, strict=True):
        if run.id in wants:
            figures.add(run.job, ref, fresh=wants[run.id].fresh)
    return refs


def _dispatch_plain(row: Row) -> RunRef:
    """The ordinary case: one statement. Inside a transaction its failure is the end of it, as with Django's `save()`."""
    if connection.in_atomic_block:
        with transaction.atomic(savepoint=False):
            ref = create_plain(row)
    else:
        (ref,) = once_more(lambda: [create_plain(row)], lambda: made([row["id"]]))
    _ring(row)
    return ref


def _ring(row: Row) -> None:
    """Offer a run that was just inserted: at once if that is committed, else after the commit."""
    if row["state"] == states.PENDING:
        _release_after_commit([(row["queue"], Listed(row["id"], row["job"]))])
        if connection.in_atomic_block:
            failpoints.reach("enqueue.written")


def run_definition(
    definition: JobDefinition,
    values: Mapping[str, Any],
    *,
    actor: Actor,
    at: datetime | None = None,
    why: str = "",
    **options: Any,
) -> Run:
    """Run a definition now or at a time, with `values` over its parameters; audited. The run's `answer` tells how.

    Raises Disabled (also where an idempotency key was answered before), InvalidParams (with the fields), UnknownJob,
    TooLarge, and with an idempotency key IdempotencyConflict and RunGone.
    """
    return _asked(request_for(definition, values, actor=actor, at=at, **options), why, definition.name, definition)


def enqueue_job(
    job: str, values: Mapping[str, Any], *, actor: Actor, at: datetime | None = None, why: str = "", **options: Any
) -> Run:
    """Run a job by name with raw values; audited. Options: see RunRequest. The run's `answer` tells how.

    Raises UnknownJob, InvalidParams, TooLarge, and with an idempotency key IdempotencyConflict and RunGone.
    """
    spec = registry.get(job)
    return _asked(spec.request(spec.validate(values), actor=actor, at=at, **options), why, spec.title)


def _asked(request: RunRequest, why: str, label: str, definition: JobDefinition | None = None) -> Run:
    _require_future(request)
    row = new_row(request)
    if _is_plain(request) and "cache_key" not in row:
        ref = _insert_audited(request, row, why, label)
    else:
        with transaction.atomic():
            (ref,) = _dispatch([request], [row])
            if ref.created:
                _audit(request, ref.id, why, label)
        if ref.id != row["id"] or "cache_key" in row:  # another's run, or one that reuse has given a dedupe key
            run = Run.objects.get(pk=ref.id)
            run.answer = ref
            return run
    run = _as_read(row, definition)
    run.answer = ref
    return run


def _insert_audited(request: RunRequest, row: Row, why: str, label: str) -> RunRef:
    """The ordinary case: the run and its entry in one statement."""
    ref = RunRef(row["id"], row["state"])

    def insert() -> RunRef:
        _audit(request, ref.id, why, label, beside=(Run, row))
        return ref

    once_more(insert, lambda: ref if made([ref.id]) else None)
    _ring(row)
    return ref


def _audit(request: RunRequest, run_id: UUID, why: str, label: str, **options: Any) -> None:
    due_at = request.at.isoformat() if request.at else None
    audit.write(
        request.actor,
        "run.enqueue",
        object_type="run",
        object_id=str(run_id),
        object_label=label,
        after={"job": request.job, "params": dict(request.params), "due_at": due_at},
        why=why,
        **options,
    )


def _as_read(row: Row, definition: JobDefinition | None) -> Run:
    """The run of a row that was just inserted, as a query would give it."""
    run = Run(**row)
    run._state.adding, run._state.db = False, connection.alias
    if definition is not None:
        run.definition = definition
    return run


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
    transaction.on_commit(release, robust=True)  # without a transaction: now
