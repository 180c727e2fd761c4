"""The rules of a collection day, and the check of a plan against them. No Django, no solver: this is what judges the solver.

A vehicle leaves the depot empty at its opening or a multiple of ten minutes later, carries at most the capacity between two
disposals and at most the daily yards and stops, and is emptied at a disposal site before it returns. Service starts within
the node's window. A vehicle that is out at 11:00 takes one lunch that starts between 11:00 and 12:00, at a node or while it
waits: at the first arrival or end of service from 11:00 on, or in the wait for a window that opens after 11:00.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from routing.instances import Instance, Node

LUNCH_FROM_S, LUNCH_TO_S = 11 * 3600, 12 * 3600
START_STEP_S, START_STEPS = 600, 60
SLACK = 1e-6  # seconds or yards forgiven, for the sums of floating-point numbers


@dataclass(frozen=True, slots=True)
class Visit:
    """One node of a driven route; times in seconds of the day, `load_yd` what is on board when the vehicle leaves."""

    node: int
    arrival_s: float
    start_s: float
    departure_s: float
    wait_s: float
    load_yd: float
    lunch: str = ""  # "on arrival", "while waiting", "after service" or nothing


@dataclass(frozen=True, slots=True)
class Timetable:
    """One route as driven: `start_s` at the depot, the visits (the return to the depot last), where lunch was taken."""

    start_s: float
    end_s: float
    visits: tuple[Visit, ...]
    lunch_at: int | None
    miles: float
    day_yd: float
    breach: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check found. `breaches` is empty exactly when `feasible`; `schedule` has one Timetable a non-empty route."""

    feasible: bool
    distance_miles: float
    vehicles: int
    served: int
    unserved: tuple[int, ...]
    breaches: tuple[str, ...]
    schedule: tuple[Timetable, ...] = ()


@dataclass(slots=True)
class Clock:
    """The time of day on a route: `now_s`, and whether lunch is over. Each method says what is broken, or nothing."""

    now_s: float
    lunch_s: float
    fed: bool = False

    def lunch_if_due(self) -> tuple[bool, str]:
        """Takes lunch when it is due: (taken here, breach)."""
        if self.fed or self.now_s < LUNCH_FROM_S:
            return False, ""
        if self.now_s > LUNCH_TO_S + SLACK:
            return False, f"lunch would start {self.now_s - LUNCH_TO_S:.0f} s after 12:00"
        self.fed = True
        self.now_s += self.lunch_s
        return True, ""

    def wait_until(self, opens_s: float) -> bool:
        """Waits for an opening; lunch is taken in the wait when the window opens after 11:00. True when it was."""
        if not self.fed and opens_s > LUNCH_FROM_S:
            self.fed = True
            self.now_s = max(opens_s, max(LUNCH_FROM_S, self.now_s) + self.lunch_s)
            return True
        self.now_s = opens_s
        return False


def step(clock: Clock, node: Node, travel_s: float) -> tuple[float, float, str, str]:
    """Drives to `node` and serves it: (arrival, service start, lunch place or "", breach or "") - `clock` moves on."""
    clock.now_s += travel_s
    arrival = clock.now_s
    taken, breach = clock.lunch_if_due()
    lunch = "on arrival" if taken else ""
    if not breach and clock.now_s > node.close_s + SLACK:
        breach = f"reached {clock.now_s - node.close_s:.0f} s after it closes"
    if breach or node.kind == "depot":
        return arrival, clock.now_s, lunch, breach
    if clock.now_s < node.open_s and clock.wait_until(node.open_s):
        lunch = "while waiting"
        if clock.now_s > node.close_s + SLACK:
            return arrival, clock.now_s, lunch, f"lunch ends {clock.now_s - node.close_s:.0f} s after it closes"
    start = clock.now_s
    clock.now_s += node.service_s
    taken, breach = clock.lunch_if_due()
    return arrival, start, "after service" if taken else lunch, breach


def starts(instance: Instance) -> list[float]:
    """The times of day, in seconds, at which a vehicle may leave: every ten minutes from the depot's opening."""
    first, last = instance.depot.open_s, instance.depot.close_s
    return [first + START_STEP_S * k for k in range(START_STEPS) if first + START_STEP_S * k <= last]


def drivable(instance: Instance, route: Sequence[Node], start_s: float) -> str:
    """What is late when the route leaves at `start_s`, or nothing."""
    clock, here = Clock(start_s, instance.lunch_s), instance.depot
    for node in (*route, instance.depot):
        breach = step(clock, node, instance.travel_s(here, node))[3]
        if breach:
            return f"node {node.id}: {breach}"
        here = node
    return ""


