"""Django under ASGI in one hop: a request's whole work is done in one thread, and streams end with their client."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.test import override_settings
from django.urls import path, reverse

from project.one_hop import OneHopHandler

seen: list[str] = []


def note() -> None:
    seen.append(threading.current_thread().name)


def plain(request: HttpRequest) -> HttpResponse:
    note()
    answer = HttpResponse(request.body[::-1] + reverse("plain").encode(), status=201)
    answer.set_cookie("taste", "sweet")
    return answer


async def asynchronous(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    return HttpResponse(b"later")


def parts(request: HttpRequest) -> HttpResponseBase:
    def made() -> Iterator[bytes]:
        for part in (b"a", b"b", b"c"):
            note()
            yield part

    return StreamingHttpResponse(made())


def endless(request: HttpRequest) -> HttpResponseBase:
    async def ticks() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"tick"
                await asyncio.sleep(0.001)
        finally:
            seen.append("ended")

    return StreamingHttpResponse(ticks())


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("secrets of the house")


urlpatterns = [
    path("plain", plain, name="plain"), path("later", asynchronous), path("parts", parts), path("endless", endless),
    path("broken", broken),
]  # fmt: skip


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    """This file's pages, without middleware that asks a database."""
    seen.clear()
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=["django.middleware.common.CommonMiddleware"]):
        yield


async def ask(handler: Any, where: str, body: bytes = b"", leave_after: int | None = None, root: str = "") -> list[Any]:
    """What was sent. The client leaves after so many messages."""
    sent: list[Any] = []
    left, messages = asyncio.Event(), [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        if messages:
            return messages.pop()
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)
        if leave_after is not None and len(sent) >= leave_after:
            left.set()

    headers = [(b"host", b"testserver"), (b"content-length", str(len(body)).encode())]
    scope = {
        "type": "http", "method": "POST", "path": root + where, "root_path": root, "query_string": b"", "headers": headers,
        "scheme": "http", "client": ("127.0.0.1", 1),
    }  # fmt: skip
    await asyncio.wait_for(handler(scope, receive, send), 10)
    return sent


def told(sent: list[Any]) -> tuple[int, bytes]:
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def test_an_answer_has_its_status_body_headers_and_cookies() -> None:
    sent = asyncio.run(ask(OneHopHandler(1), "/plain", b"abc"))
    assert told(sent) == (201, b"cba/plain")
    names = {name.lower(): value for name, value in sent[0]["headers"]}
    assert names[b"content-length"] == b"9" and names[b"set-cookie"].startswith(b"taste=sweet")


def test_a_prefix_of_one_request_is_not_the_next_ones() -> None:
    handler = OneHopHandler(1)

    async def both() -> list[bytes]:
        return [told(await ask(handler, "/plain", root=root))[1] for root in ("/house", "")]

    assert asyncio.run(both()) == [b"/house/plain", b"/plain"]


@pytest.mark.parametrize("where", ["/plain", "/parts"])
def test_signals_view_and_stream_are_in_one_thread(where: str) -> None:
    """So the database connection that the view took is given back."""

    def receiver(**told: Any) -> None:
        note()

    for signal in (request_started, request_finished):
        signal.connect(receiver)
    try:
        asyncio.run(ask(OneHopHandler(4), where))
    finally:
        for signal in (request_started, request_finished):
            signal.disconnect(receiver)
    assert len(seen) >= 3 and len(set(seen)) == 1 and seen[0].startswith("web")


def test_as_many_requests_are_worked_on_at_once_as_there_are_threads() -> None:
    handler = OneHopHandler(2)

    async def many() -> list[tuple[int, bytes]]:
        return [told(sent) for sent in await asyncio.gather(*[ask(handler, "/plain", b"x") for _ in range(20)])]

    assert asyncio.run(many()) == [(201, b"x/plain")] * 20
    assert len(set(seen)) <= 2


def test_a_stream_arrives_in_order() -> None:
    assert told(asyncio.run(ask(OneHopHandler(1), "/parts"))) == (200, b"abc")


def test_an_endless_stream_ends_when_its_client_leaves() -> None:
    sent = asyncio.run(ask(OneHopHandler(1), "/endless", leave_after=5))
    assert sent[0]["status"] == 200 and len(sent) >= 5
    assert seen == ["ended"]


def test_an_asynchronous_view_works_too() -> None:
    assert told(asyncio.run(ask(OneHopHandler(1), "/later"))) == (200, b"later")


def test_a_view_that_fails_is_500_and_tells_nothing_of_the_inside() -> None:
    status, body = told(asyncio.run(ask(OneHopHandler(1), "/broken")))
    assert status == 500 and b"secrets" not in body


def test_a_client_that_leaves_before_its_body_is_there_is_answered_nothing() -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(OneHopHandler(1)({"type": "http", "method": "GET", "path": "/plain", "headers": []}, receive, send))
    assert sent == [] and seen == []


def test_what_is_no_http_is_refused() -> None:
    with pytest.raises(ValueError, match="websocket"):
        asyncio.run(OneHopHandler(1)({"type": "websocket"}, None, None))
