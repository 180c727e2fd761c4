"""The command that staff start: real processes, a real server, stock tools beside them."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis

ROOT = Path(__file__).resolve().parents[2]
SETUP = "import django; django.setup(); from benchmarks.jobs import Work, work; from django.core.management import call_command; "


class House:
    """A database file, a server, and processes on both."""

    def __init__(self, database: Path, redis_url: str) -> None:
        self.database = database
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "project.settings.test",
            "DATABASE_URL": f"sqlite:///{database}",
            "REDIS_URL": redis_url,
        }
        self.processes: list[subprocess.Popen[str]] = []

    def do(self, code: str) -> str:
        ran = subprocess.run(
            [sys.executable, "-c", SETUP + code], cwd=ROOT, env=self.environment, capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stderr[-3000:]
        return ran.stdout.strip()

    def ask(self, count: int, wait_s: float = 0) -> None:
        """Enqueue jobs that each take `wait_s`."""
        self.do(f"work.enqueue_many([Work(n=n, wait_s={wait_s}) for n in range({count})])")

    def runs(self) -> list[tuple[str, int]]:
        """(state, attempt) of every run, read beside the processes."""
        with closing(sqlite3.connect(self.database)) as database:
            return database.execute("SELECT state, attempt FROM queues_run ORDER BY 1, 2").fetchall()

    def worker(self, *arguments: str, before: str = "") -> subprocess.Popen[str]:
        """A worker process; `before` is run in it first, for jobs of a test's own."""
        code = SETUP + before + f"call_command('rqworker', {', '.join(map(repr, arguments))})"
        log = self.database.with_name(f"worker-{len(self.processes)}.log").open("w")
        with log:
            process = subprocess.Popen(
                [sys.executable, "-c", code], cwd=ROOT, env=self.environment, stderr=log, text=True
            )
        self.processes.append(process)
        return process

    def told(self) -> str:
        """What the last worker wrote."""
        return self.database.with_name(f"worker-{len(self.processes) - 1}.log").read_text()

    def rq(self, *arguments: str) -> str:
        command = [str(Path(sys.executable).with_name("rq")), *arguments, "--url", self.environment["REDIS_URL"]]
        return subprocess.run(command, capture_output=True, text=True, env=self.environment).stdout


def until(true: Callable[[], bool], timeout_s: float = 60) -> None:
    end = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        threading.Event().wait(0.1)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("house") / "house.sqlite3"
    House(path, "redis://127.0.0.1:1/0").do("call_command('migrate', verbosity=0)")
    return path


@pytest.fixture
def house(tmp_path: Path, migrated: Path, valkey_url: str) -> Iterator[House]:
    with redis.Redis.from_url(valkey_url) as client:
        client.flushdb()
    built = House(tmp_path / "house.sqlite3", valkey_url)
    with closing(sqlite3.connect(migrated)) as source, closing(sqlite3.connect(built.database)) as target:
        source.backup(target)
    yield built
    for process in built.processes:
        process.kill()
        process.wait()


def test_burst_runs_what_is_there_and_ends(house: House) -> None:
    house.ask(20)
    assert house.worker("--burst").wait(60) == 0
    assert house.runs() == [("succeeded", 1)] * 20


def test_a_worker_of_another_queue_leaves_it_alone(house: House) -> None:
    house.ask(1)
    assert house.worker("billing", "--burst").wait(60) == 0
    assert house.runs() == [("pending", 0)]


def test_an_unknown_queue_is_refused_with_the_names(house: House) -> None:
    process = house.worker("biling", "--burst")
    assert process.wait(60) != 0
    assert "no queue named 'biling'" in house.told()


def test_sigterm_in_mid_job_lets_it_finish(house: House) -> None:
    house.ask(1, wait_s=4)
    process = house.worker("reports")
    until(lambda: house.runs()[0][0] == "running")
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert house.runs() == [("succeeded", 1)]


def test_a_job_longer_than_the_grace_goes_back_without_costing_an_attempt(house: House) -> None:
    house.ask(1, wait_s=60)
    process = house.worker("reports", "--grace=0.5")
    until(lambda: house.runs()[0][0] == "running")
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert house.runs() == [("pending", 0)]


def test_a_killed_workers_run_goes_on_within_seconds(house: House) -> None:
    house.ask(1, wait_s=3)
    first = house.worker("reports")
    until(lambda: house.runs()[0][0] == "running")
    first.kill()
    house.worker("reports")
    until(lambda: house.runs()[0][0] == "succeeded")
    assert house.runs() == [("succeeded", 2)]


def test_stock_rq_info_shows_counts_and_workers_and_loses_none(house: House) -> None:
    house.ask(3)
    shown = house.rq("info")
    assert "reports" in shown and "3 jobs total" in shown
    worker = house.worker("billing", "--name=night-shift")
    until(lambda: "night-shift" in house.rq("info"))
    worker.terminate()
    worker.wait(30)
    house.rq("empty", "reports")  # somebody clears RQ's list by hand: the ledger still has them
    assert house.worker("--burst").wait(60) == 0
    assert house.runs() == [("succeeded", 1)] * 3


@pytest.mark.parametrize("call", ["os.system", "subprocess.check_call", "pathlib.Path.touch"])
def test_what_others_write_into_redis_is_not_run_but_told_counted_and_removed(
    house: House, tmp_path: Path, valkey_url: str, call: str
) -> None:
    """A list's entry and its job as stock tools write them, under a name of their own and under one like ours."""
    mark = tmp_path / "was-here"
    ids = ["evil", "01981c2e-5f2a-7c44-9a57-1f0d6f1f9f10"]
    argument = f"touch {mark}" if call == "os.system" else str(mark)
    data = json.dumps([call, None, [["touch", argument] if call == "subprocess.check_call" else argument], {}])
    with redis.Redis.from_url(valkey_url) as client:
        for each in ids:
            client.hset(f"rq:job:{each}", mapping={"data": data, "status": "queued", "origin": "reports"})
            client.rpush("rq:queue:reports", each)
        house.ask(1)
        house.worker("reports")
        until(lambda: house.runs() == [("succeeded", 1)] and not client.llen("rq:queue:reports"))
        until(lambda: not client.exists(*(f"rq:job:{each}" for each in ids)))
        assert client.hget("roundsman:intruders", "rq:queue:reports") == b"1"
    assert not mark.exists()
    assert "Somebody else wrote into rq:queue:reports" in house.told()
