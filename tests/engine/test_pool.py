"""The pool's connections against a real PostgreSQL that is killed, and behind a proxy that falls silent."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg_pool import ConnectionPool, PoolTimeout

from project.embedded.postgres import EmbeddedPostgres
from queues.engine import cutoff, pool
from queues.engine.pool import limited, pool_options

from .proxy import Proxy


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    folder = Path(tempfile.mkdtemp(prefix="rp-"))
    folder.chmod(0o755)  # the server may run as somebody else, whom pytest's own folders do not let in
    with EmbeddedPostgres(folder / "pg", fsync=False) as started:
        yield started
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def proxy(server: EmbeddedPostgres) -> Iterator[Proxy]:
    with Proxy(server.port) as between:
        yield between


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutoff, "MARGIN_S", 0.2)
    monkeypatch.setattr(cutoff, "ENGINE_S", 0.5)
    monkeypatch.setattr(pool, "GREETING_S", 0.5)


@contextmanager
def pooled(url: str, statement_s: float = 10.0, **sizes: Any) -> Iterator[ConnectionPool[Any]]:
    options = pool_options(statement_s, **{"min_size": 2, "max_size": 8, **sizes})
    made = ConnectionPool(url, kwargs={"autocommit": True}, open=True, check=ConnectionPool.check_connection, **options)
    try:
        yield made
    finally:
        made.close()


def fill(made: ConnectionPool[Any], count: int) -> None:
    """So many connections that idle in the pool."""
    held = [made.getconn() for _ in range(count)]
    for connection in held:
        made.putconn(connection)


def answers(made: ConnectionPool[Any]) -> bool:
    try:
        with made.connection() as connection:
            return bool(connection.execute("SELECT 1").fetchone() == (1,))
    except psycopg.OperationalError:
        return False


def took_s(call: Callable[[], object]) -> float:
    began_s = time.monotonic()
    call()
    return time.monotonic() - began_s


def test_whoever_waits_has_a_connection_soon_after_the_servers_return(server: EmbeddedPostgres) -> None:
    with pooled(server.url) as made:
        fill(made, 6)
        server.kill()
        asking, back_s = threading.Event(), []

        def ask() -> None:
            while not answers(made):
                asking.set()
            back_s.append(time.monotonic())

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        assert asking.wait(20)  # one at least has waited in vain: by then psycopg would pause for seconds
        time.sleep(2.0)
        server.start()
        since_s = time.monotonic()
        for thread in threads:
            thread.join(20)
        assert len(back_s) == 3 and max(back_s) - since_s < 2.0


def test_connections_that_idled_through_an_outage_cost_the_next_user_little(server: EmbeddedPostgres) -> None:
    with pooled(server.url) as made:
        fill(made, 8)
        server.kill()
        server.start()
        assert took_s(lambda: [answers(made) for _ in range(8)]) < 2.0
        assert all(answers(made) for _ in range(8))


def test_while_the_server_is_away_nobody_waits_for_longer_than_three_seconds(server: EmbeddedPostgres) -> None:
    with pooled(server.url) as made:
        server.kill()
        try:
            began_s = time.monotonic()
            with pytest.raises(PoolTimeout):
                made.getconn()
            assert time.monotonic() - began_s < 4.0
        finally:
            server.start()


@pytest.mark.usefixtures("impatient")
def test_a_statement_that_nobody_forwards_ends_and_the_next_connection_works(
    server: EmbeddedPostgres, proxy: Proxy
) -> None:
    with pooled(proxy.url(server.url), statement_s=0.3) as made:
        assert answers(made)
        connection = made.getconn()
        proxy.freeze()
        with pytest.raises(psycopg.OperationalError, match="did not answer within 0.5 s"):
            connection.execute("SELECT 1")
        assert connection.closed
        made.putconn(connection)
        proxy.thaw()
        assert answers(made)


@pytest.mark.usefixtures("impatient")
def test_an_idle_connection_that_is_half_open_is_found_out_before_it_is_handed_out(
    server: EmbeddedPostgres, proxy: Proxy
) -> None:
    with pooled(proxy.url(server.url)) as made:
        fill(made, 4)
        proxy.freeze()
        threading.Timer(1.0, proxy.thaw).start()
        assert took_s(lambda: answers(made)) < 3.0
        assert answers(made)


@pytest.mark.usefixtures("impatient")
def test_a_commit_that_nobody_answers_ends_too(server: EmbeddedPostgres, proxy: Proxy) -> None:
    with pooled(proxy.url(server.url), statement_s=0.3) as made:
        connection = made.getconn()
        connection.autocommit = False
        connection.execute("SELECT 1")
        proxy.freeze()
        with pytest.raises(psycopg.OperationalError, match="cut"):
            connection.commit()
        proxy.thaw()
        made.putconn(connection)


@pytest.mark.usefixtures("impatient")
def test_without_a_statement_limit_only_the_engines_threads_give_up(server: EmbeddedPostgres) -> None:
    told: dict[bool, Any] = {}

    def ask(of_the_engine: bool) -> None:
        if of_the_engine:
            cutoff.in_engine()
        with limited(0.0).connect(server.url) as connection:
            try:
                told[of_the_engine] = connection.execute("SELECT 7 FROM pg_sleep(1.0)").fetchone()
            except psycopg.OperationalError as error:
                told[of_the_engine] = str(error)

    for of_the_engine in (False, True):  # on threads of their own: another test may have made this one the engine's
        thread = threading.Thread(target=ask, args=[of_the_engine])
        thread.start()
        thread.join(10)
    assert told[False] == (7,) and "within 0.5 s" in told[True]


def test_the_servers_own_limit_comes_first(server: EmbeddedPostgres) -> None:
    with limited(0.3).connect(server.url, options="-c statement_timeout=300") as connection:
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("SELECT pg_sleep(5)")
        assert not connection.closed


def test_an_outage_is_told_with_its_reason_and_not_at_every_attempt(
    server: EmbeddedPostgres, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool._seldom, "_told_s", {})
    with pooled(server.url) as made:
        server.kill()
        try:
            assert not answers(made)
        finally:
            server.start()
    told = [record.getMessage() for record in caplog.records if record.msg.startswith("error connecting")]
    assert len(told) == 1 and "failed: " in told[0]


@pytest.mark.parametrize(("slots", "most"), [(3, 14), (50, 56)])
def test_a_worker_has_a_connection_for_each_slot(monkeypatch: pytest.MonkeyPatch, slots: int, most: int) -> None:
    options = {"pool": {"max_size": 14}}

    class Connections(dict[str, Any]):
        settings = {"default": {"OPTIONS": options}}

    monkeypatch.setattr(pool, "connections", Connections(default=None))
    pool.make_room(slots)
    assert options["pool"]["max_size"] == most
