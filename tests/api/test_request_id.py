"""Every request has an id, the client's own where it is a decent one; under WSGI and under ASGI."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import AsyncRequestFactory, RequestFactory

from queues import log_context
from queues.api.request_id import RequestIdMiddleware

seen: list[str] = []
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def through(given: str | None) -> tuple[str, str]:
    """(what the view saw, what the client gets)"""

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(request.request_id)  # type: ignore[attr-defined]

    headers = {} if given is None else {"X-Request-ID": given}
    answer: Any = RequestIdMiddleware(view)(RequestFactory().get("/", headers=headers))
    return answer.content.decode(), answer["X-Request-ID"]


@pytest.mark.parametrize("given", ["a", "order-17.2_b", "Z" * 64])
def test_a_decent_id_is_kept(given: str) -> None:
    assert through(given) == (given, given)


@pytest.mark.parametrize("given", [None, "", "a b", "x" * 65, "a\nb", "ümlaut", "<script>", "a;b", "a\n"])
def test_any_other_is_replaced_by_a_new_one(given: str | None) -> None:
    seen, told = through(given)
    assert seen == told
    assert UUID.fullmatch(told)


def test_the_log_knows_it_for_the_length_of_the_request() -> None:
    RequestIdMiddleware(lambda _: HttpResponse(seen.append(log_context.request_id.get()) or ""))(  # type: ignore[func-returns-value]
        RequestFactory().get("/", headers={"X-Request-ID": "trip-2"})
    )
    assert seen == ["trip-2"] and log_context.request_id.get() == ""


def test_two_requests_have_two_ids() -> None:
    assert through(None) != through(None)


async def _async_view(request: HttpRequest) -> HttpResponse:
    return HttpResponse(log_context.request_id.get())


def test_it_works_under_asgi() -> None:
    import asyncio

    middleware = RequestIdMiddleware(_async_view)

    async def once() -> HttpResponse:
        answer: Any = middleware(AsyncRequestFactory().get("/", headers={"X-Request-ID": "trip-1"}))
        kept: HttpResponse = await answer
        return kept

    answer = asyncio.run(once())
    assert (answer.content, answer["X-Request-ID"]) == (b"trip-1", "trip-1")


@pytest.mark.django_db
def test_answers_and_problems_bear_it(client: Any) -> None:
    answer = client.get("/api/v9", headers={"X-Request-ID": "trip-2"})
    assert (answer["X-Request-ID"], answer.json()["instance"]) == ("trip-2", "trip-2")
    assert UUID.fullmatch(client.get("/healthz")["X-Request-ID"])
