"""Django under ASGI with one change of threads a request.

Django's own handler runs each synchronous middleware, signal and view by itself in another thread and comes back to the
event loop in between, more than twenty times a request, and makes that thread anew, with a new database connection
object, for every request. All that we have is synchronous, so here a request is handed to a standing thread once, which
does what a WSGI server's thread would do, and the event loop sends what it made.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import IO, Any

from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.http import FileResponse
from django.urls import set_script_prefix

from project.headers import put
from queues import log_context
from queues.api.request_id import HEADER

THREADS = 10


class OneHopHandler(ASGIHandler):
    """An ASGI application. `threads`: how many requests are worked on at once; more of them wait for their turn.

    Middleware, views and receivers of signals run in those threads, where asynchronous views work, too. An answer with an
    asynchronous stream is sent from the event loop until it ends or the client is gone. One with `later`, an asynchronous
    function, is given to it before it is sent: so an answer may be waited for without a thread (see queues.api.prefer).
    """

    def __init__(self, threads: int = THREADS) -> None:
        self._threads = ThreadPoolExecutor(threads, "web")
        super().__init__()

    def load_middleware(self, is_async: bool = False) -> None:
        """The synchronous chain, whatever is asked for."""
        super().load_middleware(is_async=False)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise ValueError(f"Only HTTP is served here, not {scope['type']}.")
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        with closing(body):
            response = await asyncio.get_running_loop().run_in_executor(self._threads, self._answer, scope, body)
        log_context.request_id.set(response.headers.get(HEADER, ""))  # what is logged while it is sent is about it
        if response.streaming:  # it may never end by itself
            await self._until_gone(self.send_response(response, send), receive)
        elif hasattr(response, "later"):
            await self._until_gone(self._send_later(response, send), receive)
        else:
            await self.send_response(response, send)

    def _answer(self, scope: Any, body: IO[bytes]) -> Any:
        """The whole of a request: what is left to do is to send it, and no database connection is held any more."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        request, refusal = self.create_request(scope, body)
        if request is not None:
            request.waits_later = True  # type: ignore[attr-defined]  # an answer with `later` is waited for
        response: Any = refusal if request is None else self.get_response(request)
        if request is None:
            put(response)  # no middleware has seen it
        response._handler_class = self.__class__  # the sender of request_finished
        if isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        try:
            if response.streaming and not response.is_async:
                response.streaming_content = _one_by_one(list(response.streaming_content))  # read here, as Django does
        finally:
            response.close()
        return response

    async def _send_later(self, response: Any, send: Any) -> None:
        await response.later(response)
        await self.send_response(response, send)

    async def _until_gone(self, work: Coroutine[Any, Any, None], receive: Any) -> None:
        """Do it unless the client leaves before. Raises what it raises."""
        sending = asyncio.ensure_future(work)
        gone = asyncio.ensure_future(self.listen_for_disconnect(receive))
        try:
            await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            sending.cancel()
            gone.cancel()
            await asyncio.gather(sending, gone, return_exceptions=True)


async def _one_by_one(parts: list[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
