"""ETag, If-None-Match and If-Match: nobody overwrites what somebody else has changed since he read it.

The tag is strong and made of the representation itself, so whatever changes what is told changes the tag, whoever
wrote it. A change locks the row first and compares then: of two at once with the same tag one wins, the other gets 412.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.db.models import QuerySet
from django.http import Http404
from django.utils.http import parse_etags
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

M = TypeVar("M", bound=models.Model)


class PreconditionRequired(APIException):
    """A change without If-Match."""

    status_code = 428
    default_code = "precondition_required"
    default_detail = "Read the object and send its ETag back as If-Match, so that nobody's change is overwritten."


class PreconditionFailed(APIException):
    """A change of what is no more as it was read."""

    status_code = 412
    default_code = "precondition_failed"
    default_detail = (
        "It has changed since you read it: read it again, look at what is different, and repeat the change."
    )


def tag_of(told: Mapping[str, Any]) -> str:
    """The strong ETag of a representation, in its quotes."""
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), cls=DjangoJSONEncoder)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def read(request: Request, told: Mapping[str, Any], shown: Mapping[str, Any]) -> Response:
    """The answer to GET: 304 where the client's If-None-Match names this representation, else the object with its ETag.

    `shown`: what the answer tells of it, be it all or the fields that were asked for."""
    tag = tag_of(told)
    headers = {"ETag": tag}
    known = parse_etags(request.headers.get("If-None-Match", ""))
    if "*" in known or tag in (each.removeprefix("W/") for each in known):
        return Response(status=304, headers=headers)
    return Response(shown, headers=headers)


def changed(told: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The answer to what made or changed an object: the object with its new ETag."""
    return Response(told, status=status, headers={"ETag": tag_of(told), **(headers or {})})


@contextmanager
def held(request: Request, rows: QuerySet[M], pk: Any, told: Callable[[M], Mapping[str, Any]]) -> Iterator[M]:
    """The row, locked in a transaction, if it is as the client has read it. `told`: row → its representation.

    Raises PreconditionRequired, PreconditionFailed, Http404.
    """
    given = parse_etags(request.headers.get("If-Match", ""))
    if not given:
        raise PreconditionRequired
    with transaction.atomic():
        row = rows.select_for_update(of=("self",)).filter(pk=pk).first()
        if row is None:
            raise Http404("It was deleted just now.")
        if "*" not in given and tag_of(told(row)) not in given:
            raise PreconditionFailed
        yield row
