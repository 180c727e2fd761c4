"""GET /api/v1/runs/{id}/stream: a run's life as Server-Sent Events until it ends.

The request's thread is done when the stream begins: the event loop sends what the hub finds. A server without an event
loop (WSGI) would keep a thread, so there each answer tells what there is and ends, and the client comes again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

from queues.api import reads, run_examples, run_telling
from queues.api.bearer import family_of
from queues.api.hub import MOST, Hub, Listener, Places, hub, places
from queues.api.openapi import problems
from queues.api.run_detail import RUN_ID, TAGS, OneRun
from queues.ledger import states
from queues.watch.listeners import Badge
from queues.watch.run_news import Wanted, look

MEDIA_TYPE = "text/event-stream"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
LAST_ID = OpenApiParameter(
    "Last-Event-ID",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    pattern=r"^\d{1,18}(\.end)?$",
    description="The id of the last event that you have: lines up to it are not told again.",
)


class TooManyStreams(APIException):
    """An account listens to too much at once."""

    status_code = 429
    default_code = "too_many_streams"
    default_detail = (
        f"You listen to {MOST} runs already, or others take every place: end a stream, or ask now and then."
    )
    wait = 15


class Events(BaseRenderer):
    """For the negotiation alone: the stream is not rendered."""

    media_type, format, charset = MEDIA_TYPE, "events", "utf-8"

    def render(self, data: Any, media_type: str | None = None, context: Mapping[str, Any] | None = None) -> bytes:
        return b""


class Stream(OneRun):
    renderer_classes = [Events, JSONRenderer]  # type: ignore[list-item]

    @extend_schema(
        operation_id="stream_run",
        summary="A run's state, progress and log lines as they come, until it ends",
        description=(
            "Server-Sent Events: `state`, `progress`, `log`, and `end` with the result or error, after which the stream "
            "is over; `closed` where the run is not yours to see any more. Looked for once a second; a comment every 15 "
            "seconds of silence. After ten minutes, or when your token ends, it is over: come again with `Last-Event-ID`. "
            f"204 where you have heard the end. At most {MOST} streams at once."
        ),
        tags=TAGS,
        parameters=[RUN_ID, LAST_ID],
        responses={
            (200, MEDIA_TYPE): OpenApiResponse(OpenApiTypes.STR, description="Events, one after the other."),
            204: OpenApiResponse(None, description="You have heard the end of it: there is nothing more to come."),
            **problems(401, 404, 422),
        },
        examples=[run_examples.STREAM],
    )
    def get(self, request: Request, run_id: UUID) -> HttpResponseBase:
        run = reads.readable(request.user, run_id)
        after, heard = _last(request)
        if heard and run.state not in states.LIVE:
            return HttpResponse(status=204, headers=HEADERS)
        if request.method == "HEAD":
            return HttpResponse(content_type=MEDIA_TYPE, headers=HEADERS)
        wanted = Wanted(run.pk, _badge(request), after)
        if not hasattr(request._request, "scope"):
            return _once(wanted)
        if not places.is_free(wanted.badge.user_id):
            raise TooManyStreams
        events = stream(wanted, places, seconds=_left_s(request))
        return StreamingHttpResponse(events, content_type=MEDIA_TYPE, headers=HEADERS)


async def stream(wanted: Wanted, room: Places, seconds: float, of: Hub | None = None) -> AsyncIterator[bytes]:
    """The events of a run, until it ends, may not be seen any more, or the time is over. Its place is given back."""
    of, loop = of or hub(), asyncio.get_running_loop()
    if not room.take(wanted.badge.user_id):
        yield run_telling.COME_AGAIN
        return
    listener, teller = Listener(wanted), run_telling.Teller(wanted.after)
    ends_s = loop.time() + min(seconds, of.pace.lasts_s)
    of.join(listener)
    try:
        yield run_telling.BEGIN
        said_s = loop.time()
        while (now_s := loop.time()) < ends_s:
            silence_s = said_s + of.pace.heartbeat_s - now_s
            if silence_s <= 0:
                yield run_telling.HEARTBEAT
                said_s = loop.time()
                continue
            try:
                news = await asyncio.wait_for(listener.next(), min(silence_s, ends_s - now_s))
            except TimeoutError:
                continue
            for event in teller.tell(news):
                yield event
                said_s = loop.time()
            if news.ended or not news.allowed or news.run is None:
                return
        yield run_telling.COME_AGAIN
    finally:
        of.leave(listener)
        room.give_back(wanted.badge.user_id)


def _once(wanted: Wanted) -> HttpResponse:
    """What there is now; the client comes again for the rest."""
    (news,) = look([wanted])
    told = [run_telling.BEGIN, *run_telling.Teller(wanted.after).tell(news)]
    if not news.ended:
        told.append(run_telling.COME_AGAIN)
    return HttpResponse(b"".join(told), content_type=MEDIA_TYPE, headers=HEADERS)


def _last(request: Request) -> tuple[int, bool]:
    found = run_telling.last_id(request.headers.get("Last-Event-ID", "0"))
    if found is None:
        wrong = "This is no id of an event of ours: send the last one that you have, or leave the header out."
        raise ValidationError({"Last-Event-ID": [ErrorDetail(wrong, "bad_event_id")]})
    return found


def _badge(request: Request) -> Badge:
    """What the client came in with, to be looked at again and again."""
    user: Any = request.user
    prefix = getattr(request.auth, "prefix", None)
    if prefix is not None:
        return Badge(user.pk, key=prefix)
    return Badge(user.pk, password=user.password, family=family_of(request.auth))


def _left_s(request: Request) -> float:
    """How long the token is good for: the next request shows whether there is another one. A key is looked at anyway."""
    token: Any = request.auth
    return float("inf") if hasattr(token, "prefix") else max(1.0, token["exp"] - time.time())
