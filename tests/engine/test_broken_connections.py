"""Every pooled connection is killed again and again under load: no caller hears of it, and no run is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import psycopg
import pytest
import redis
from django.db import connection, connections
from django.db.backends.signals import connection_created
from django.test import override_settings

from project.redis_url import PURPOSES, Pool, Waits, options
from queues.contract import Actor, Done
from queues.engine import connections as redis_connections
from queues.engine import release, reread
from queues.engine.broker import RedisWindow
from queues.engine.dispatch import enqueue_job
from queues.models import Run

from .conftest import Number, until
from .pace import Pace, again_and_again

pytestmark = pytest.mark.django_db(transaction=True)
CALLERS, EACH = 6, 100
ADA = Actor(label="ada", source="api")


@pytest.fixture
def window(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisWindow]:
    """The real window, on pools of the house."""
    one = options(valkey_url, pool=Pool(2, 8), waits=Waits(1.5, 1.5))
    redis_connections.close()
    with (
        override_settings(REDIS={purpose: dict(one) for purpose in PURPOSES}),
        redis.Redis.from_url(valkey_url) as all_,
    ):
        all_.flushdb()
        made = RedisWindow()
        monkeypatch.setattr(release, "_window", made)
        yield made
    redis_connections.close()


def callers(ask: Callable[[int], object], pace: Pace) -> list[BaseException]:
    """So many threads that ask so often each. What they were answered with that was no answer."""
    raised: list[BaseException] = []

    def serve(caller: int) -> None:
        try:
            for n in range(caller * EACH, (caller + 1) * EACH):
                ask(n)
                pace.answered(caller)
        except BaseException as error:
            raised.append(error)
        finally:
            pace.left(caller)
            connections.close_all()

    threads = [threading.Thread(target=serve, args=[caller]) for caller in range(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return raised


def all_ran(results: Iterable[dict[str, int]]) -> bool:
    return sorted(each["n"] for each in results) == list(range(CALLERS * EACH))


def test_redis_connections(job: Any, working: Any, window: RedisWindow, valkey_url: str) -> None:
    adds, pace = job(lambda ctx, p: Done({"n": p.n})), Pace(CALLERS)
    with redis.Redis.from_url(valkey_url) as admin:

        def kill() -> int:
            command = ("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            return int(admin.execute_command(*command))  # type: ignore[no-untyped-call]

        with working(window=window, slots=4), again_and_again(kill, 0.05, pace) as met:
            assert callers(lambda n: adds.enqueue(Number(n=n)), pace) == []
            until(lambda: all_ran(Run.objects.filter(state="succeeded").values_list("result", flat=True)), 30)
    assert sum(met) > 0
    assert Run.objects.count() == CALLERS * EACH
    assert sum(pool.replaced for pool in redis_connections.pools()) > 0


@pytest.fixture
def beside() -> Iterator[psycopg.Connection[Any]]:
    """A connection to the test's database that is none of the pool's."""
    told = connection.settings_dict
    connection.close()
    url = f"postgres://{told['USER']}@{told['HOST']}:{told['PORT']}/{told['NAME']}"
    with psycopg.connect(url, autocommit=True) as made:
        yield made
    connection.close()


@pytest.fixture
def rereads() -> Iterator[None]:
    """As in a web process."""
    reread.install()
    connections.close_all()
    yield
    connection_created.disconnect(dispatch_uid="queues.engine.reread")
    connection.execute_wrappers.clear()


@pytest.mark.postgres
@pytest.mark.usefixtures("rereads")
@pytest.mark.parametrize("door", ["enqueue", "api"])
def test_database_connections(
    job: Any, working: Any, window: RedisWindow, beside: psycopg.Connection[Any], door: str
) -> None:
    """By `.enqueue()`, which is one statement, and as the API does it: a transaction with its audit entry."""
    adds, lock, pace = job(lambda ctx, p: Done({"n": p.n})), threading.Lock(), Pace(CALLERS)

    def ask(n: int) -> None:
        if door == "enqueue":
            adds.enqueue(Number(n=n))
        else:
            enqueue_job(adds.name, {"n": n}, actor=ADA)

    def kill() -> int:
        with lock:
            return int(beside.execute(KILL).fetchone()[0])  # type: ignore[index]

    def over() -> bool:
        with lock:
            return all_ran(result for (result,) in beside.execute(RESULTS))

    with working(window=window, slots=4):
        with again_and_again(kill, 0.25, pace) as met:
            assert callers(ask, pace) == []
        until(over, 40)
    assert sum(met) > 0
    assert beside.execute("SELECT count(*) FROM queues_run").fetchone() == (CALLERS * EACH,)


KILL = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
RESULTS = "SELECT result FROM queues_run WHERE state = 'succeeded'"
