"""RQ's record of a worker on a real server: it is kept beside the work, and nothing that is sent there ends it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.test import override_settings

from project.embedded.valkey import EmbeddedValkey
from project.redis_url import options
from queues.engine import broker, connections
from queues.engine.worker import LedgerWorker

from .conftest import until
from .proxy import Proxy


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(tmp_path_factory.mktemp("v"), persistent=False, tcp=True) as started:
        yield started


@pytest.fixture
def proxy(server: EmbeddedValkey) -> Iterator[Proxy]:
    with Proxy(server.port) as between:
        yield between


@pytest.fixture
def make(proxy: Proxy) -> Iterator[Any]:
    made: list[LedgerWorker] = []

    def worker(name: str = "") -> LedgerWorker:
        one = LedgerWorker(
            ["reports"], name=name or str(uuid4()), connection=broker.connection("queue"), serializer="json"
        )
        one.shop = SimpleNamespace(paused=False, crew=SimpleNamespace(busy=0), writer=SimpleNamespace(recorded=7))  # type: ignore[assignment]
        made.append(one)
        return one

    connections.close()
    with override_settings(REDIS={"queue": options(f"redis://127.0.0.1:{proxy.port}/0")}):
        yield worker
        proxy.thaw()
        for one in made:
            one._record(one.unsubscribe)
    connections.close()


def test_the_heart_does_not_wait_for_a_redis_that_is_silent(make: Any, proxy: Proxy) -> None:
    worker = make()
    worker.bootstrap()
    proxy.freeze()
    began_s = time.monotonic()
    for _ in range(3):
        worker._recorded_at = 0.0
        worker._on_beat()
    assert time.monotonic() - began_s < 0.5


def test_the_record_is_made_again_when_the_server_has_lost_it(make: Any) -> None:
    worker = make()
    worker.bootstrap()
    worker.connection.flushall()
    worker._on_beat()
    until(lambda: worker.connection.hget(worker.key, "successful_job_count") == b"7")


def test_a_name_that_a_killed_worker_left_behind_may_be_taken(make: Any) -> None:
    make("night-shift").bootstrap()
    again = make("night-shift")
    again.bootstrap()
    assert again.connection.hget(again.key, "pid") is not None


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense",
        b"{}",
        b'{"command": "dance"}',
        b'{"command": "stop-job"}',
        b'{"command": "stop-job", "job_id": "x"}',
    ],
)
def test_nonsense_does_not_end_the_thread_that_hears_commands(make: Any, sent: bytes) -> None:
    worker = make()
    worker.bootstrap()
    heard = threading.Event()
    worker.connection.publish(worker.pubsub_channel_name, sent)
    worker.pubsub.channels[worker.pubsub_channel_name.encode()] = lambda message: heard.set()
    until(lambda: bool(worker.connection.publish(worker.pubsub_channel_name, json.dumps({"command": "dance"}))))
    assert heard.wait(10) and worker.pubsub_thread.is_alive()


def test_commands_are_heard_again_after_the_connection_was_cut(make: Any, proxy: Proxy) -> None:
    worker = make()
    worker.bootstrap()
    heard = threading.Event()
    worker.pubsub.channels[worker.pubsub_channel_name.encode()] = lambda message: heard.set()
    proxy.cut()

    def told() -> bool:
        try:
            worker.connection.publish(worker.pubsub_channel_name, "{}")
        except OSError:
            return False
        return heard.wait(0.2)

    until(told)


def test_a_connection_that_answers_no_more_is_replaced(make: Any) -> None:
    worker = make()
    worker.bootstrap()
    deaf = worker.pubsub
    deaf.health_check_response_counter = 2
    worker._refresh()
    assert worker.pubsub is not deaf and worker.pubsub_thread.is_alive()
