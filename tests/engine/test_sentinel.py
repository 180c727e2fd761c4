"""The master is taken away, and what the sentinels then name is used within seconds."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
import redis
from django.test import override_settings

from project.redis_url import PURPOSES, options, with_database
from queues.engine import connections
from queues.engine.broker import RedisWindow
from queues.engine.window import DoorbellAway, Listed
from queues.ledger import clock

from .sentinels import Sentinels

SECONDS = 10.0  # the sentinels themselves take two or three


@pytest.fixture
def watched() -> Iterator[Sentinels]:
    folder = Path(tempfile.mkdtemp(prefix="rs-"))
    with Sentinels(folder) as started:
        connections.close()
        url = started.url
        servers = {
            purpose: options(with_database(url, None if purpose == "queue" else number), waits=waits)
            for number, (purpose, waits) in enumerate(PURPOSES.items())
        }
        with override_settings(REDIS=servers), clock.frozen(datetime(2026, 3, 1, 12, tzinfo=UTC)):
            yield started
        connections.close()
    shutil.rmtree(folder, ignore_errors=True)


def works_after_s(window: RedisWindow) -> float:
    began_s = time.monotonic()
    while True:
        try:
            if window.offer("reports", [Listed(uuid4(), "tests.job")]) and window.take(["reports"], 0.0):
                return time.monotonic() - began_s
        except DoorbellAway:
            pass
        assert time.monotonic() - began_s < SECONDS, "it did not come back"
        time.sleep(0.05)


def test_after_the_masters_death_work_goes_on_within_seconds(watched: Sentinels) -> None:
    window, first = RedisWindow(), watched.master()
    works_after_s(window)
    assert connections.connection("session").set("who", "ada")
    connections.keep_warm(PURPOSES)
    watched.kill_master()
    began_s = time.monotonic()
    with pytest.raises(DoorbellAway):
        window.offer("reports", [Listed(uuid4(), "tests.job")])
    assert time.monotonic() - began_s < 0.5  # told at once, though one of the sentinels is away, too
    assert works_after_s(window) < SECONDS
    assert watched.master() != first
    assert all(health.up for health in connections.ping_all().values())
    assert connections.connection("session").set("who", "grace")


def test_a_master_that_stands_still_is_left_and_when_it_wakes_nobody_goes_back(watched: Sentinels) -> None:
    window, first = RedisWindow(), watched.master()
    works_after_s(window)
    thaw = watched.freeze_master()
    works_after_s(window)
    second = watched.master()
    thaw()
    time.sleep(1.5)
    for _ in range(20):
        window.offer("reports", [Listed(uuid4(), "tests.job")])
    with redis.Redis(port=second) as now:
        assert second != first and int(now.llen("rq:queue:reports")) >= 20


def test_an_answer_of_the_masters_that_comes_late_is_not_read_as_the_next_commands(watched: Sentinels) -> None:
    client = connections.connection("queue")
    client.ping()
    (one,) = client.connection_pool._available_connections
    one._sock.settimeout(0.2)
    with pytest.raises(redis.exceptions.TimeoutError):
        client.blpop(["nothing"], timeout=0.4)
    client.connection_pool.connection_kwargs["retry"].quiet.until_s = 0.0
    assert client.echo("mine") == b"mine"
