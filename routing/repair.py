"""Mends routes that only the clock forbids: a small search over changes of a route, judged by the rules. No Django.

The solver cannot see one rule: lunch starts before 12:00, so a drive or a service longer than an hour must not span the whole
time from 11:00 to 12:00. Such a plan is rare and near a good one: one stop moved, or one stretch turned, usually mends it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from routing.instances import Instance
from routing.rules import carried, drivable, starts

TRIES = 1500


class RouteCheck:
    """Remembers what it found for each route, so that a plan is checked for the cost of its changed routes."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self._starts = starts(instance)
        self._known: dict[tuple[int, ...], bool] = {}

    def ok(self, route: Sequence[int]) -> bool:
        """Whether one route keeps every rule."""
        key = tuple(route)
        if key not in self._known:
            if len(self._known) > 20_000:
                self._known.clear()
            nodes = [self.instance.by_id[i] for i in key]
            light = next(carried(self.instance, nodes), "") == ""
            self._known[key] = light and any(not drivable(self.instance, nodes, start) for start in self._starts)
        return self._known[key]

    def miles(self, route: Sequence[int]) -> float:
        """The route's length from the depot and back."""
        by_id, depot = self.instance.by_id, self.instance.depot
        path = [depot, *(by_id[i] for i in route), depot]
        return sum(self.instance.miles(a, b) for a, b in pairwise(path))


def repair(check: RouteCheck, routes: Sequence[Sequence[int]], tries: int = TRIES) -> list[list[int]] | None:
    """The plan with its broken routes mended, or None when no small change helps. `tries` bounds the work."""
    plan = [list(route) for route in routes]
    for index in range(len(plan)):
        if not check.ok(plan[index]):
            mended = _mend(check, plan, index, tries)
            if mended is None:
                return None
            plan = mended
    return [route for route in plan if route]


def _mend(check: RouteCheck, plan: list[list[int]], index: int, tries: int) -> list[list[int]] | None:
    """The cheapest of the changes to route `index` that keeps the rules: within it first, then with another route."""
    route = plan[index]
    ranked = sorted((check.miles(new), new) for new in _turns(check.instance, route))
    for _, new in ranked[:tries]:
        if check.ok(new):
            return [*plan[:index], new, *plan[index + 1 :]]
    moves = sorted(_moves(check, plan, index))
    for _, other, shorter, longer in moves[:tries]:
        if check.ok(shorter) and check.ok(longer):
            return [shorter if k == index else longer if k == other else r for k, r in enumerate(plan)]
    return None


def _turns(instance: Instance, route: list[int]) -> Iterator[list[int]]:
    """The route with a stretch of one to three stops moved, or a stretch turned round; the last disposal stays last."""
    body, last = route[:-1], route[-1:]
    disposal = {d.id for d in instance.disposals}
    for size in (1, 2, 3):
        for start in range(len(body) - size + 1):
            stretch, rest = body[start : start + size], body[:start] + body[start + size :]
            for place in range(len(rest) + 1):
                if place != start:
                    yield rest[:place] + stretch + rest[place:] + last
    for start in range(len(body)):
        for end in range(start + 2, len(body) + 1):
            yield body[:start] + body[start:end][::-1] + body[end:] + last
    for start, node in enumerate(body):
        if node not in disposal:
            yield from ([*body[: start + 1], d, *body[start + 1 :], *last] for d in sorted(disposal))


def _moves(check: RouteCheck, plan: list[list[int]], index: int) -> Iterator[tuple[float, int, list[int], list[int]]]:
    """One stop of route `index` at its cheapest place in each other route (or alone): added miles and both routes."""
    instance, route = check.instance, plan[index]
    before = check.miles(route)
    for at, stop in enumerate(route):
        if instance.by_id[stop].kind != "stop":
            continue
        shorter = route[:at] + route[at + 1 :]
        if all(instance.by_id[i].kind == "disposal" for i in shorter):
            shorter = []
        saved = before - (check.miles(shorter) if shorter else 0.0)
        for other, target in enumerate(plan):
            if other != index and target:
                longer = min(([*target[:k], stop, *target[k:]] for k in range(len(target))), key=check.miles)
                yield check.miles(longer) - check.miles(target) - saved, other, shorter, longer
