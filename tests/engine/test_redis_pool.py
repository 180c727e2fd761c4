"""Pools against a real server that kills their connections: replaced at once, waited for, kept warm, counted."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.test import override_settings

from project.embedded.valkey import EmbeddedValkey
from project.redis_url import PURPOSES, Pool, Waits, options
from queues.engine import connections
from queues.engine.pool_facts import PoolFacts
from queues.engine.redis_pool import NoneFree
from queues.ledger import switches

from .pace import Pace, again_and_again


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(tmp_path_factory.mktemp("v"), persistent=False, tcp=True) as started:
        yield started


@pytest.fixture
def pooled(server: EmbeddedValkey) -> Iterator[Callable[..., redis.Redis]]:
    """pooled(least, most): every purpose with pools of this size; the client of the queue."""
    with override_settings():

        def make(least: int = 2, most: int = 4, free_s: float = 1.0) -> redis.Redis:
            from django.conf import settings

            waits = Waits(1.0, 1.0, free_s)
            one = options(f"{server.url}/0", pool=Pool(least, most), waits=waits)
            settings.REDIS = {purpose: dict(one) for purpose in PURPOSES}
            connections.close()
            return connections.connection("queue")

        yield make
    connections.close()


@pytest.fixture
def admin(server: EmbeddedValkey) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(server.url) as client:
        yield client


def kill_all(admin: redis.Redis) -> int:
    return int(admin.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"))  # type: ignore[no-untyped-call]


def facts(purpose: str = "queue") -> PoolFacts:
    return next(pool for pool in connections.pools() if pool.purpose == purpose)


def at_once(count: int, call: Callable[[], object]) -> list[BaseException]:
    """So many threads; what each of them raised."""
    raised: list[BaseException] = []

    def safely() -> None:
        try:
            call()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=safely) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return raised


def test_a_broken_connection_is_replaced_within_a_tenth_of_a_second_and_nobody_hears_of_it(
    pooled: Any, admin: redis.Redis
) -> None:
    client, took_s = pooled(least=4), []
    connections.keep_warm(["queue"])
    assert (facts().idle, facts().created) == (4, 4)
    for again in range(3):
        assert kill_all(admin) >= 4
        began_s = time.monotonic()
        client.ping()
        took_s.append(time.monotonic() - began_s)
        assert all(client.ping() for _ in range(7))
        assert (facts().replaced, facts().errors) == (4 * again + 1, 0)  # one was enough for one caller
        connections.keep_warm(["queue"])
        assert (facts().replaced, facts().created, facts().idle) == (4 * again + 4, 4, 4)
    assert min(took_s) < 0.1  # a busy machine may let one wait


def test_every_connection_killed_again_and_again_under_load_costs_no_caller_an_error(
    pooled: Any, admin: redis.Redis
) -> None:
    client, pace, callers = pooled(most=4), Pace(8), iter(range(8))

    def count_up() -> None:
        caller = next(callers)
        for _ in range(300):
            client.set("load", 1)
            pace.answered(caller)
        pace.left(caller)

    with again_and_again(lambda: kill_all(admin), 0.05, pace) as killed:
        assert at_once(8, count_up) == []
    assert sum(killed) > 0 and 0 < facts().replaced <= sum(killed)


def test_who_finds_all_connections_used_waits_for_one(pooled: Any) -> None:
    client, held = pooled(least=0, most=1), threading.Event()

    def hold() -> None:
        held.set()
        client.blpop(["nothing"], timeout=0.3)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(5)
    while not facts().in_use:
        time.sleep(0.005)
    assert client.ping()
    thread.join(5)
    now = facts()
    assert (now.waits, now.created, now.errors, now.peak) == (1, 1, 0, 1)
    assert 0.05 < now.waited_s < 2.0


def test_many_who_wait_all_have_their_turn(pooled: Any) -> None:
    client = pooled(least=0, most=2, free_s=5.0)
    assert at_once(12, lambda: [client.ping() for _ in range(50)]) == []
    assert facts().created <= 2 and facts().in_use == 0


def test_one_that_does_not_come_free_is_told_with_what_to_raise(pooled: Any) -> None:
    client = pooled(least=0, most=1, free_s=0.1)
    taken = client.connection_pool.get_connection()
    with pytest.raises(NoneFree, match=r"All 1 connections for queue were used for 0.1 s; raise REDIS_POOL_MAX"):
        client.ping()
    client.connection_pool.release(taken)
    assert client.ping() and facts().errors == 1


def test_one_purpose_cannot_starve_another(pooled: Any) -> None:
    client = pooled(least=0, most=1)
    taken = client.connection_pool.get_connection()
    assert connections.ping("session").up
    client.connection_pool.release(taken)


def test_the_least_number_is_kept_ready_and_the_peak_is_told_once(pooled: Any) -> None:
    pooled(least=3, most=5)
    connections.keep_warm(PURPOSES)
    assert {pool.purpose: pool.idle for pool in connections.pools()} == dict.fromkeys(PURPOSES, 3)
    client = connections.connection("queue")
    held = [client.connection_pool.get_connection() for _ in range(4)]
    for one in held:
        client.connection_pool.release(one)
    assert (facts().peak, facts().peak) == (4, 0)


def test_a_server_that_is_away_does_not_disturb_who_keeps_warm(pooled: Any, server: EmbeddedValkey) -> None:
    pooled()
    server.kill()
    try:
        connections.keep_warm(PURPOSES)
        assert facts().idle == 0 and facts().errors > 0
        assert [health.up for health in connections.ping_all().values()] == [False] * 4
    finally:
        server.start()
    connections.keep_warm(PURPOSES)
    assert facts().idle == 2
    assert all(health.up and (health.latency_ms or 0) < 1000 for health in connections.ping_all().values())


def test_without_the_pool_every_command_has_a_connection_of_its_own(pooled: Any, settings: Any) -> None:
    client = pooled()
    connections.keep_warm(["queue"])
    settings.REDIS_POOL_ENABLED = False
    switches.forget()
    for _ in range(3):
        client.ping()
    connections.keep_warm(["queue"])
    assert facts().idle == 0
    assert facts().created + facts().replaced >= 4  # two were warm; one of them served the first
    settings.REDIS_POOL_ENABLED = True
    client.ping()
    assert facts().idle == 1


def test_a_connection_says_whose_it_is_and_is_kept_alive_by_the_system(pooled: Any, admin: redis.Redis) -> None:
    client = pooled()
    client.ping()
    assert "roundsman:queue" in {each["name"] for each in admin.client_list()}
    (one,) = client.connection_pool._available_connections
    assert one._sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    if hasattr(socket, "TCP_KEEPIDLE"):
        assert one._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 30
    assert one.health_check_interval == 30


def test_an_answer_that_comes_late_is_not_read_as_the_next_commands(pooled: Any) -> None:
    client = pooled(least=0, most=1)
    client.connection_pool.connection_kwargs["socket_timeout"] = 0.2
    with pytest.raises(redis.exceptions.TimeoutError):
        client.blpop(["nothing"], timeout=0.4)
    time.sleep(0.5)
    client.connection_pool.connection_kwargs["retry"].quiet.until_s = 0.0
    assert client.echo("mine") == b"mine"


def test_a_connection_with_an_unread_answer_is_not_handed_out(pooled: Any) -> None:
    """As an interrupt between the question and its answer leaves it."""
    client = pooled(least=0, most=1)
    one = client.connection_pool.get_connection()
    one.send_command("ECHO", "another's")
    time.sleep(0.05)
    client.connection_pool.release(one)
    assert client.echo("mine") == b"mine"


def test_facts_of_another_version_are_read_as_far_as_they_are_known(tmp_path: Path) -> None:
    from queues.engine.pool_facts import heard, told

    mine = PoolFacts("queue", in_use=2, most=8, peak=4)
    assert heard([*told([mine]), {"purpose": "cache", "temperature": 7}, {"in_use": 1}]) == [mine, PoolFacts("cache")]
    assert mine.use == 0.5 and PoolFacts("none").use == 0.0
