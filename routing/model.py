"""One collection day as a PyVRP problem, and PyVRP's routes back as node ids. No Django.

How the rules were made to fit a solver that knows neither lunch, nor daily limits, nor "returns empty":

* Disposal sites are reload depots: a visit empties the vehicle between two trips.
* The vehicle ends at a virtual place whose distance from a stop already leads over the best disposal site to the depot.
* The common lunch is cut out of the time axis: the hour after 11:00 does not exist, and what lies after it moves forward.
* The daily limit rides on the distance: every stop adds a share of its yards to each way in, and the longest allowed
  distance of a vehicle is then its daily yards. The shares add up to a constant over the plan, so the order of plans is kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyvrp import Activity, ActivityType, Client, Depot, Location, ProblemData, Route, Solution, VehicleType

from routing.instances import FEET_PER_MILE, Instance, Node
from routing.rules import LUNCH_FROM_S

TICKS = 10  # of PyVRP's integer time units a second
PARTS = 100  # of PyVRP's integer load units a yard
FAR = 1 << 40  # a way nobody drives
END = 1  # index of the virtual end among the depots; 0 is the depot, disposal sites follow

Matrix = NDArray[np.int64]
LIMITLESS = int(np.iinfo(np.int64).max)


@dataclass(frozen=True)
class Model:
    """A day as PyVRP sees it, with at most `vehicles` vehicles; `data` is the problem, `routes` the way back.

    `count_stops` lets the daily limit stand for the number of stops too. It is cautious, so only for days that need it.
    """

    instance: Instance
    vehicles: int
    count_stops: bool = False

    @cached_property
    def stops(self) -> tuple[Node, ...]:
        return self.instance.stops

    @cached_property
    def ends(self) -> list[Node]:
        """For each stop, the disposal site on the cheapest way home."""
        sites, depot = self._home_sites, self.instance.depot
        miles = self.instance.miles
        return [min(sites, key=lambda d: miles(stop, d) + miles(d, depot)) for stop in self.stops]

    @cached_property
    def _home_sites(self) -> list[Node]:
        """Disposal sites that a vehicle can still use when it is back just before the depot closes; all, if none is so."""
        depot = self.instance.depot
        back = {d.id: d.close_s + d.service_s + self.instance.travel_s(d, depot) for d in self.instance.disposals}
        return [d for d in self.instance.disposals if back[d.id] >= depot.close_s] or list(self.instance.disposals)

    @cached_property
    def weights(self) -> Matrix:
        """The share of the daily limit that each stop takes, times `SCALE` feet."""
        day, count = self.instance.daily_load_yd, self.instance.daily_stops
        share = [max(s.load_yd / day, 1 / count if self.count_stops else 0.0) for s in self.stops]
        return np.array([math.ceil(x * self.scale) for x in share], dtype=np.int64)

    @cached_property
    def scale(self) -> int:
        """Feet that a full daily limit weighs: so many that no difference in driven feet could hide the smallest load."""
        quantum = math.gcd(*(round(s.load_yd * PARTS) for s in self.stops), round(self.instance.daily_load_yd * PARTS))
        return math.ceil(self.instance.daily_load_yd * PARTS / max(1, quantum)) * 2 * self._longest_feet

    def matrices(self) -> tuple[Matrix, Matrix]:
        """Distance (feet) and duration (ticks) between depot, virtual end, disposal sites and stops, in this order."""
        inst = self.instance
        nodes = [inst.depot, inst.depot, *inst.disposals, *self.stops]
        x, y = np.array([n.x_ft for n in nodes]), np.array([n.y_ft for n in nodes])
        feet = np.abs(x[:, None] - x[None, :]) + np.abs(y[:, None] - y[None, :])
        ticks = feet / FEET_PER_MILE * 3600 / inst.speed_mph * TICKS
        first = 2 + len(inst.disposals)
        site = {d.id: 2 + k for k, d in enumerate(inst.disposals)}
        for k, end in enumerate(self.ends):
            via = site[end.id]
            feet[first + k, END] = feet[first + k, via] + feet[via, 0]
            ticks[first + k, END] = ticks[first + k, via] + ticks[via, 0] + end.service_s * TICKS
        distance, duration = np.rint(feet).astype(np.int64), np.ceil(ticks - 1e-6).astype(np.int64)
        distance[END, :], duration[END, :] = FAR, 0
        distance[0, END] = 0
        distance[END, END] = 0
        return distance, duration

    @cached_property
    def plain(self) -> ProblemData:
        """The problem without the daily weights: what "near" means is measured here."""
        return self._problem(np.zeros(len(self.stops), dtype=np.int64), LIMITLESS)

    @cached_property
    def data(self) -> ProblemData:
        """The problem to solve."""
        return self._problem(self.weights, self.scale + self._longest_feet)

    @cached_property
    def _longest_feet(self) -> int:
        """More feet than a vehicle can drive between opening and closing of the depot; the slack of the daily limit."""
        depot = self.instance.depot
        return int((depot.close_s - depot.open_s) / 3600 * self.instance.speed_mph * FEET_PER_MILE)

    def _problem(self, weights: Matrix, longest: int) -> ProblemData:
        inst = self.instance
        distance, duration = self.matrices()
        first = 2 + len(inst.disposals)
        distance[:, first:] += weights[None, :]
        np.fill_diagonal(distance, 0)
        nodes = [inst.depot, inst.depot, *inst.disposals, *self.stops]
        window = [self.window(node) for node in nodes]
        depots = [Depot(0, *window[0]), Depot(1, *window[1])]
        for k, site in enumerate(inst.disposals, start=2):
            depots.append(Depot(k, *window[k], service_duration=math.ceil(site.service_s * TICKS)))
        clients = [
            Client(k, pickup=[math.ceil(s.load_yd * PARTS - 1e-6)], service_duration=math.ceil(s.service_s * TICKS),
                   tw_early=window[k][0], tw_late=window[k][1])
            for k, s in enumerate(self.stops, start=first)
        ]  # fmt: skip
        fleet = VehicleType(
            self.vehicles, [math.floor(inst.capacity_yd * PARTS + 1e-6)], 0, END,
            tw_early=window[0][0], tw_late=window[END][1], max_distance=longest,
            reload_depots=list(range(2, first)),
        )  # fmt: skip
        places = [Location(node.x_ft, node.y_ft) for node in nodes]
        # PyVRP's own annotation of the matrices is not a valid numpy type, hence the Any
        matrices: Any = [distance], [duration]
        return ProblemData(places, clients, depots, [fleet], *matrices)

    def window(self, node: Node) -> tuple[int, int]:
        """Opening and closing in ticks on the axis without lunch. Between 11:00 and 12:00 only what begins before counts."""
        opens, closes, lunch = node.open_s, node.close_s, self.instance.lunch_s
        early = opens if opens <= LUNCH_FROM_S else max(LUNCH_FROM_S, opens - lunch)
        late = closes if closes < LUNCH_FROM_S else max(LUNCH_FROM_S - 1, closes - lunch)
        late = min(late, LUNCH_FROM_S - 1) if LUNCH_FROM_S <= closes < LUNCH_FROM_S + lunch else late
        early_ticks = math.ceil(early * TICKS)
        return early_ticks, max(early_ticks, math.floor(late * TICKS))

    def routes(self, solution: Solution) -> list[list[int]]:
        """The solution as node ids, disposal visits included, the depot left out; every route ends at a disposal site."""
        plans: list[list[int]] = []
        for route in solution.routes():
            plan: list[int] = []
            last = -1
            for activity in route:
                if activity.is_client():
                    last = activity.idx
                    plan.append(self.stops[last].id)
                elif activity.idx >= 2:
                    plan.append(self.instance.disposals[activity.idx - 2].id)
            while plan and last >= 0 and plan[-1] != self.stops[last].id:
                plan.pop()
            if last >= 0:
                plans.append([*plan, self.ends[last].id])
        return plans

    def feet(self, solution: Solution) -> int:
        """What the solution drives, without the weights of the daily limit (they are the same for every full plan)."""
        return int(solution.distance()) - int(self.weights.sum())

    def solution(self, routes: list[list[int]]) -> Solution:
        """A plan of node ids as a PyVRP solution, to start from; the last disposal visit is the virtual end's."""
        client = {s.id: k for k, s in enumerate(self.stops)}
        depot = {d.id: k for k, d in enumerate(self.instance.disposals, start=2)}
        made = []
        for ids in routes:
            body = [
                Activity(ActivityType.CLIENT, client[i]) if i in client else Activity(ActivityType.DEPOT, depot[i])
                for i in ids[:-1]
            ]
            made.append(Route(self.data, body, 0))
        return Solution(self.data, made)
