"""One Idempotency-Key and one ETag, and two hundred at once, over the real server with a worker at work behind it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx

from .stand import Stand

CROWD = 200
JOBS = "/api/v1/queue/jobs"
BODY = {"job": "queues.clean_history", "params": {"dry_run": True}, "why": "How much is there?"}


def client(stand: Stand, **headers: str) -> httpx.Client:
    own = {"X-API-Key": stand.key, **headers}
    return httpx.Client(base_url=stand.address, headers=own, timeout=60, trust_env=False)


def at_once(stand: Stand, send: Any, **headers: str) -> list[httpx.Response]:
    """What two hundred clients get who send it in the same moment; who is told to come again does."""
    gate = threading.Barrier(CROWD)

    def ask(number: int) -> httpx.Response:
        with client(stand, **headers) as own:
            gate.wait(60)
            while (answer := send(own, number)).status_code == 503:
                pass
            return answer

    with ThreadPoolExecutor(CROWD) as pool:
        return list(pool.map(ask, range(CROWD)))


def runs(stand: Stand) -> int:
    with client(stand) as own:
        return len(own.get("/api/v1/runs", params={"job": BODY["job"], "limit": 200, "fields": "id"}).json()["items"])


def test_two_hundred_posts_with_one_key_are_one_run_and_one_body(stand: Stand) -> None:
    before, key = runs(stand), str(uuid4())
    answers = at_once(stand, lambda own, n: own.post(JOBS, json=BODY), **{"Idempotency-Key": key})
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == CROWD - 1
    assert runs(stand) == before + 1
    with client(stand, **{"Idempotency-Key": key}) as own:
        other = own.post(JOBS, json={**BODY, "why": "another"})
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_conflict")
        assert own.post(JOBS, json=BODY).content == answers[0].content  # although it has run since


def test_of_two_hundred_changes_with_one_etag_one_is_made(stand: Stand) -> None:
    with client(stand) as own:
        read = own.get("/api/v1/queues/billing")
        tag, version = read.headers["ETag"], read.json()["version"]

        def change(each: httpx.Client, number: int) -> httpx.Response:
            return each.patch("/api/v1/queues/billing", json={"concurrency": number + 1, "why": "A test"})

        answers = at_once(stand, change, **{"If-Match": tag})
        statuses = [answer.status_code for answer in answers]
        assert (statuses.count(200), statuses.count(412)) == (1, CROWD - 1)
        now = own.get("/api/v1/queues/billing").json()
        assert (now["version"], now["overrides"]["concurrency"]) == (version + 1, statuses.index(200) + 1)
