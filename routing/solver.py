"""Plans a collection day within a time budget: the baseline at once, then PyVRP in two processes, the best allowed plan wins.

Every plan returned has been judged by `rules.check` here, in the caller's process. No Django.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from routing.baseline import baseline
from routing.children import Brood
from routing.errors import PlanInfeasible, SolverFailed
from routing.instances import Instance, Node
from routing.rules import Verdict, check, drivable, starts
from routing.setting import Setting

NARROW = Setting("narrow", history_length=50, num_neighbours=20)
SMALL_DAY = (NARROW, Setting("default"))
LARGE_DAY = (replace(NARROW, penalty=5.0), replace(NARROW, name="narrow, strict", penalty=20.0))
LARGE = 700  # stops; beyond, breadth costs more than it finds in half a minute, and only strict searches stay allowed
SPARE_VEHICLES = 2
POLL_S, TELL_S, GRACE_S = 0.2, 1.0, 3.0

Progress = Callable[[float, float, float], None]


@dataclass(frozen=True)
class Plan:
    """A plan that keeps every rule for the stops it serves.

    `routes`: node ids in driving order, disposal visits included, the depot left out. `unserved`: stops that no plan can
    serve, each with the reason in words. Distances in miles, times in seconds. `origin`: which search found it.
    """

    routes: list[list[int]]
    unserved: dict[int, str]
    miles: float
    vehicles: int
    baseline_miles: float
    baseline_vehicles: int
    elapsed_s: float
    iterations: int
    origin: str
    stopped: bool
    verdict: Verdict

    @property
    def saved_percent(self) -> float:
        """By how many percent the plan is shorter than the nearest-neighbour plan."""
        return 100 * (1 - self.miles / self.baseline_miles) if self.baseline_miles else 0.0


def unservable(instance: Instance) -> dict[int, str]:
    """The stops that even an own vehicle could not serve, each with the reason in words."""
    times = starts(instance)
    return {stop.id: reason for stop in instance.stops if (reason := _why_not(instance, stop, times))}


def _why_not(instance: Instance, stop: Node, times: list[float]) -> str:
    if stop.load_yd > instance.capacity_yd + 1e-6:
        return f"its {stop.load_yd:g} yards are more than a vehicle holds ({instance.capacity_yd:g})"
    if stop.load_yd > instance.daily_load_yd + 1e-6:
        return f"its {stop.load_yd:g} yards are more than a vehicle may carry in a day ({instance.daily_load_yd:g})"
    if instance.daily_stops < 1:
        return f"a vehicle may serve only {instance.daily_stops:g} stops in a day"
    if stop.close_s < stop.open_s:
        return "it closes before it opens"
    if not times:
        return "the depot closes before it opens"
    first = ""
    for site in sorted(instance.disposals, key=lambda d: instance.travel_s(stop, d)):
        for start in times:
            late = drivable(instance, [stop, site], start)
            if not late:
                return ""
            first = first or late
    return f"no vehicle can serve it, be emptied and return in time, not even for it alone (the first try: {first})"


def first_plan(instance: Instance, base: list[list[int]]) -> list[list[int]]:
    """The baseline, with a vehicle of its own for every stop that it left out."""
    served = {node for route in base for node in route}
    times = starts(instance)
    extra = []
    for stop in instance.stops:
        if stop.id not in served:
            sites = sorted(instance.disposals, key=lambda d: instance.travel_s(stop, d))
            site = next(d for d in sites if any(not drivable(instance, [stop, d], start) for start in times))
            extra.append([stop.id, site.id])
    return [*base, *extra]


def plan(
    instance: Instance,
    budget_s: float,
    seed: int,
    on_progress: Progress | None = None,
    stop: Callable[[], bool] | None = None,
    max_iterations: int | None = None,
    max_vehicles: int | None = None,
) -> Plan:
    """The shortest plan found within `budget_s` seconds of wall time, process starts and checks included.

    `on_progress(elapsed_s, budget_s, best_miles)` is called about each second. `stop()` is asked every 0.2 s: when it is
    true the search ends and the best plan so far is returned; when it raises, the children are killed and the exception goes
    on. `max_iterations` ends each search earlier, and makes the plan the same on every machine. `max_vehicles` limits the
    fleet (never below what the nearest-neighbour plan needs). Raises PlanInfeasible when not even a first plan exists.
    """
    began = time.monotonic()
    unserved = unservable(instance)
    day = instance.without(unserved)
    base = baseline(day)
    first = first_plan(day, base)
    candidates = {"nearest neighbour": first}
    iterations, halted = 0, False
    if day.stops:
        fleet = len(first) + SPARE_VEHICLES if max_vehicles is None else max(max_vehicles, len(first))
        found, iterations, halted = _improve(
            day, first, budget_s, began, seed, fleet, on_progress, stop, max_iterations
        )
        candidates |= found
    judged = [(origin, routes, check(day, routes)) for origin, routes in candidates.items()]
    good = [entry for entry in judged if entry[2].feasible]
    if not good:
        raise PlanInfeasible(f"No plan for {instance.name} keeps every rule.", judged[0][2].breaches)
    origin, routes, verdict = min(good, key=lambda entry: entry[2].distance_miles)
    base_miles = check(day, base, schedules=False).distance_miles
    return Plan(routes, unserved, verdict.distance_miles, verdict.vehicles, base_miles, len(base),
                time.monotonic() - began, iterations, origin, halted, verdict)  # fmt: skip


def _near_stop_limit(day: Instance, routes: list[list[int]]) -> bool:
    """Whether the number of stops, which the model can only bound with caution, matters on this day."""
    counts = [sum(day.by_id[node].kind == "stop" for node in route) for route in routes]
    return max(counts, default=0) > 0.8 * day.daily_stops


def _improve(
    day: Instance, first: list[list[int]], budget_s: float, began: float, seed: int, fleet: int,
    on_progress: Progress | None, stop: Callable[[], bool] | None, max_iterations: int | None,
) -> tuple[dict[str, list[list[int]]], int, bool]:  # fmt: skip
    """Runs the searches: plans by the name of the search, all iterations, whether `stop` ended them."""
    closing_s = min(0.5 + len(day.stops) / 2000, budget_s / 4)  # for the last lines, the checks and the timetables
    common = {"instance": day.as_dict(), "first": first, "deadline": began + budget_s - closing_s, "vehicles": fleet,
              "max_iterations": max_iterations, "count_stops": _near_stop_limit(day, first)}  # fmt: skip
    settings = (LARGE_DAY if len(day.stops) > LARGE else SMALL_DAY)[: len(os.sched_getaffinity(0))]
    tasks = {s.name: {**common, "seed": seed + k, "setting": asdict(s)} for k, s in enumerate(settings)}
    best_first = check(day, first, schedules=False).distance_miles
    told_at, halted = 0.0, False
    with Brood(tasks) as brood:
        while not brood.finished and time.monotonic() < began + budget_s + GRACE_S:
            if stop is not None and stop():
                halted = True
                break
            now = time.monotonic()
            if on_progress is not None and now - told_at >= TELL_S:
                told_at = now
                on_progress(now - began, budget_s, min(best_first, *(child.miles for child in brood.children)))
            brood.listen(POLL_S)
        if not halted and all(child.routes is None for child in brood.children):
            said = "; ".join(f"{child.name}: {child.complaint() or 'nothing'}" for child in brood.children)
            raise SolverFailed(f"The solver ended without a plan. Its processes said: {said}")
        plans = {child.name: child.routes for child in brood.children if child.routes is not None}
        return plans, sum(child.iterations for child in brood.children), halted
