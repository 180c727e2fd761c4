"""The solver within its budget: allowed plans, better than the baseline, and no process left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from routing.instances import Instance, load, parse
from routing.model import Model
from routing.repair import RouteCheck, repair
from routing.rules import check
from routing.solver import plan, unservable

ROOT = Path(__file__).parents[2]
KIM_335 = ROOT / "routing" / "data" / "kim2006" / "335_stop.txt"
HEAD = "100\n150\n9\n3600\n40\ncaption\n0 0 0 0600 1800 0 0 0\n9 5280 0 0 2400 600 0 2\n"


def children() -> list[str]:
    """The command lines of this process's solver children."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
            command = (status.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if parent == os.getpid() and "routing.solve_child" in command:
            found.append(command)
    return found


@pytest.fixture(scope="module")
def kim() -> Instance:
    return load(KIM_335)


def test_a_short_budget_gives_an_allowed_plan_better_than_the_baseline(kim: Instance) -> None:
    told: list[tuple[float, float, float]] = []
    began = time.monotonic()
    made = plan(kim, 3, seed=1, on_progress=lambda *news: told.append(news))
    assert time.monotonic() - began < 3 + 3
    assert made.verdict.feasible and made.unserved == {} and not made.stopped
    assert check(kim, made.routes).distance_miles == pytest.approx(made.miles)
    assert made.miles < made.baseline_miles == pytest.approx(229.73, abs=0.01)
    assert made.saved_percent > 0
    assert len(told) >= 2 and all(news[1] == 3 for news in told)
    assert children() == []


def test_an_exception_from_stop_ends_the_children_within_a_second(kim: Instance) -> None:
    asked: list[float] = []

    class CalledOff(Exception):
        pass

    def stop() -> bool:
        asked.append(time.monotonic())
        if len(asked) >= 5:
            assert len(children()) >= 1
            raise CalledOff
        return False

    with pytest.raises(CalledOff):
        plan(kim, 30, seed=1, stop=stop)
    assert time.monotonic() - asked[-1] < 1
    assert max(b - a for a, b in pairwise(asked)) < 1
    assert children() == []


def test_a_true_stop_returns_the_best_plan_so_far(kim: Instance) -> None:
    began = time.monotonic()
    made = plan(kim, 30, seed=1, stop=lambda: time.monotonic() - began > 1)
    assert time.monotonic() - began < 5
    assert made.stopped and made.verdict.feasible
    assert children() == []


def test_the_children_die_with_a_killed_parent() -> None:
    code = (
        "from routing.instances import load\nfrom routing.solver import plan\n"
        f"plan(load({str(KIM_335)!r}), 60, 1, on_progress=lambda *a: print('running', flush=True))"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    parent.stdout.readline()
    parent.stdout.readline()
    kept = subprocess.run(["ps", "-o", "pid=", "--ppid", str(parent.pid)], capture_output=True, text=True, check=False)
    pids = [int(pid) for pid in kept.stdout.split()]
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert pids
    deadline = time.monotonic() + 3
    while any(alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(alive(pid) for pid in pids)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_the_same_seed_and_iterations_give_the_same_plan(kim: Instance) -> None:
    first = plan(kim, 60, seed=7, max_iterations=300)
    assert first.elapsed_s < 30
    assert plan(kim, 60, seed=7, max_iterations=300).routes == first.routes


def test_a_stop_nobody_can_serve_is_reported_in_words_and_the_rest_is_planned() -> None:
    rows = (
        "1 100 0 0 2400 0 80 1\n2 99999999 0 0 2400 0 70 1\n3 0 100 0 2400 0 101 1\n"
        "4 0 100 1200 1100 0 1 1\n5 9000 0 0 0601 0 1 1\n6 200 0 0 2400 0 20 1\n"
    )
    made = plan(parse(HEAD + rows), 2, seed=1, max_iterations=200)
    assert sorted(made.unserved) == [2, 3, 4, 5]
    assert "not even for it alone" in made.unserved[2]
    assert "101 yards are more than a vehicle holds (100)" in made.unserved[3]
    assert "closes before it opens" in made.unserved[4]
    assert "reached" in made.unserved[5]
    assert sorted(i for route in made.routes for i in route if i != 9) == [1, 6]
    assert made.verdict.feasible


def test_a_day_with_nothing_to_serve_gives_an_empty_plan() -> None:
    made = plan(parse(HEAD + "1 100 0 0 2400 0 800 1\n"), 2, seed=1)
    assert (made.routes, made.miles, list(made.unserved)) == ([], 0, [1])


def test_the_daily_yards_hold_although_trips_could_carry_more() -> None:
    rows = "".join(f"{k} {k * 100} 0 0 2400 10 {40 + k} 1\n" for k in range(1, 8)).replace("\n9 ", "\n19 ")
    instance = parse(HEAD + rows)
    made = plan(instance, 2, seed=1, max_iterations=2000)
    loads = [sum(instance.by_id[i].load_yd for i in route if i != 9) for route in made.routes]
    assert made.verdict.feasible and max(loads) <= 150
    assert unservable(instance) == {}


def test_the_daily_number_of_stops_holds_although_the_loads_are_small() -> None:
    rows = "".join(f"{k} {k * 100} 0 0 2400 10 1 1\n" for k in range(20, 28))
    instance = parse(HEAD.replace("150\n9\n", "150\n3\n") + rows)
    made = plan(instance, 2, seed=1, max_iterations=2000)
    assert made.verdict.feasible
    assert sorted(len(route) - 1 for route in made.routes) == [2, 3, 3]


@pytest.mark.parametrize(
    ("opens", "closes", "early", "late"),
    [
        ("0700", "1000", 7, 10),  # before lunch: as it is
        ("1030", "1700", 10.5, 16),  # across lunch: the end moves forward by the hour
        ("1130", "1700", 11, 16),  # opens in the hour that does not exist
        ("1300", "1400", 12, 13),
    ],
)
def test_the_hour_of_lunch_is_cut_out_of_the_windows(opens: str, closes: str, early: float, late: float) -> None:
    instance = parse(HEAD + f"1 100 0 {opens} {closes} 0 1 1\n")
    window = Model(instance, 1).window(instance.stops[0])
    assert window == (early * 36000, late * 36000)


def test_a_route_whose_drive_spans_the_whole_lunch_hour_is_mended() -> None:
    # 30 miles to each side; leaving 2 at 10:55, the drive to 1 takes from before 11:00 to after 12:00
    rows = "1 250000 0 0 2400 60 1 1\n2 -100000 0 1054 1054 60 1 1\n"
    instance = parse(HEAD + rows)
    judge = RouteCheck(instance)
    assert not judge.ok([2, 1, 9])
    mended = repair(judge, [[2, 1, 9]])
    assert mended is not None
    assert check(instance, mended).feasible
