"""Endings are recorded: in batches, each guarded by its lease, with its effects in the same transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import UUID

from queues import failpoints
from queues.ledger import clock, states, webhooks
from queues.ledger.brief import brief
from queues.ledger.crashes import Crashes, after_crash
from queues.ledger.facts import Ending, Finished, LogLine, Progress
from queues.ledger.lease import freeing
from queues.ledger.sql import insert_each, storable, update_each
from queues.ledger.webhook_events import RunEnd
from queues.models import EffectRecord, Run, RunEvent, RunLogLine


def finish(endings: Sequence[Ending], *, slots: Sequence[UUID] = ()) -> list[Finished]:
    """Record endings and free the slots (by token) whose batches are through. One transaction.

    An ending whose run is no longer held under its token (it was rescued meanwhile) changes nothing and is left out of
    the answer. A run with a cancel request does not retry: it ends cancelled. Raises DatabaseError.
    """
    with brief() as talk:
        plain: list[Ending] = []
        others: list[Ending] = []
        for ending in endings:
            (plain if _is_plain(ending) else others).append(ending)
        kept = _record_plain(plain) + _record(others)
        _add_effects(kept)
        insert_each(RunEvent, [event for ending in kept for event in _events(ending)])
        _add_log((e.claim.id, e.claim.attempt + 1, e.log) for e in kept if e.log)
        webhooks.runs_ended((_end(e) for e in kept), known=True)
        failpoints.reach("finish.written")
        if slots:
            talk.close(freeing(slots))
    failpoints.reach("finish.committed")
    return [_finished(ending) for ending in kept]


def note_progress(notes: Sequence[Progress], logs: Iterable[tuple[UUID, int, Sequence[LogLine]]] = ()) -> None:
    """Store runs' latest progress and new log lines; without the lease nothing changes."""
    with brief():
        update_each(
            Run,
            [
                {
                    "pk": n.id,
                    "lease_token": n.token,
                    "progress_done": n.done,
                    "progress_total": n.total,
                    "progress_note": n.note,
                }
                for n in sorted(notes, key=lambda note: note.id)
            ],
            key=("pk", "lease_token"),
        )
        _add_log(logs)


def _is_plain(ending: Ending) -> bool:
    """A first execution that succeeded and left nothing but its result: by far the most, and few columns change."""
    claim = ending.claim
    return (
        ending.state == states.SUCCEEDED
        and claim.attempt == 0
        and claim.crashes == 0
        and ending.progress is None
        and not ending.spend_usd
        and not ending.log_dropped
    )


_SUCCEEDED = (("state", "'succeeded'"), ("attempt", "1"), ("lease_token", "NULL"))
_HELD = (("state", "'running'"),)


def _record_plain(endings: Sequence[Ending]) -> list[Ending]:
    """One statement, guarded by the lease. Returns those that were still held."""
    rows = [
        {
            "pk": e.claim.id,
            "lease_token": e.claim.token,
            "started_at": e.started_at,
            "finished_at": e.finished_at,
            "result__text": _storable(e.result),
        }
        for e in endings
    ]
    recorded = set(update_each(Run, rows, key=("pk", "lease_token"), fixed=_SUCCEEDED, where=_HELD))
    return [ending for ending in endings if ending.claim.id in recorded]


def _storable(result: str | None) -> str | None:
    """JSON that the database can hold: it refuses the escapes of NUL and of half a surrogate pair."""
    if result is None or "\\u" not in result:
        return result
    return json.dumps(storable(json.loads(result)), ensure_ascii=False, separators=(",", ":"))


def _record(endings: Sequence[Ending]) -> list[Ending]:
    """The others: what they become may depend on a cancel request. Returns those that were still held, settled."""
    if not endings:
        return []
    held = {
        run_id: (token, cancel)
        for run_id, token, cancel in Run.objects.select_for_update()
        .filter(id__in=[ending.claim.id for ending in endings], state=states.RUNNING)
        .order_by("id")
        .values_list("id", "lease_token", "cancel_requested_at")
    }
    ours = [_settle(e, held[e.claim.id][1]) for e in endings if held.get(e.claim.id, (None,))[0] == e.claim.token]
    update_each(Run, [_row(ending) for ending in ours])
    return ours


