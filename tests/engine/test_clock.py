"""Time is the database's: hosts whose wall clocks are wrong or jump agree with it, and it may itself jump or be another."""

from __future__ import annotations

import asyncio
import glob
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import DatabaseError, OperationalError, connection, connections, transaction
from hypothesis import given
from hypothesis import strategies as st

from queues.contract import Actor, RunRequest
from queues.ledger import clock, runs
from queues.models import Run

ROOT = Path(__file__).resolve().parents[2]
HOUR_S, CLOSE_S = 3600.0, 0.25  # the measuring error on a busy machine stays well under the second
FAKETIME = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
needs_faketime = pytest.mark.skipif(not FAKETIME, reason="needs libfaketime (apt-get install libfaketime)")
LIES = """
    CREATE SCHEMA lies; CREATE TABLE lies.told (ahead interval, slow_s float); INSERT INTO lies.told VALUES ('0', 0);
    CREATE FUNCTION lies.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS $$
    DECLARE told lies.told; at timestamptz := pg_catalog.clock_timestamp();
    BEGIN SELECT * INTO told FROM lies.told; PERFORM pg_sleep(told.slow_s); RETURN at + told.ahead; END $$;"""


def on_postgresql(test: Callable[..., None]) -> Callable[..., None]:
    return pytest.mark.postgres(pytest.mark.django_db(transaction=True)(test))


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[clock.DatabaseClock]:
    """A clock that has not measured yet, on a host whose wall clock is an hour ahead."""
    honest = time.time
    monkeypatch.setattr(time, "time", lambda: honest() + HOUR_S)
    with clock.using(clock.DatabaseClock()) as mine:
        yield mine  # type: ignore[misc]


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """`steady(11)`: the process's own seconds have gone on by so many."""
    passed, honest = [0.0], clock.steady_s
    monkeypatch.setattr(clock, "steady_s", lambda: honest() + sum(passed))
    return passed.append


@pytest.fixture
def server() -> Iterator[Callable[..., None]]:
    """`server(ahead="1 hour")`, `server(slow_s=0.4)`: what this thread's database says of the time from now on."""
    with connection.cursor() as cursor:
        cursor.execute(LIES)
        cursor.execute("SET search_path TO public, lies, pg_catalog")

    def lie(ahead: str = "0", slow_s: float = 0.0) -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE lies.told SET ahead = %s::interval, slow_s = %s", [ahead, slow_s])

    yield lie
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA lies CASCADE")
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]


def error_s(told: datetime | None = None) -> float:
    """By how much the ledger's time differs from the database's, in seconds."""
    before = real_s()
    at = (told or clock.now()).timestamp()
    after = real_s()
    return max(before - at, at - after, 0.0)


@on_postgresql
def test_a_host_an_hour_ahead_enqueues_and_promotes_by_the_database(fresh, job) -> None:
    declared = job(lambda ctx, params: None)
    row = runs.new_run(RunRequest(job=declared.name, params={}, actor=Actor.system()))
    later = clock.now() + timedelta(minutes=30)
    waiting = runs.new_run(RunRequest(job=declared.name, params={}, actor=Actor.system(), at=later))
    runs.create([row, waiting])
    assert error_s(Run.objects.get(pk=row.id).created_at) < CLOSE_S
    assert runs.promote() == [] and Run.objects.get(pk=waiting.id).state == "scheduled"


@on_postgresql
def test_a_wall_clock_that_jumps_between_measurements_changes_nothing(fresh, monkeypatch) -> None:
    assert error_s() < CLOSE_S
    for wrong_s in (-HOUR_S, 0.0, 5 * HOUR_S):
        monkeypatch.setattr(time, "time", lambda wrong_s=wrong_s: wrong_s)
        assert error_s() < CLOSE_S


@on_postgresql
def test_a_jump_of_the_databases_clock_is_followed_when_it_is_measured_again(fresh, server, steady) -> None:
    assert error_s() < CLOSE_S
    for ahead, difference_s in (("1 hour", HOUR_S), ("-1 hour", -HOUR_S)):
        server(ahead=ahead)
        steady(clock.RESYNC_S + 1)
        assert clock.now().timestamp() - real_s() == pytest.approx(difference_s, abs=CLOSE_S)


@on_postgresql
def test_another_server_behind_a_new_connection_is_noticed_at_once(fresh, server, steady) -> None:
    assert error_s() < CLOSE_S
    with connection.cursor() as cursor:  # the next connection is to one that is an hour ahead
        cursor.execute(f"ALTER ROLE CURRENT_USER IN DATABASE {connection.settings_dict['NAME']} SET search_path TO public, lies, pg_catalog")  # fmt: skip
    try:
        server(ahead="1 hour")
        steady(clock.AFTER_CONNECTING_S + 0.5)
        assert clock.now().timestamp() - real_s() == pytest.approx(1.5, abs=CLOSE_S), "there was no new connection"
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]
        connection.ensure_connection()
        assert clock.now().timestamp() - real_s() == pytest.approx(HOUR_S, abs=CLOSE_S)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER ROLE CURRENT_USER IN DATABASE {connection.settings_dict['NAME']} RESET search_path")  # fmt: skip


