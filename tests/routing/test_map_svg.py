"""The map: whole, in scale, and safe to put into a page."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from routing.instances import Node
from routing.map_svg import COLOURS, clock, colour, plan_svg


def node(number: int, x: float, y: float, kind: str = "stop") -> Node:
    return Node(number, x, y, 0, 86_400, 60, 4, kind)  # type: ignore[arg-type]


PLACES = {
    n.id: n
    for n in [
        node(0, 0, 0, "depot"),
        node(1, 100, 0),
        node(2, 100, 50),
        node(3, 50, 50, "disposal"),
        node(9, 9e6, 9e6, "disposal"),
    ]
}


def drawn(**options):
    return ElementTree.fromstring(plan_svg([(1, [1, 2, 3])], PLACES, **options))


def test_every_stop_route_and_used_site_is_drawn_once() -> None:
    svg = drawn()
    assert len(svg.findall("circle")) == 2 and len(svg.findall("polyline")) == 1 and len(svg.findall("rect")) == 1
    assert [e.find("title").text for e in svg.findall("path")] == ["Disposal site 3"]


def test_a_route_begins_and_ends_at_the_depot() -> None:
    points = drawn().find("polyline").get("points").split()
    assert points[0] == points[-1] and len(points) == 5


def test_north_is_up_and_the_scale_is_the_same_both_ways() -> None:
    stops = {
        c.find("title").text.split(",")[0]: (float(c.get("cx")), float(c.get("cy"))) for c in drawn().findall("circle")
    }
    (x1, y1), (x2, y2) = stops["Stop 1"], stops["Stop 2"]
    depot = drawn().find("rect")
    wide = x1 - (float(depot.get("x")) + 9)
    assert x1 == x2 and y2 < y1 and abs((y1 - y2) - wide / 2) < 0.2


def test_an_unserved_stop_is_crossed_out() -> None:
    assert "Stop 2 is not served" in plan_svg([(1, [1, 3])], PLACES, unserved=[2])


def test_colours_come_round_again() -> None:
    assert colour(1) == colour(COLOURS + 1) != colour(2)


def test_times_are_told_as_hours_and_minutes() -> None:
    assert (clock(0), clock(21_600), clock(39_359)) == ("00:00", "06:00", "10:55")


def test_one_lonely_place_is_still_a_map() -> None:
    ElementTree.fromstring(plan_svg([], {0: PLACES[0]}))
