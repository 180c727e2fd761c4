"""The rules of a day: every rule has a planted breach; random plans are judged as an independent oracle judges them."""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.baseline import baseline
from routing.instances import Instance, load, parse
from routing.rules import check, timetable

ROOT = Path(__file__).parents[2]
KIM_335 = ROOT / "routing" / "data" / "kim2006" / "335_stop.txt"
# 40 miles an hour: a mile (5280 feet) is 90 seconds. Depot 0, disposal site 9, stops 1 to 4.
HEAD = "{capacity}\n{daily}\n{stops}\n3600\n40\ncaption\n"
DEPOT, SITE = "0 0 0 0600 1800 0 0 0\n", "9 5280 0 0600 1800 600 0 2\n"


def oracle() -> ModuleType:
    spec = importlib.util.spec_from_file_location("kim_oracle", ROOT / "tests" / "oracles" / "kim_oracle.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def day(*rows: str, capacity: float = 100, daily: float = 200, stops: int = 10, depot: str = DEPOT) -> Instance:
    head = HEAD.format(capacity=capacity, daily=daily, stops=stops)
    return parse(head + depot + SITE + "".join(row + "\n" for row in rows))


def said(instance: Instance, *routes: list[int]) -> str:
    return " | ".join(check(instance, routes).breaches)


STOP = "1 10560 0 0600 1800 300 60 1"


def test_a_plan_within_the_rules_is_allowed_and_measured() -> None:
    verdict = check(day(STOP), [[1, 9]])
    assert verdict.feasible and verdict.breaches == ()
    assert (verdict.distance_miles, verdict.vehicles, verdict.served, verdict.unserved) == (4.0, 1, 1, ())


def test_the_timetable_says_when_and_with_what() -> None:
    instance = day("1 10560 0 1000 1100 300 60 1")
    table = timetable(instance, [instance.by_id[i] for i in (1, 9)], 9 * 3600 + 50 * 60)
    first, site, home = table.visits
    assert (table.start_s, first.arrival_s, first.start_s) == (35400, 35580, 36000)
    assert (first.wait_s, first.departure_s, first.load_yd) == (420, 36300, 60)
    assert (site.start_s, site.departure_s, site.load_yd) == (36390, 36990, 0)
    assert (home.node, home.arrival_s, table.lunch_at, table.day_yd) == (0, 37080, None, 60)


def test_the_departure_with_the_shortest_day_is_shown() -> None:
    (table,) = check(day("1 10560 0 1000 1100 300 60 1"), [[1, 9]]).schedule
    assert (table.start_s, table.visits[0].wait_s) == (10 * 3600, 0)


@pytest.mark.parametrize(
    ("instance", "routes", "words"),
    [
        (day(STOP), [], "1 stops are not served: 1"),
        (day(STOP), [[1, 9], [1, 9]], "more than once: 1"),
        (day(STOP), [[1]], "returns to the depot with 60.0 yards"),
        (day(STOP, "2 0 0 0600 1800 0 60 1"), [[1, 2, 9]], "120.0 yards on board at node 2"),
        (day(STOP, "2 0 0 0600 1800 0 60 1", daily=100), [[1, 9, 2, 9]], "120.0 yards in the day"),
        (day(STOP, "2 0 0 0600 1800 0 6 1", stops=1), [[1, 2, 9]], "2 stops in the day"),
        (day(STOP), [[1, 9, 77]], "77 is neither a stop nor a disposal site"),
        (day(STOP), [[1, 9, 0]], "0 is neither a stop nor a disposal site"),
        (day("1 10560 0 0600 0602 0 1 1"), [[1, 9]], "node 1: reached 60 s after it closes"),
        (day(STOP, depot="0 0 0 0600 0610 0 0 0\n"), [[1, 9]], "node 0: reached"),
        (day("1 10560 0 1130 1145 60 1 1"), [[1, 9]], "node 1"),
        (day("1 10560 0 1000 1000 7500 1 1"), [[1, 9]], "lunch would start 300 s after 12:00"),
    ],
)
def test_every_rule_finds_its_planted_breach(instance: Instance, routes: list[list[int]], words: str) -> None:
    verdict = check(instance, routes)
    assert not verdict.feasible
    assert words in " | ".join(verdict.breaches)


def test_lunch_is_taken_on_arrival_while_waiting_and_after_service() -> None:
    afternoon = day("1 10560 0 1300 1800 60 1 1")
    waiting = timetable(afternoon, afternoon.stops, 6 * 3600)
    assert (waiting.breach, waiting.visits[0].lunch, waiting.visits[0].start_s) == ("", "while waiting", 13 * 3600)
    morning = day("1 10560 0 1030 1030 2700 1 1")
    served = timetable(morning, morning.stops, 6 * 3600)
    late = timetable(afternoon, afternoon.stops, 12 * 3600 - 90)
    assert late.breach == "node 1: lunch would start 90 s after 12:00"
    due = timetable(afternoon, afternoon.stops, 12 * 3600 - 180)
    assert (due.visits[0].lunch, due.visits[0].start_s, due.lunch_at) == ("on arrival", 13 * 3600, 1)
    assert (served.visits[0].lunch, served.visits[0].departure_s) == ("after service", 11.25 * 3600 + 3600)
    far = day("1 528000 0 0600 1800 60 1 1", "2 10560 0 1050 1050 60 1 1")
    assert "lunch" in said(far, [2, 1, 9])  # a drive from before 11:00 to after 12:00 leaves no place for lunch


def test_lunch_before_a_window_between_eleven_and_noon_comes_too_late() -> None:
    assert said(day("1 10560 0 0600 1101 60 1 1"), [[1, 9]][0]) == ""
    assert "lunch ends" in said(day("1 10560 0 1101 1159 60 1 1"), [1, 9])


def test_a_later_departure_is_found_when_only_it_works() -> None:
    # leaving at 06:00, the drive of 58 miles ends before 11:00; only the wait decides where lunch falls
    instance = day("1 10560 0 0600 1800 60 1 1", "2 432960 0 0600 1800 60 1 1")
    assert check(instance, [[1, 2, 9]]).feasible


def test_random_plans_are_judged_as_the_oracle_judges_them() -> None:
    instance, other = load(KIM_335), ORACLE.Day(KIM_335.read_text(encoding="latin-1"))
    base = baseline(instance)
    stops = [node.id for node in instance.stops]
    sites = [node.id for node in instance.disposals]
    verdicts = set()

    @settings(max_examples=150, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32), st.integers(0, 6))
    def agree(seed: int, changes: int) -> None:
        rng, routes = random.Random(seed), [list(route) for route in base]
        for _ in range(changes):
            mutate(rng, routes, stops, sites)
        mine = check(instance, routes, schedules=False)
        fine, miles = other.judge(routes)
        assert (mine.feasible, round(mine.distance_miles, 6)) == (fine, round(miles, 6))
        verdicts.add(fine)

    agree()
    assert verdicts == {True, False}


