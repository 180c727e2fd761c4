"""The rough month's pieces: when blows fall, what a snare does, and that what differs between twins is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from project.chaos import books_told, till
from project.chaos.bank import BOOKS
from project.chaos.blows import COLLECT, FINALISE, PHASES, Blow, blows
from project.chaos.snares import Snares
from project.chaos.striker import Striker
from queues.outbound import Call, Refused

WORST = {"unheard", "redis", "flush"}


@pytest.mark.parametrize("database", ["postgres", "embedded"])
@pytest.mark.parametrize("seed", range(1, 6))
def test_each_phase_meets_each_of_its_kinds_once_in_the_midst(database: str, seed: int) -> None:
    found = blows(seed, database)
    assert found == sorted(found) == blows(seed, database) != blows(seed + 10, database)
    assert len({(blow.phase, blow.kind) for blow in found}) == len(found)
    assert all(0 < blow.share < 1 for blow in found if blow.kind != "unheard")
    by_phase = [{blow.kind for blow in found if blow.phase == phase} for phase in range(len(PHASES))]
    assert by_phase[FINALISE] >= WORST and by_phase[COLLECT] >= WORST
    assert all(here & {"both", "worker"} for here in by_phase), "in each somebody is killed"
    assert "answered" in by_phase[COLLECT]


def test_on_postgresql_it_is_a_server_that_dies_and_connections_that_freeze_past_the_lease_and_on_sqlite_never() -> (
    None
):
    served = Counter(blow.kind for blow in blows(1, "postgres"))
    assert served["database"] == served["freeze_database"] == 2 and served["stop"] == 3
    assert all(blow.lasts_s > 2.0 for blow in blows(1, "postgres") if blow.kind.startswith("freeze"))
    assert not {"database", "freeze_database", "stop"} & {blow.kind for blow in blows(1, "embedded")}


def test_a_blow_that_found_nothing_to_fall_on_is_told_unless_its_kind_fell_before() -> None:
    todo = [Blow(COLLECT, 0.5, "flush"), Blow(COLLECT, 0.6, "worker")]
    striker = Striker(Any, Any, Any, None, todo, Any, kills=Counter(flush=1))  # type: ignore[arg-type]
    assert striker.never_fell() == ["worker"]


CAUGHT = """
import sys, threading
from pathlib import Path
from project.chaos.snares import Snares
from queues import failpoints
Snares(Path(sys.argv[1])).watch()
failpoints.reach("call.posted")
print("between", flush=True)
threads = [threading.Thread(target=lambda: (failpoints.reach("call.sent"), sys.stdout.write("beyond\\n"))) for _ in range(3)]
for each in threads: each.start()
for each in threads: each.join()
"""


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGSTOP])
def test_the_first_that_comes_to_a_snare_is_caught_in_it(tmp_path: Path, sign: signal.Signals) -> None:
    snares = Snares(tmp_path)
    snares.lay("call.sent", sign)
    command = [sys.executable, "-c", CAUGHT, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, process_group=0) as walker:
        assert walker.stdout is not None
        assert walker.stdout.readline() == "between\n", "at another place nothing happens"
        _, status = os.waitpid(walker.pid, os.WUNTRACED if sign == signal.SIGSTOP else 0)
        assert os.WIFSTOPPED(status) if sign == signal.SIGSTOP else os.WIFSIGNALED(status)
        assert snares.sprung("call.sent") == walker.pid and snares.sprung("call.sent") is None
        if sign == signal.SIGSTOP:
            walker.send_signal(signal.SIGCONT)
        assert walker.stdout.read().splitlines() == (["beyond"] * 3 if sign == signal.SIGSTOP else [])


FORKED = """
import os, sys, time
from pathlib import Path
from project.chaos.snares import Snares
from queues import failpoints
child = os.fork()
if not child:
    time.sleep(60)
print(child, flush=True)
Snares(Path(sys.argv[1])).watch()
failpoints.reach("call.sent")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="it finds the processes where Linux has them")
def test_what_a_process_forked_stands_still_with_it(tmp_path: Path) -> None:
    Snares(tmp_path).lay("call.sent", signal.SIGSTOP)
    command = [sys.executable, "-c", FORKED, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, process_group=0) as walker:
        assert walker.stdout is not None
        child = int(walker.stdout.readline())
        os.waitpid(walker.pid, os.WUNTRACED)
        end = time.monotonic() + 10
        while not (stands := Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"):
            if time.monotonic() > end:
                break
            time.sleep(0.01)  # it was told, and stops when it has its turn
        os.killpg(walker.pid, signal.SIGKILL)
    assert stands


def test_a_snare_is_laid_where_there_is_a_place(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        Snares(tmp_path).lay("call.nowhere", signal.SIGKILL)


def test_twins_that_differ_are_told_apart() -> None:
    calm = {"document": ["a", "b"], "line": ["c"]}
    assert books_told.differences(calm, {"document": ["b", "a"], "line": ["c"]}) == []
    assert len(books_told.differences(calm, {"document": ["a"], "line": ["c"]})) == 2
    assert len(books_told.differences(calm, {"document": ["a", "b"], "line": ["c", "c"]})) == 1
    assert len(books_told.differences(calm, {"document": ["a", "x"], "line": ["c"]})) == 2


def test_files_that_differ_are_told() -> None:
    assert books_told.files_differ({"a": "1"}, {"a": "1", "b": "2"}) == []
    told = books_told.files_differ({"a": "1", "b": "2"}, {"a": "0"})
    assert told == ["file a: other bytes", "file b: missing"]


def test_the_till_writes_down_a_second_charge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BOOKS, str(tmp_path / "till"))
    asked = {"account": "account-7", "amount_minor": 100, "currency": "EUR"}
    call = Call(id=None, key="k", provider=till.NAME, operation="charge", request=asked, idempotency_key="i", attempt=1, sent_at=None)  # type: ignore[arg-type]  # fmt: skip
    assert till.Till().look_up(call) is None
    for _ in range(2):
        try:
            till.Till().send(call)
        except Refused:
            pass
    assert len(till.charges(tmp_path / "till")) == 2 and till.looks(tmp_path / "till") == set()
    assert till.Till().look_up(call) is not None and till.looks(tmp_path / "till") == {"k"}