def _settle(ending: Ending, cancel_requested: object) -> Ending:
    """A crash is weighed; and somebody cancelled a run that would retry: then it does not."""
    if ending.crashed:
        return _crashed(ending, cancelled=cancel_requested is not None)
    if cancel_requested is None or ending.state != states.SCHEDULED:
        return ending
    return replace(
        ending, state=states.CANCELLED, retry_at=None, note=ending.note or "Cancelled before the next attempt."
    )


def _crashed(ending: Ending, *, cancelled: bool) -> Ending:
    claim = ending.claim
    after = after_crash(Crashes(claim.attempt + 1, claim.max_attempts, claim.crashes), cancelled=cancelled)
    return replace(
        ending,
        state=after.state,
        claim=replace(claim, max_attempts=after.max_attempts, crashes=after.crashes),
        retry_at=claim.due_at if after.state == states.PENDING else None,
        error_message=f"{ending.error_message} ({after.times})",
    )


def _row(ending: Ending) -> dict[str, object]:
    retried, progress = ending.state in states.LIVE, ending.progress
    return {
        "pk": ending.claim.id,
        "state": ending.state,
        "attempt": ending.claim.attempt + 1,
        "max_attempts": ending.claim.max_attempts,
        "crashes": ending.claim.crashes,
        "due_at": ending.retry_at if retried else ending.claim.due_at,
        "claimed_at": None if retried else ending.claim.claimed_at,
        "started_at": None if retried else ending.started_at,
        "finished_at": None if retried else ending.finished_at,
        "lease_token": None,
        "result__text": _storable(ending.result),
        "error_type": ending.error_type[:200],
        "error_code": ending.error_code[:64],
        "error_message": ending.error_message,
        "error_detail": ending.error_detail,
        "progress_done": progress.done if progress else None,
        "progress_total": progress.total if progress else None,
        "progress_note": progress.note if progress else "",
        "spend_usd": ending.spend_usd,
        "log_dropped": ending.log_dropped,
    }


def _add_effects(endings: Iterable[Ending]) -> None:
    now = clock.now()
    insert_each(
        EffectRecord,
        [
            {
                "key": effect.key,
                "run_id": e.claim.id,
                "job": e.claim.job,
                "result": dict(effect.data),
                "created_at": now,
            }
            for e in endings
            for effect in e.effects
        ],
        ignore_conflicts=True,  # a second one who brings the same fact adds nothing
    )


def _events(ending: Ending) -> Iterable[dict[str, object]]:
    """An ordinary success needs no event: the run's timestamps tell it."""
    kind = {
        states.SCHEDULED: RunEvent.Kind.RETRY,
        states.DEAD: RunEvent.Kind.FAILED,
        states.CANCELLED: RunEvent.Kind.CANCELLED,
    }.get(ending.state)
    if ending.crashed and ending.state != states.CANCELLED:
        kind = RunEvent.Kind.CRASHED
    if kind is not None:
        yield {
            "run": ending.claim.id,
            "at": ending.finished_at,
            "kind": kind,
            "attempt": ending.claim.attempt + 1,
            "actor": "",
            "note": ending.note or ending.error_message,
            "data": {
                "started_at": ending.started_at.isoformat(),
                "error_type": ending.error_type,
                "error_code": ending.error_code,
                "retry_at": ending.retry_at.isoformat() if ending.retry_at else None,
            },
        }


def _end(ending: Ending) -> RunEnd:
    """What webhooks are told of it."""
    claim = ending.claim
    return RunEnd(
        claim.id, claim.job, claim.queue, ending.state, claim.attempt + 1, ending.finished_at, claim.created_at,
        ending.started_at, claim.definition_id, ending.error_type, ending.error_code,
    )  # fmt: skip


def _add_log(logs: Iterable[tuple[UUID, int, Sequence[LogLine]]]) -> None:
    insert_each(
        RunLogLine,
        [
            {"run": run_id, "at": line.at, "attempt": attempt, "level": line.level, "message": line.message}
            for run_id, attempt, lines in logs
            for line in lines
        ],
    )


def _finished(ending: Ending) -> Finished:
    claim = ending.claim
    return Finished(
        id=claim.id,
        job=claim.job,
        queue=claim.queue,
        state=ending.state,
        attempt=claim.attempt + 1,
        created_at=claim.created_at,
        due_at=claim.due_at,
        claimed_at=claim.claimed_at,
        started_at=ending.started_at,
        finished_at=ending.finished_at,
        error_code=ending.error_code,
        error_message=ending.error_message,
    )
