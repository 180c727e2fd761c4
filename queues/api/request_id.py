"""Every request has an id, shown in its answer, in problems, in the log, in the audit log and on the runs it asked for."""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from queues import log_context

HEADER = "X-Request-ID"
_GOOD = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)

GetResponse = Callable[[HttpRequest], HttpResponseBase] | Callable[[HttpRequest], Awaitable[HttpResponseBase]]


def request_id_of(request: object) -> str:
    """The id of a Django or DRF request; "" where the middleware did not run."""
    return str(getattr(request, "request_id", ""))


class RequestIdMiddleware:
    """Takes the client's X-Request-ID if it is 1 to 64 of `A-Za-z0-9._-`, else makes one. Under ASGI and WSGI."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._async = iscoroutinefunction(get_response)
        if self._async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        given = request.headers.get(HEADER, "")
        request_id = given if _GOOD.fullmatch(given) else str(uuid.uuid4())
        request.request_id = request_id  # type: ignore[attr-defined]
        with log_context.about(log_context.request_id, request_id):
            answer = self.get_response(request)
        if isinstance(answer, HttpResponseBase):
            return _marked(answer, request_id)
        return _later(answer, request_id)


async def _later(answer: Awaitable[HttpResponseBase], request_id: str) -> HttpResponseBase:
    with log_context.about(log_context.request_id, request_id):
        return _marked(await answer, request_id)


def _marked(response: HttpResponseBase, request_id: str) -> HttpResponseBase:
    response.headers[HEADER] = request_id
    return response
