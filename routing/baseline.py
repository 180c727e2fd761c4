"""The nearest-neighbour plan a dispatcher would drive: the baseline whenever an improvement is quoted. No Django.

From where the vehicle stands, it takes the first of the 25 nearest open stops that fits the day and the clock, with a visit
to the nearest disposal site first when the load would not fit. What has been driven is kept a clock a departure time, so a
candidate costs two steps and not the whole route again: 2,000 stops take seconds.
"""

from __future__ import annotations

import heapq
from dataclasses import replace

from routing.instances import Instance, Node
from routing.rules import Clock, starts, step

NEAREST = 25
EVERY_HOUR = slice(0, 19, 6)  # of the ten-minute departures, those an hour apart


def _drive(instance: Instance, clocks: list[Clock], here: Node, leg: list[Node]) -> list[Clock]:
    """The clocks after driving `leg` from `here`, without those that break a rule on the way."""
    alive: list[Clock] = []
    for old in clocks:
        clock, at = replace(old), here
        for node in leg:
            if step(clock, node, instance.travel_s(at, node))[3]:
                break
            at = node
        else:
            alive.append(clock)
    return alive


def _fits(instance: Instance, clocks: list[Clock], here: Node, leg: list[Node]) -> bool:
    return any(_drive(instance, [clock], here, leg) for clock in clocks)


def baseline(instance: Instance) -> list[list[int]]:
    """Routes of node ids, disposal visits included, the depot left out. Stops no fresh vehicle can serve stay out."""
    left = {node.id for node in instance.stops}
    routes: list[list[int]] = []
    while left:
        route = _one_route(instance, left)
        if not route:
            break
        routes.append(route)
    return routes


def _one_route(instance: Instance, left: set[int]) -> list[int]:
    """Fills one vehicle and takes its stops out of `left`."""
    by_id, depot, disposals, travel = instance.by_id, instance.depot, instance.disposals, instance.travel_s
    clocks = [Clock(start, instance.lunch_s) for start in starts(instance)[EVERY_HOUR]]
    route: list[int] = []
    here, load, day, stops = depot, 0.0, 0.0, 0
    found = True
    while found:
        found = False
        if stops + 1 > instance.daily_stops:
            break
        for candidate in heapq.nsmallest(NEAREST, left, key=lambda i: travel(here, by_id[i])):
            node = by_id[candidate]
            if day + node.load_yd > instance.daily_load_yd:
                continue
            full = load + node.load_yd > instance.capacity_yd
            leg = [min(disposals, key=lambda d: travel(here, d)), node] if full else [node]
            last = min(disposals, key=lambda d: travel(node, d))
            if not _fits(instance, clocks, here, [*leg, last, depot]):
                continue
            clocks = _drive(instance, clocks, here, leg)
            route += [n.id for n in leg]
            load = (0.0 if full else load) + node.load_yd
            here, day, stops, found = node, day + node.load_yd, stops + 1, True
            left.discard(candidate)
            break
    return [*route, min(disposals, key=lambda d: travel(here, d)).id] if route else []
