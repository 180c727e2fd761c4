"""The nearest-neighbour baseline: the figures every improvement is quoted against."""

from __future__ import annotations

from pathlib import Path

import pytest

from routing.baseline import baseline
from routing.instances import load, parse
from routing.rules import check

DATA = Path(__file__).parents[2] / "routing" / "data" / "kim2006"


def test_the_baseline_of_the_335_file_is_the_published_one() -> None:
    instance = load(DATA / "335_stop.txt")
    verdict = check(instance, baseline(instance))
    assert verdict.feasible
    assert (round(verdict.distance_miles, 1), verdict.vehicles) == (229.7, 6)


HEAD = "100\n150\n{stops}\n3600\n40\ncaption\n0 0 0 0600 1800 0 0 0\n9 5280 0 0 2400 600 0 2\n"


@pytest.mark.parametrize(("stops", "routes"), [(9, [[1, 2, 9], [3, 9]]), (1, [[1, 9], [2, 9], [3, 9]])])
def test_the_daily_limits_open_another_vehicle(stops: int, routes: list[list[int]]) -> None:
    rows = "1 100 0 0 2400 0 50 1\n2 200 0 0 2400 0 50 1\n3 300 0 0 2400 0 60 1\n"
    assert baseline(parse(HEAD.format(stops=stops) + rows)) == routes


def test_a_full_vehicle_is_emptied_at_the_nearest_site_on_the_way() -> None:
    rows = "1 100 0 0 2400 0 80 1\n2 200 0 0 2400 0 70 1\n"
    assert baseline(parse(HEAD.format(stops=9) + rows)) == [[1, 9, 2, 9]]


def test_a_stop_nobody_can_reach_in_time_is_left_out() -> None:
    rows = "1 100 0 0 2400 0 80 1\n2 99999999 0 0 2400 0 70 1\n"
    assert baseline(parse(HEAD.format(stops=9) + rows)) == [[1, 9]]
