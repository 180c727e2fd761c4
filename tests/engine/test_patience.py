"""A Redis that falls silent without a word, refuses, or holds what is not ours: it costs moments, and no worker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
import redis
from django.test import override_settings

from project.embedded.valkey import EmbeddedValkey
from project.redis_url import Waits, options
from queues.engine import broker, connections
from queues.engine.broker import RedisWindow, queue_key
from queues.engine.window import DoorbellAway, Listed
from queues.ledger import clock

from .proxy import Proxy


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    """No database is asked for the time."""
    with clock.frozen(datetime(2026, 3, 1, 12, tzinfo=UTC)):
        yield


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(tmp_path / "v", persistent=False, tcp=True) as started:
        yield started


@pytest.fixture
def proxy(server: EmbeddedValkey) -> Iterator[Proxy]:
    with Proxy(server.port) as between:
        yield between


@pytest.fixture
def window(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisWindow]:
    """A window with the connections of a process of its own, with shorter waits."""
    for module in (broker, connections):
        monkeypatch.setattr(module, "LONGEST_WAIT_S", 0.5)
    connections.close()
    short = {"queue": options(f"redis://127.0.0.1:{proxy.port}/0", waits=Waits(0.5, 0.5))}
    short["cache"] = options(f"redis://127.0.0.1:{proxy.port}/2", waits=Waits(0.5, 0.5))
    with override_settings(REDIS=short):
        yield RedisWindow()
    connections.close()


def some(count: int = 1) -> list[Listed]:
    return [Listed(uuid4(), "tests.job") for _ in range(count)]


def away_after_s(call: Callable[[], object]) -> float:
    began_s = time.monotonic()
    with pytest.raises(DoorbellAway):
        call()
    return time.monotonic() - began_s


def test_a_wait_for_the_next_id_ends_when_the_peer_is_gone_without_a_word(window: RedisWindow, proxy: Proxy) -> None:
    assert window.take(["reports"], 0.1) is None
    proxy.freeze()
    assert away_after_s(lambda: window.take(["reports"], 60)) < 2.0


def test_a_doorbell_that_does_not_answer_is_waited_for_once_and_not_by_the_next(
    window: RedisWindow, proxy: Proxy
) -> None:
    window.offer("reports", some())
    proxy.freeze()
    assert 0.4 < away_after_s(lambda: window.offer("reports", some())) < 1.5
    assert away_after_s(lambda: window.offer("reports", some())) < 0.3
    assert away_after_s(lambda: window.take(["reports"], 0.0)) < 0.3


def test_what_one_purpose_has_waited_for_the_others_do_not_wait_for(window: RedisWindow, proxy: Proxy) -> None:
    window.offer("reports", some())
    proxy.freeze()
    away_after_s(lambda: window.offer("reports", some()))
    began_s = time.monotonic()
    assert not connections.ping("cache").up
    assert time.monotonic() - began_s < 0.3


def test_it_is_asked_again_after_a_moment_and_works_when_it_is_back(window: RedisWindow, proxy: Proxy) -> None:
    window.offer("reports", some())
    proxy.freeze()
    away_after_s(lambda: window.offer("reports", some()))
    proxy.thaw()
    end_s, runs = time.monotonic() + 4, some()
    while True:
        try:
            assert window.offer("reports", runs) == 1
            return
        except DoorbellAway:
            assert time.monotonic() < end_s
            threading.Event().wait(0.1)


def test_a_server_that_was_started_again_is_used_at_once(window: RedisWindow, server: EmbeddedValkey) -> None:
    window.offer("reports", some())
    server.kill()
    assert away_after_s(lambda: window.offer("reports", some())) < 0.5
    server.start()
    assert window.offer("reports", some()) == 1


@pytest.mark.parametrize("wait_s", [0.0, 0.1])
def test_something_else_under_our_key_is_the_doorbells_trouble_and_not_the_workers(
    window: RedisWindow, server: EmbeddedValkey, wait_s: float
) -> None:
    with redis.Redis.from_url(server.url) as somebody:
        somebody.set(queue_key("reports"), "not a list")
    with pytest.raises(DoorbellAway, match="WRONGTYPE"):
        window.take(["reports"], wait_s)
    with pytest.raises(DoorbellAway, match="WRONGTYPE"):
        window.offer("reports", some())


def test_a_server_without_room_is_the_doorbells_trouble(window: RedisWindow, server: EmbeddedValkey) -> None:
    with redis.Redis.from_url(server.url) as somebody:
        somebody.config_set("maxmemory", "1")
    with pytest.raises(DoorbellAway, match="refuses"):
        window.offer("reports", some())
