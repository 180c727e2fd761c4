"""Prefer: wait: the result in one answer where the run ends in time, and nobody's thread is held meanwhile."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, connection
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import RefreshToken

from project.one_hop import OneHopHandler
from queues.api import prefer, waits
from queues.ledger import clock
from queues.models import Run

URL = "/api/v1/queue/jobs"
BODY = {"job": "tests.weigh", "params": {"tons": 7}}
As = Callable[[str], APIClient]


def end(run_id: Any = None, state: str = "succeeded") -> None:
    rows = Run.objects.filter(pk=run_id) if run_id else Run.objects.all()
    rows.update(state=state, started_at=clock.now(), finished_at=clock.now(), result={"tons": 7})


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [
        ("wait=5", 5),
        ("respond-async, wait=10", 10),
        ('wait="7"', 7),
        ("Wait = 3; strict", 3),
        ("wait=3600", 30),
        ("wait=0", 0),
        ("wait=-1", 0),
        ("wait=soon", 0),
        ("waiting=5", 0),
        ("", 0),
        ("return=minimal", 0),
    ],
)
def test_what_the_header_says(header: str, wait_s: int) -> None:
    assert prefer.seconds(header) == wait_s


@pytest.mark.django_db
class TestInTheRequestsThread:
    """Where there is no event loop."""

    @pytest.fixture
    def naps(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        """What was slept; the third nap ends every run."""
        taken: list[float] = []

        def sleep(seconds: float) -> None:
            taken.append(seconds)
            if len(taken) == 3:
                end()

        monkeypatch.setattr(prefer, "wait_here", lambda run_id, s: waits.wait_here(run_id, s, sleep))
        return taken

    def test_a_run_that_ends_in_time_is_told_with_its_result(
        self, as_: As, jobs: Any, rung: Any, naps: list[float]
    ) -> None:
        answer = as_("dispatcher").post(URL, BODY, format="json", headers={"Prefer": "wait=5"})
        assert (answer.status_code, answer["Preference-Applied"]) == (200, "wait=5")
        assert (answer.json()["state"], answer.json()["result"]) == ("succeeded", {"tons": 7})
        assert naps == pytest.approx([0.02, 0.03, 0.045])

    def test_one_that_does_not_is_accepted_as_ever(
        self, as_: As, jobs: Any, rung: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        taken: list[float] = []
        monkeypatch.setattr(prefer, "wait_here", lambda run_id, s: waits.wait_here(run_id, s, taken.append))
        answer = as_("dispatcher").post(URL, BODY, format="json", headers={"Prefer": "wait=2"})
        assert (answer.status_code, "Preference-Applied" in answer) == (202, False)
        assert answer["Location"] == answer.json()["url"]
        assert sum(taken) == pytest.approx(2) and max(taken) == 0.25

    def test_a_replay_of_a_run_that_has_ended_is_told_at_once(
        self, as_: As, jobs: Any, rung: Any, naps: list[float]
    ) -> None:
        headers = {"Idempotency-Key": "k1"}
        as_("dispatcher").post(URL, BODY, format="json", headers=headers)
        end()
        answer = as_("dispatcher").post(URL, BODY, format="json", headers={**headers, "Prefer": "wait=5"})
        assert (answer.status_code, answer["Idempotency-Replayed"], naps) == (200, "true", [])

    def test_without_the_header_nothing_is_waited_for(self, as_: As, jobs: Any, rung: Any, naps: list[float]) -> None:
        assert as_("dispatcher").post(URL, BODY, format="json").status_code == 202
        assert naps == []


async def post(
    handler: Any, token: str, wait_s: int, after_accepted: Callable[[], Any]
) -> tuple[int, dict[str, Any], Any]:
    """One request through the ASGI server's door; `after_accepted` runs in a thread once the run is stored."""
    body, sent = json.dumps(BODY).encode(), []
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        if messages:
            return messages.pop()
        await asyncio.Event().wait()
        return None

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [
        (b"host", b"testserver"), (b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()),
        (b"authorization", f"Bearer {token}".encode()), (b"prefer", f"wait={wait_s}".encode()),
    ]  # fmt: skip
    scope = {
        "type": "http", "method": "POST", "path": URL, "root_path": "", "query_string": b"", "headers": headers,
        "scheme": "http", "client": ("127.0.0.1", 1),
    }  # fmt: skip
    asked = asyncio.ensure_future(handler(scope, receive, send))
    await asyncio.get_running_loop().run_in_executor(None, after_accepted)
    await asyncio.wait_for(asked, 20)
    names = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    told = b"".join(message.get("body", b"") for message in sent[1:])
    assert names.get("content-length", str(len(told))) == str(len(told))
    return sent[0]["status"], names, json.loads(told)


def when_stored(do: Callable[[], None], number: int = 1) -> Callable[[], None]:
    """Waits until so many runs are stored, then does it."""

    def act() -> None:
        pause = threading.Event()
        try:
            for _ in range(500):
                if Run.objects.count() >= number:
                    return do()
                pause.wait(0.02)
            raise AssertionError("never stored")
        finally:
            connection.close()

    return act


@pytest.mark.django_db(transaction=True)
class TestOnTheEventLoop:
    @pytest.fixture
    def token(self, people: dict[str, Any], jobs: Any, rung: Any) -> str:
        return str(RefreshToken.for_user(people["dispatcher"]).access_token)

    def test_a_run_that_ends_in_time_is_told_with_its_result(self, token: str) -> None:
        status, names, told = asyncio.run(post(OneHopHandler(1), token, 20, when_stored(end)))
        assert (status, names["preference-applied"]) == (200, "wait=20")
        assert (told["state"], told["result"]) == ("succeeded", {"tons": 7})
        assert names["location"] == told["url"] and "x-request-id" in names

    def test_one_that_does_not_is_accepted_as_ever(self, token: str) -> None:
        status, names, told = asyncio.run(post(OneHopHandler(1), token, 1, when_stored(lambda: None)))
        assert (status, told["state"], "preference-applied" in names) == (202, "pending", False)

    def test_more_may_wait_than_there_are_threads(self, token: str) -> None:
        """One thread, five that wait: it takes none of them to wait, or the second would never be stored."""

        async def five() -> list[Any]:
            handler = OneHopHandler(1)
            act = when_stored(end, 5)
            nothing = when_stored(lambda: None)
            return await asyncio.gather(*[post(handler, token, 20, act if n == 0 else nothing) for n in range(5)])

        assert [status for status, *_ in asyncio.run(five())] == [200] * 5


def test_all_who_wait_are_asked_for_in_one_statement_and_ever_more_rarely() -> None:
    asked: list[set[UUID]] = []

    def ended(ids: Iterable[UUID]) -> set[UUID]:
        asked.append(set(ids))
        return set(ids) if len(asked) == 4 else set()

    async def wait() -> list[bool]:
        them = waits.Waits(ended)
        return await asyncio.gather(*[them.end_of(UUID(int=n), 10) for n in range(3)])

    assert asyncio.run(wait()) == [True] * 3
    assert asked == [{UUID(int=n) for n in range(3)}] * 4


def test_a_database_that_is_away_is_waited_for_until_the_time_is_over() -> None:
    def away(ids: Iterable[UUID]) -> set[UUID]:
        raise DatabaseError("away")

    async def wait() -> bool:
        return await waits.Waits(away).end_of(UUID(int=1), 0.1)

    assert asyncio.run(wait()) is False