@given(st.floats(-10, 10), st.floats(-10, 10), st.floats(0, 10), st.floats(0, 1))
def test_no_measurement_makes_an_offset_worse_however_slow_its_answer(old_s, low_s, width_s, part) -> None:
    real_s = low_s + width_s * part
    told_s = clock.narrowed(old_s, low_s, low_s + width_s)
    assert abs(told_s - real_s) <= abs(old_s - real_s) + 1e-9
    assert low_s <= told_s <= low_s + width_s


@on_postgresql
@pytest.mark.parametrize("wrong_s", [-0.02, 0.0, 0.02], ids=["early", "right", "late"])
def test_a_slow_answer_does_not_make_a_good_offset_worse(fresh, server, wrong_s) -> None:
    assert error_s() < CLOSE_S
    fresh._offset_s += wrong_s
    server(slow_s=1.0)
    fresh._tried_s -= clock.RESYNC_S + 1
    clock.now()
    assert error_s() < CLOSE_S


@on_postgresql
def test_a_bad_first_measurement_is_put_right_by_the_next(fresh, server) -> None:
    server(slow_s=2.0)
    clock.now()
    assert error_s() > 0.5, "half of the answer's two seconds"
    server()
    fresh._tried_s -= clock.RESYNC_S + 1
    assert error_s() < CLOSE_S


@on_postgresql
def test_threads_that_ask_during_the_first_measurement_wait_for_it(fresh, monkeypatch) -> None:
    honest, told = clock.DatabaseClock._measured, []

    def slowly(self: clock.DatabaseClock) -> float:
        time.sleep(0.3)
        return honest(self)

    def ask() -> None:
        told.append(clock.now().timestamp() - time.time())
        connections.close_all()

    monkeypatch.setattr(clock.DatabaseClock, "_measured", slowly)
    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert told == pytest.approx([-HOUR_S] * 3, abs=1.0), "a thread was told the host's time"


@on_postgresql
def test_a_database_that_was_away_is_asked_as_soon_as_there_is_a_connection(fresh, monkeypatch) -> None:
    def away(self: clock.DatabaseClock) -> float:
        raise OperationalError("connection refused")

    with monkeypatch.context() as patched:
        patched.setattr(clock.DatabaseClock, "_measured", away)
        assert clock.now().timestamp() == pytest.approx(time.time(), abs=CLOSE_S)
    connection.close()
    connection.ensure_connection()
    assert error_s() < CLOSE_S


@on_postgresql
def test_inside_an_event_loop_the_last_offset_is_in_force(fresh) -> None:
    assert error_s() < CLOSE_S
    fresh._tried_s -= clock.RESYNC_S + 1

    async def handler() -> datetime:
        return clock.now()

    assert error_s(asyncio.run(handler())) < CLOSE_S


@on_postgresql
def test_a_broken_transaction_and_a_broken_connection_leave_the_last_offset_in_force(fresh) -> None:
    assert error_s() < CLOSE_S
    with pytest.raises(DatabaseError), transaction.atomic():
        try:
            connection.cursor().execute("SELECT 1 / 0")
        finally:
            fresh._tried_s -= clock.RESYNC_S + 1
            broken = clock.now()
    assert error_s(broken) < 1.0
    connection.connection.close()  # the server is gone, and Django does not know yet
    fresh._tried_s -= clock.RESYNC_S + 1
    cut = clock.now()
    connection.close()
    assert error_s(cut) < 1.0


@on_postgresql
@needs_faketime
def test_a_process_whose_wall_clock_is_wrong_and_jumps_does_all_by_the_database(tmp_path: Path) -> None:
    for seen, wrong_s in zip(probed(tmp_path), (HOUR_S, -HOUR_S), strict=True):
        assert seen["host_s"] - seen["database_s"] == pytest.approx(wrong_s, abs=5), "the wall clock did not lie"
        assert seen["clock_s"] == pytest.approx(seen["database_s"], abs=1.0)
        assert 2 < seen["database_s"] - seen["created_s"] < 20
        assert (seen["promoted"], seen["fired"]) == (["soon"], 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("sqlite" not in settings.DATABASES["default"]["ENGINE"], reason="about SQLite")
@needs_faketime
def test_on_sqlite_the_hosts_wall_clock_is_the_clock(tmp_path: Path) -> None:
    seen = probed(tmp_path)
    assert [one["clock_s"] - time.time() for one in seen] == pytest.approx([HOUR_S, -HOUR_S], abs=60)


def probed(tmp_path: Path) -> list[dict[str, object]]:
    """What a process saw whose wall clock was an hour ahead, and then an hour behind."""
    told = tmp_path / "wrong"
    told.write_text("+1h\n")
    name = str(connection.settings_dict["NAME"])
    url = (
        f"sqlite:///{name}"
        if connection.vendor == "sqlite"
        else os.environ["DATABASE_URL"].rsplit("/", 1)[0] + f"/{name}"
    )
    environment = {
        **os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "project.settings.test", "LD_PRELOAD": FAKETIME[0],
        "FAKETIME_TIMESTAMP_FILE": str(told), "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1",
    }  # fmt: skip
    script = f"import django; django.setup(); from tests.engine import clock_probe; clock_probe.main({str(told)!r})"
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    rounds: list[dict[str, object]] = json.loads(ran.stdout)
    return rounds


def real_s() -> float:
    """The time by the server's own clock, whatever it says."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM pg_catalog.clock_timestamp())")
        return float(cursor.fetchone()[0])