def timetable(instance: Instance, route: Sequence[Node], start_s: float) -> Timetable:
    """Every visit of the route when it leaves the depot at `start_s`; ends at the first breach, which it names."""
    clock, here = Clock(start_s, instance.lunch_s), instance.depot
    visits: list[Visit] = []
    load = miles = day = 0.0
    lunch_at, broken = None, ""
    for node in (*route, instance.depot):
        miles += instance.miles(here, node)
        arrival, start, lunch, breach = step(clock, node, instance.travel_s(here, node))
        if node.kind == "stop":
            load, day = load + node.load_yd, day + node.load_yd
        elif node.kind == "disposal":
            load = 0.0
        before = instance.lunch_s if lunch in ("on arrival", "while waiting") else 0.0
        visits.append(Visit(node.id, arrival, start, clock.now_s, max(0.0, start - arrival - before), load, lunch))
        lunch_at = node.id if lunch else lunch_at
        if breach:
            broken = f"node {node.id}: {breach}"
            break
        here = node
    return Timetable(start_s, clock.now_s, tuple(visits), lunch_at, miles, day, broken)


def best_timetable(instance: Instance, route: Sequence[Node]) -> Timetable:
    """The drivable departure with the shortest day (the earliest of equals); the first if none is drivable."""
    tables = [timetable(instance, route, start) for start in starts(instance)]
    good = [table for table in tables if not table.breach]
    return min(good, key=lambda table: (round(table.end_s - table.start_s, 3), table.start_s)) if good else tables[0]


def carried(instance: Instance, route: Sequence[Node]) -> Iterator[str]:
    """Breaches of capacity, daily yards, daily stops and of "returns empty"."""
    load = day = 0.0
    stops = 0
    for node in route:
        if node.kind == "disposal":
            load = 0.0
            continue
        load, day, stops = load + node.load_yd, day + node.load_yd, stops + 1
        if load > instance.capacity_yd + SLACK:
            yield f"{load:.1f} yards on board at node {node.id}, but the vehicle holds {instance.capacity_yd:g}"
    if load > 1e-9:
        yield f"returns to the depot with {load:.1f} yards on board; it must be emptied at a disposal site first"
    if day > instance.daily_load_yd + SLACK:
        yield f"{day:.1f} yards in the day, but {instance.daily_load_yd:g} are allowed"
    if stops > instance.daily_stops:
        yield f"{stops} stops in the day, but {instance.daily_stops:g} are allowed"


def route_breaches(instance: Instance, route: Sequence[Node]) -> list[str]:
    """Every rule that one route breaks, in words."""
    found = list(carried(instance, route))
    first = ""
    for start in starts(instance):
        late = drivable(instance, route, start)
        if not late:
            return found
        first = first or late
    return [*found, f"no departure time works: {first}"]


def check(instance: Instance, routes: Sequence[Sequence[int]], *, schedules: bool = True) -> Verdict:
    """Judges a plan: `routes` are node ids in driving order, disposal visits included, the depot left out.

    `schedules=False` leaves the timetables out, which is several times faster. Never raises for a bad plan.
    """
    breaches: list[str] = []
    tables: list[Timetable] = []
    served: Counter[int] = Counter()
    miles = 0.0
    driven = [route for route in routes if route]
    for index, ids in enumerate(driven, start=1):
        strange = [i for i in ids if i not in instance.by_id or instance.by_id[i].kind == "depot"]
        if strange:
            breaches.append(f"vehicle {index}: {strange[0]} is neither a stop nor a disposal site")
        route = [instance.by_id[i] for i in ids if i not in strange]
        served.update(node.id for node in route if node.kind == "stop")
        path = [instance.depot, *route, instance.depot]
        for a, b in pairwise(path):
            miles += instance.miles(a, b)
        breaches += [f"vehicle {index}: {breach}" for breach in route_breaches(instance, route)]
        if schedules:
            tables.append(best_timetable(instance, route))
    unserved = tuple(node.id for node in instance.stops if node.id not in served)
    if unserved:
        breaches.append(f"{len(unserved)} stops are not served: {', '.join(map(str, unserved[:10]))}")
    twice = [i for i, times in served.items() if times > 1]
    if twice:
        breaches.append(f"{len(twice)} stops are served more than once: {', '.join(map(str, twice[:10]))}")
    return Verdict(not breaches, miles, len(driven), len(served), unserved, tuple(breaches), tuple(tables))
