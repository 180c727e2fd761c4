"""The header Idempotency-Key: a POST that got no answer may be sent again and does its work once.

In any endpoint: `told, headers = once_told(request, lambda: …)`, where the answer is JSON; `once_run`, where it is a run;
`once_row`, where it holds a secret.
What is told the first time is kept and told again, to the letter, to whoever comes with the same key and the same body: also
to those who come while the first is still at work, for they wait for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from uuid import UUID

from django.db import models, transaction
from django.db.models import QuerySet
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from queues.api import reads, shapes
from queues.api.answers import RunAnswer
from queues.api.asking import require
from queues.errors import WrongState
from queues.ledger import idempotency
from queues.ledger.idempotency import MAX_KEY, Key
from queues.ledger.requests import new_id
from queues.models import Run

M = TypeVar("M", bound=models.Model)
Told = dict[str, Any]
HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
PATTERN = f"[\\x21-\\x7E]{{1,{MAX_KEY}}}"  # visible ASCII
_GOOD = re.compile(PATTERN)
_WRONG = f"Send 1 to {MAX_KEY} visible ASCII characters without spaces, e.g. a UUID, or leave the header out."


class AnswerGone(WrongState):
    """The key counts still, but what it was answered with cannot be told any more."""

    code = "gone"
    permanent = True


def once_told(
    request: Request, act: Callable[[], Told], still: Callable[[Told], None] = lambda kept: None
) -> tuple[Told, dict[str, str]]:
    """What `act` tells, or what it told the first time for the same key; and the answer's headers.

    `act` runs in the key's transaction, so what fails leaves the key free. Another user's keys are others. The first
    answer is given whatever has changed since; `still` raises for whom it is closed by now. Without the header, `act`
    alone decides. Raises ValidationError (the header), IdempotencyConflict, AnswerGone, and what `act` and `still` raise.
    """
    key = _key_of(request)
    if key is None:
        return act(), {}
    with transaction.atomic():
        if idempotency.take(key, new_id()) is None:
            told = _plain(act())
            # as text: a database's own JSON would put the names into another order
            idempotency.keep_answer(key, json.dumps(told, separators=(",", ":")))
            return told, {}
    text = idempotency.kept_answer(key)
    if not isinstance(text, str):  # an older version's
        raise AnswerGone(
            f"The answer to the idempotency key {key.key!r} is not known any more. Nothing was done twice."
        )
    kept: Told = json.loads(text)
    still(kept)
    return kept, {REPLAYED: "true"}


def once_run(request: Request, act: Callable[[], Run]) -> tuple[Told, dict[str, str]]:
    """As `once_told`, for RunAnswer of the run that `act` makes or changes; its queue must be open to this user by now."""
    return once_told(request, lambda: shapes.told(RunAnswer, reads.told(act())), open_to(request))


def once_row(request: Request, act: Callable[[], M], rows: QuerySet[M]) -> tuple[M, dict[str, str]]:
    """For an answer that holds a secret, which must not be kept: the row that `act` makes or changes, or, as it is by now,
    the one of the first answer out of `rows`.

    The caller must ask the row's right itself. Raises as `once_told`, and AnswerGone where the row is deleted.
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
        raise AnswerGone(
            f"What the idempotency key {key.key!r} was answered with is deleted. Take a new key to make it anew."
        )
    return found, {REPLAYED: "true"}


def open_to(request: Request) -> Callable[[Told], None]:
    """For `still`: the queue that a kept answer names must be open to this user by now. Raises NotAllowed."""
    return lambda kept: require(request.user, kept["queue"])


def _plain(told: Mapping[str, Any]) -> Told:
    """As it is read out of an answer."""
    plain: Told = json.loads(JSONRenderer().render(told))
    return plain


def _key_of(request: Request) -> Key | None:
    """The user's key with the fingerprint of method, path and parsed body; None without the header."""
    given = request.headers.get(HEADER)
    if given is None:
        return None
    if not _GOOD.fullmatch(given):
        raise ValidationError({HEADER: [ErrorDetail(_WRONG, "bad_key")]})
    asked = {"method": request.method, "path": request.path, "body": request.data}
    return Key(f"api:{request.user.pk}", given, idempotency.fingerprint(asked))
