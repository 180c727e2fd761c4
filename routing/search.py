"""One search with PyVRP inside a child process: starts from a plan that is allowed, keeps the best plan that the rules allow.

PyVRP's own best is not trusted: each new best is turned back into node ids and judged by `rules`; what breaks a rule the
model cannot show is mended (`repair`), and what cannot be mended is not reported. No Django.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

from pyvrp import (
    CostEvaluator,
    IteratedLocalSearch,
    IteratedLocalSearchCallbacks,
    IteratedLocalSearchParams,
    PenaltyManager,
    PenaltyParams,
    RandomNumberGenerator,
    Solution,
)
from pyvrp.search import OPERATORS, LocalSearch, NeighbourhoodParams, PerturbationManager, compute_neighbours

from routing.instances import Instance
from routing.model import Model
from routing.repair import RouteCheck, repair
from routing.setting import Setting

Report = Callable[[float, list[list[int]] | None], None]
CHECK_EVERY, REPAIR_EVERY = 100, 3_000  # iterations


@dataclass(frozen=True)
class Found:
    """The best allowed plan of one search: routes of node ids, miles, and the iterations it took."""

    routes: list[list[int]]
    miles: float
    iterations: int


class Keeper(IteratedLocalSearchCallbacks):
    """Follows a search: judges its new bests now and then, keeps the best allowed plan, and reports about each second."""

    def __init__(self, model: Model, first: list[list[int]], report: Report) -> None:
        self.model, self.report = model, report
        self.judge = RouteCheck(model.instance)
        self.routes, self.miles = first, self._miles(first)
        self.best: Solution | None = None
        self.iterations = 0
        self._repaired_at = -REPAIR_EVERY
        self._told_at, self._told_miles = time.monotonic(), float("inf")

    def on_best(self, best: Solution) -> None:
        self.best = best

    def on_iteration(
        self, current: Solution, candidate: Solution, best: Solution, cost_evaluator: CostEvaluator
    ) -> None:
        self.iterations += 1
        if self.iterations % CHECK_EVERY == 0:
            self.take()
            if time.monotonic() - self._told_at >= 1:
                self.tell()

    def take(self, final: bool = False) -> None:
        """Judges the newest best, if there is one, and keeps it (or its mended form) when it is allowed and shorter."""
        if self.best is None or not self.best.is_feasible():
            return
        routes = self.model.routes(self.best)
        if self._miles(routes) >= self.miles - 1e-9:
            self.best = None
            return
        if not all(self.judge.ok(route) for route in routes):
            if not final and self.iterations - self._repaired_at < REPAIR_EVERY:
                return  # too soon for another repair; this best is looked at again later
            self._repaired_at = self.iterations
            mended = repair(self.judge, routes)
            self.best = None
            if mended is None or self._miles(mended) >= self.miles:
                return
            routes = mended
        self.best = None
        self.routes, self.miles = routes, self._miles(routes)

    def tell(self) -> None:
        """Reports the best miles, and the routes when they are new."""
        self._told_at = time.monotonic()
        self.report(self.miles, self.routes if self.miles < self._told_miles else None)
        self._told_miles = self.miles

    def _miles(self, routes: list[list[int]]) -> float:
        return sum(map(self.judge.miles, routes))


def search(
    instance: Instance,
    first: list[list[int]],
    setting: Setting,
    *,
    deadline: float,
    seed: int,
    vehicles: int,
    max_iterations: int | None = None,
    count_stops: bool = False,
    report: Report = lambda miles, routes: None,
) -> Found:
    """Improves the allowed plan `first` until `deadline` (time.monotonic seconds) or `max_iterations`, whichever is first."""
    model = Model(instance, vehicles, count_stops)
    data, rng = model.data, RandomNumberGenerator(seed=seed)
    neighbours = compute_neighbours(model.plain, NeighbourhoodParams(num_neighbours=setting.num_neighbours))
    local = LocalSearch(data, rng, neighbours, PerturbationManager())
    for operator in OPERATORS:
        if operator.supports(data):
            local.add_operator(operator(data))
    daily = setting.penalty * 400 * instance.daily_load_yd / model.scale
    params = PenaltyParams(min_penalty=1e-9)
    penalties = PenaltyManager(([setting.penalty * 4], setting.penalty, daily), params)
    keeper = Keeper(model, first, report)

    def over(best_cost: float) -> bool:
        return time.monotonic() >= deadline or (max_iterations is not None and keeper.iterations >= max_iterations)

    if not over(0):
        ils = IteratedLocalSearchParams(history_length=setting.history_length, callbacks=keeper)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyVRP warns when a penalty reaches its bound; the keeper judges anyway
            IteratedLocalSearch(data, penalties, local, model.solution(first), ils).run(over, collect_stats=False)
        keeper.take(final=True)
    return Found(keeper.routes, keeper.miles, keeper.iterations)
