"""The header Idempotency-Key: a POST that got no answer may be sent again and does its work once.

In any endpoint whose answer is a run: `run, headers = once(request, lambda: …)`; where it is another one:
`answer, headers = once_told(request, lambda: …)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from django.db import models, transaction
from django.db.models import QuerySet
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request

from queues.api.asking import require
from queues.errors import WrongState
from queues.ledger import idempotency
from queues.ledger.idempotency import MAX_KEY, Key
from queues.ledger.requests import new_id
from queues.models import Run

M = TypeVar("M", bound=models.Model)
HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
PATTERN = f"[\\x21-\\x7E]{{1,{MAX_KEY}}}"  # visible ASCII
_GOOD = re.compile(PATTERN)
_WRONG = f"Send 1 to {MAX_KEY} visible ASCII characters without spaces, e.g. a UUID, or leave the header out."


class RowGone(WrongState):
    """The key counts still, but what it was answered with is deleted."""

    code = "gone"
    permanent = True


def once(request: Request, act: Callable[[], Run]) -> tuple[Run, dict[str, str]]:
    """The run that `act` makes or changes, or the one of the first answer to the same key; and the answer's headers.

    `act` runs in the key's transaction, so what fails leaves the key free. Another user's keys are others. The first
    answer is given whatever has changed since (a time that has come, a definition that is off), but not to whom the
    run's queue is closed by now. Without the header, `act` alone decides.

    Raises ValidationError (the header), IdempotencyConflict, RunGone, NotAllowed, and what `act` raises.
    """
    key = _key_of(request)
    if key is None:
        return act(), {}
    with transaction.atomic():
        first = idempotency.take(key, new_id())  # a place-holder: the run is not known yet
        if first is None:
            run = act()
            idempotency.settle(key, run.pk)
            return run, {}
    found = Run.objects.select_related("definition", "schedule").filter(pk=first).first()
    if found is None:
        raise idempotency.gone(key)
    require(request.user, found.queue)
    return found, {REPLAYED: "true"}


def once_row(request: Request, act: Callable[[], M], rows: QuerySet[M]) -> tuple[M, dict[str, str]]:
    """As `once`, where the answer is another row than a run: `act` makes or changes it, `rows` is where it is found again.

    The caller must ask the row's right itself. Raises ValidationError (the header), IdempotencyConflict, RowGone, and
    what `act` raises.
    """
    key = _key_of(request)
    if key is None:
        return act(), {}
    with transaction.atomic():
        first = idempotency.take(key, new_id())
        if first is None:
            row = act()
            # such a row's number, in the place of a run's id
            idempotency.settle(key, row.pk if isinstance(row.pk, UUID) else UUID(int=row.pk))
            return row, {}
    by_id = isinstance(rows.model._meta.pk, models.UUIDField)
    found = rows.filter(pk=first if by_id else first.int).first()
    if found is None:
        raise RowGone(
            f"What the idempotency key {key.key!r} was answered with is deleted. Take a new key to make it anew."
        )
    return found, {REPLAYED: "true"}


def once_told(
    request: Request, act: Callable[[], dict[str, Any]], still: Callable[[dict[str, Any]], None] = lambda answer: None
) -> tuple[dict[str, Any], dict[str, str]]:
    """As `once`, for an answer that is JSON and no run: it is kept as it was given first. `act` answers with plain JSON.

    `still` raises for whom a kept answer is closed by now. Raises ValidationError (the header), IdempotencyConflict, and
    what `act` and `still` raise.
    """
    key = _key_of(request)
    if key is None:
        return act(), {}
    with transaction.atomic():
        if idempotency.take(key, new_id()) is None:
            told = act()
            idempotency.keep_answer(key, told)
            return told, {}
    kept = idempotency.kept_answer(key)
    if not isinstance(kept, dict):
        raise idempotency.gone(key)
    still(kept)
    return kept, {REPLAYED: "true"}


def _key_of(request: Request) -> Key | None:
    """The user's key with the fingerprint of method, path and parsed body; None without the header."""
    given = request.headers.get(HEADER)
    if given is None:
        return None
    if not _GOOD.fullmatch(given):
        raise ValidationError({HEADER: [ErrorDetail(_WRONG, "bad_key")]})
    asked = {"method": request.method, "path": request.path, "body": request.data}
    return Key(f"api:{request.user.pk}", given, idempotency.fingerprint(asked))