def mutate(rng: random.Random, routes: list[list[int]], stops: list[int], sites: list[int]) -> None:
    """One random change: swap neighbours, move a node, add or drop a disposal visit, drop or double a stop."""
    a, b = rng.choice(routes), rng.choice(routes)
    if len(a) < 3:
        return
    at = rng.randrange(len(a) - 1)
    change = rng.random()
    if change < 0.4:
        a[at], a[at + 1] = a[at + 1], a[at]
    elif change < 0.7:
        b.insert(rng.randrange(len(b) + 1), a.pop(at))
    elif change < 0.9:
        a.insert(at, rng.choice(sites))
    elif change < 0.95:
        a.pop(at)
    else:
        a.insert(at, rng.choice(stops))


ORACLE = oracle()
SMALL_HEAD = "100\n150\n6\n{lunch}\n40\ncaption\n"


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(0, 2**32))
def test_small_random_days_with_tight_windows_are_judged_as_the_oracle_judges_them(seed: int) -> None:
    rng = random.Random(seed)
    rows = [f"0 0 0 {rng.choice(['0400', '0900', '1030'])} {rng.choice(['1130', '1500', '2000'])} 0 0 0"]
    rows += [f"{k} {rng.uniform(-1, 1) * 90_000:.1f} 0 0000 2400 {rng.choice([0, 1600])} 0 2" for k in (1, 2)]
    for k in range(3, 9):
        opens = rng.choice(["0000", "0700", "1030", "1100", "1115", "1300"])
        closes = rng.choice(["1100", "1130", "1200", "1245", "1700", "2400"])
        rows.append(f"{k} {rng.uniform(-1, 1) * 200_000:.1f} 0 {opens} {closes} {rng.choice([0, 300, 4000])} 30 1")
    text = SMALL_HEAD.format(lunch=rng.choice([0, 1800, 3600, 5400])) + "\n".join(rows)
    order = rng.sample(range(3, 9), 6)
    routes = [[*order[:2], 1], [order[2], 2], [*order[3:5], 1, order[5], 2]]
    other = ORACLE.Day(text)
    mine = check(parse(text), routes)
    fine, miles = other.judge(routes)
    assert (mine.feasible, round(mine.distance_miles, 6)) == (fine, round(miles, 6))
    for index, route in enumerate(routes):
        alone = not [b for b in mine.breaches if b.startswith(f"vehicle {index + 1}: no departure")]
        leaves = [other.window[0][0] + 600 * k for k in range(60) if other.window[0][0] + 600 * k <= other.window[0][1]]
        assert alone == any(other.punctual(route, leave) for leave in leaves)
        assert alone == (mine.schedule[index].breach == "")
