"""A caller's key counts once: who comes again with the same contents gets the first answer.

The record is inserted before the run, in the same transaction. Whoever brings the same key meanwhile waits at that
insert (on SQLite, at the transaction's begin) until the first has committed, or takes its place if it rolled back.
So there is one run at most, and a request that failed leaves its key free.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from uuid import UUID

from django.utils.crypto import salted_hmac

from queues import registry
from queues.contract import Json, RunRef, RunRequest
from queues.errors import IdempotencyConflict, WrongState
from queues.ledger import clock
from queues.ledger.create import create
from queues.models import IdempotencyRecord, Run

KEPT_DAYS = 7
"""How long a key counts at least. The job queues.clean_history deletes what is older; then the key is free again."""

MAX_KEY = 255
# Who asks, why and from where is no part of what is asked.
_UNASKED = {"job", "actor", "why", "parent_id", "schedule_id", "fire_at", "idempotency_key"}


class RunGone(WrongState):
    """The key counts still, but the run that it was answered with is past its retention."""

    code = "run_gone"
    permanent = True


@dataclass(frozen=True)
class Key:
    """Whose key ("api:42", "job:billing.close_month"), the key, and the fingerprint of what was asked with it.

    Raises ValueError unless the key has 1 to 255 characters, none of them NUL.
    """

    scope: str
    key: str
    fingerprint: str

    def __post_init__(self) -> None:
        if not 1 <= len(self.key) <= MAX_KEY or "\0" in self.key:
            raise ValueError(f"An idempotency key has 1 to {MAX_KEY} characters and no NUL, unlike {self.key[:300]!r}.")


def fingerprint(contents: Json) -> str:
    """64 hex digits of the contents as canonical JSON: the order of names and white space do not matter, every value and
    its type (1, 1.0, true, "1") does. Keyed, so that nobody who reads it can try what was asked."""
    text = json.dumps(contents, sort_keys=True, separators=(",", ":"))
    return salted_hmac(__name__, text, algorithm="sha256").hexdigest()


def key_of(request: RunRequest) -> Key | None:
    """The key of a request, within its job (an alias means the same job); None without one. Raises ValueError.

    What was asked is the parameters and every option as they were given: a default that changes later changes nothing.
    """
    if request.idempotency_key is None:
        return None
    spec = registry.get(request.job)
    job = spec.name
    options = {each.name: getattr(request, each.name) for each in fields(request) if each.name not in _UNASKED}
    given = {name: _plain(value) for name, value in options.items() if value is not False and value not in (None, "")}
    if spec.sealed:
        given["params"] = spec.opened(request.params)  # (the same whichever key they are sealed with)
    return Key(f"job:{job}", request.idempotency_key, fingerprint({"job": job, **given}))


def first_answer(key: Key) -> UUID | None:
    """The run that the key was answered with; None while it is free. Raises IdempotencyConflict."""
    kept = IdempotencyRecord.objects.filter(scope=key.scope, key=key.key).values_list("run_id", "fingerprint").first()
    if kept is None:
        return None
    if kept[1] != key.fingerprint:
        raise IdempotencyConflict(
            f"The idempotency key {key.key!r} came before with other contents. "
            "Repeat the first request as it was, or take a new key for a new one."
        )
    return kept[0]


def take(key: Key, run_id: UUID) -> UUID | None:
    """Keep, in the caller's transaction, that the key is answered with this run: one that is about to be inserted.

    None where the key was free; else the run of the first answer. Waits for another transaction that holds the key.
    Raises IdempotencyConflict.
    """
    for _ in range(10):
        record = IdempotencyRecord(
            scope=key.scope, key=key.key, fingerprint=key.fingerprint, run_id=run_id, created_at=clock.now()
        )
        IdempotencyRecord.objects.bulk_create([record], ignore_conflicts=True)
        first = first_answer(key)
        if first is not None:
            return None if first == run_id else first
        # its days ended between the two statements: try to be the next
    raise RuntimeError(f"The idempotency key {key.key!r} is deleted faster than it can be inserted.")


def settle(key: Key, run_id: UUID) -> None:
    """The answer became another run than the one that `take` was told. In the same transaction."""
    IdempotencyRecord.objects.filter(scope=key.scope, key=key.key).update(run_id=run_id)


def keep_answer(key: Key, answer: Json) -> None:
    """What the key is answered with, where that is no run. In the transaction of `take`."""
    IdempotencyRecord.objects.filter(scope=key.scope, key=key.key).update(answer=answer)


def kept_answer(key: Key) -> Json:
    """What `keep_answer` kept."""
    found: Json = IdempotencyRecord.objects.values_list("answer", flat=True).get(scope=key.scope, key=key.key)
    return found


def create_once(
    requests: Sequence[RunRequest], runs: Sequence[Run], create: Callable[[Sequence[Run]], list[RunRef]] = create
) -> list[RunRef]:
    """As `create`; a run whose key was answered before is not inserted: its answer is the first one, `created=False`.

    Raises IdempotencyConflict, RunGone, ValueError (a key that is none).
    """
    keys = [key_of(request) for request in requests]
    plain = iter(create([run for key, run in zip(keys, runs, strict=True) if key is None]))
    return [next(plain) if key is None else _create_once(key, run, create) for key, run in zip(keys, runs, strict=True)]


def _create_once(key: Key, run: Run, create: Callable[[Sequence[Run]], list[RunRef]]) -> RunRef:
    first = take(key, run.id)
    if first is not None:
        state = Run.objects.filter(pk=first).values_list("state", flat=True).first()
        if state is None:
            raise gone(key)
        return RunRef(first, state, created=False)
    (ref,) = create([run])
    if ref.id != run.id:  # a live run with the same dedupe key answered, or a result that is reused
        settle(key, ref.id)
    return ref


def gone(key: Key) -> RunGone:
    """The error for a first answer whose run is no more."""
    return RunGone(
        f"The idempotency key {key.key!r} was answered with a run that is deleted, its retention being over. "
        "It was not run again; if it shall be, take a new key."
    )


def _plain(value: Json | datetime) -> Json:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
