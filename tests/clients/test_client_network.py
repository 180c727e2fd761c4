"""What is lost is asked for again where that is safe; what is told to wait waits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest
from roundsman_client import ApiError, Client, Unreachable
from roundsman_client.errors import retry_after_s

from queues.models import Run

from .conftest import JOB, Naps
from .faults import LosesAnswers, Refuses

SignedIn = Callable[..., Client]
JOBS, RUNS = "/api/v1/queue/jobs", "/api/v1/runs"


def test_a_lost_answer_makes_no_second_run(signed_in: SignedIn) -> None:
    way, naps = LosesAnswers(JOBS, times=2), Naps()
    run = signed_in(transport=way, sleep=naps).run_job(JOB, {"tons": 3})
    assert way.sent == 3 and naps.took_s == [0.5, 1.0]
    assert [str(each.pk) for each in Run.objects.all()] == [run.id]


def test_what_has_no_key_is_not_sent_again(signed_in: SignedIn) -> None:
    way = LosesAnswers("/api/v1/queue/billing/pause")
    with pytest.raises(Unreachable, match="try again"):
        signed_in(transport=way, sleep=Naps()).pause_queue("billing", "A test")
    assert way.sent == 1


@pytest.mark.parametrize("status", [429, 503])
def test_who_is_told_to_wait_waits_so_long_and_asks_again(signed_in: SignedIn, status: int) -> None:
    way, naps = Refuses(status, 2, JOBS, {"Retry-After": "7"}), Naps()
    run = signed_in(transport=way, sleep=naps).run_job(JOB, {"tons": 3})
    assert naps.took_s == [7.0, 7.0] and run.state == "pending"


def test_waiting_has_a_bound(signed_in: SignedIn) -> None:
    way, naps = Refuses(503, 99, RUNS, {"Retry-After": "25"}), Naps()
    with pytest.raises(ApiError) as busy:
        list(signed_in(transport=way, sleep=naps).runs())
    assert naps.took_s == [25.0, 25.0]
    assert (busy.value.status, busy.value.code, busy.value.retry_after_s) == (503, "http_503", 25.0)


def test_nobody_there_is_told_with_the_address() -> None:
    with (
        Client("http://127.0.0.1:1", token="x", sleep=Naps()) as client,
        pytest.raises(Unreachable, match=r"http://127\.0\.0\.1:1 cannot be reached"),
    ):
        client.status()


def test_a_redirect_is_not_followed_with_the_token() -> None:
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.host)
        return httpx.Response(301, headers={"Location": "https://elsewhere.example/"})

    with (
        Client("http://roundsman.example", token="x", transport=httpx.MockTransport(answer)) as client,
        pytest.raises(ApiError, match=r"points to https://elsewhere\.example/"),
    ):
        client.status()
    assert seen == ["roundsman.example"]


def test_a_next_page_elsewhere_is_not_asked_for() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"items": [], "next": "//elsewhere.example/api"})

    with (
        Client("http://roundsman.example", token="x", transport=httpx.MockTransport(answer)) as client,
        pytest.raises(ValueError, match="not on this server"),
    ):
        list(client.runs())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("12", 12.0),
        ("Thu, 26 Nov 2026 00:00:30 GMT", 30.0),
        ("Wed, 25 Nov 2026 00:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_comes_in_seconds_or_as_a_date(text: str, found: float | None) -> None:
    assert retry_after_s({"Retry-After": text}, datetime(2026, 11, 26, tzinfo=UTC)) == found
