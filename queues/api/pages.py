"""Lists in pages: by a cursor, so that a row that comes or goes meanwhile neither repeats nor hides another.

asked = asked_of(MyQuery, request)              # MyQuery(PageQuery): the list's own filters
page = page_of(request, rows, asked, "-id")     # rows: a queryset of what this user may see
return answer(page, MyItem, [told(row) for row in page.rows], asked)
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError as Invalid
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q, QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from queues.api import shapes
from queues.api.fields import Strict, Texts

MOST, USUAL = 200, 50
M = TypeVar("M", bound=models.Model)
First = Callable[[QuerySet[M], int], QuerySet[M]]
Serializer = serializers.Serializer[Any]
_NO_CURSOR = "This is no cursor of this list: take `next` of an answer as it is, or leave it out for the first page."


class FieldsQuery(Strict):
    """What any read of objects may be asked with."""

    fields = serializers.CharField(  # type: ignore[assignment]
        required=False, max_length=500, help_text="Only these fields of each object, joined by commas, e.g. id,name."
    )


class PageQuery(FieldsQuery):
    """What any list may be asked with; a list's own filters are added in a subclass."""

    limit = serializers.IntegerField(min_value=1, max_value=MOST, default=USUAL, help_text="How many at most.")
    cursor = serializers.CharField(
        required=False, max_length=600, help_text="Where the page begins; it is in `next` of the page before."
    )


@dataclass(frozen=True)
class Page(Generic[M]):
    """The rows of one page, and the path of the next one; None where there are no more."""

    rows: list[M]
    next: str | None


def asked_of(kind: type[Strict], request: Request) -> dict[str, Any]:
    """The query string's values, as `kind` says; a misspelt name is refused. Raises ValidationError."""
    return shapes.given(kind, Texts(request.query_params.dict()))


def page_of(
    request: Request, rows: QuerySet[M], asked: Mapping[str, Any], *order: str, first: First[M] | None = None
) -> Page[M]:
    """The page that `asked` (of a PageQuery) names. `order`: columns that together are unique and never null, all
    upwards or, each with a minus, all downwards. `first`: (rows from the page's beginning on, how many at most) → no more
    than these, for lists of which it knows a shorter way. One query. Raises ValidationError (a cursor that is none)."""
    names, down = [name.removeprefix("-") for name in order], order[0].startswith("-")
    limit: int = asked["limit"]
    if asked.get("cursor"):
        rows = rows.filter(_beyond(names, _read(rows.model, names, asked["cursor"]), down))
    if first is not None:
        rows = first(rows, limit + 1)
    found = list(rows.order_by(*order)[: limit + 1])
    if len(found) <= limit:
        return Page(found, None)
    cursor = _written([getattr(found[limit - 1], name) for name in names])
    query = request.query_params.copy()
    query["cursor"] = cursor
    return Page(found[:limit], f"{request.path}?{query.urlencode()}")


def answer(
    page: Page[Any], kind: type[Serializer], told: Iterable[dict[str, Any]], asked: Mapping[str, Any]
) -> Response:
    """`{"items": […], "next": …}` with the next page in the header Link too (RFC 8288). Raises ValidationError."""
    wanted = wanted_of(kind, asked)
    items = [shapes.told(kind, each, wanted) for each in told]
    headers = {"Link": f'<{page.next}>; rel="next"'} if page.next else {}
    return Response({"items": items, "next": page.next}, headers=headers)


def cut(kind: type[Serializer], whole: dict[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """An object as `kind` has told it, with no more than the fields that were asked for. Raises ValidationError."""
    return _cut(whole, wanted_of(kind, asked))


def wanted_of(kind: type[Serializer], asked: Mapping[str, Any]) -> frozenset[str]:
    """The names in `fields`; empty: all of them. Raises ValidationError for one that `kind` has not."""
    wanted = [name for name in (part.strip() for part in asked.get("fields", "").split(",")) if name]
    known = shapes.names(kind) if wanted else ()
    if strange := [name for name in wanted if name not in known]:
        message = f"There is no field {', '.join(strange)}. The fields are: {', '.join(known)}."
        raise serializers.ValidationError({"fields": [serializers.ErrorDetail(message, "unknown")]})
    return frozenset(wanted)


def _cut(whole: dict[str, Any], wanted: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in whole.items() if name in wanted} if wanted else whole


def _beyond(names: Sequence[str], values: Sequence[Any], down: bool) -> Q:
    """What comes after these values, column by column."""
    beyond, same = Q(), Q()
    for name, value in zip(names, values, strict=True):
        beyond |= same & Q(**{f"{name}__{'lt' if down else 'gt'}": value})
        same &= Q(**{name: value})
    return beyond


def _written(values: Sequence[Any]) -> str:
    text = json.dumps(values, cls=_Exact, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(model: type[models.Model], names: Sequence[str], cursor: str) -> list[Any]:
    """A cursor's values. It is no secret and no permission: the rows are filtered by what the user may see anyway."""
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(values, list) or len(values) != len(names) or any(isinstance(v, list | dict) for v in values):
            raise ValueError("not of this list")
        fields: list[Any] = [model._meta.get_field(name) for name in names]
        read = [field.to_python(value) for field, value in zip(fields, values, strict=True)]
        if any(value is None or "\0" in str(value) or _naive(value) for value in read):
            raise ValueError("not of this list")
    except (ValueError, TypeError, OverflowError, RecursionError, Invalid):
        wrong = serializers.ErrorDetail(_NO_CURSOR, "bad_cursor")
        raise serializers.ValidationError({"cursor": [wrong]}) from None
    return read


def _naive(value: Any) -> bool:
    return isinstance(value, datetime) and value.tzinfo is None


class _Exact(DjangoJSONEncoder):
    """Django's encoder cuts microseconds off, and a row could come twice."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if hasattr(o, "isoformat") else super().default(o)
