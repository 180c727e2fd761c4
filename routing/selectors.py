"""Reads: an area as the solver's input, a plan as nodes, a plan as its page and map show it. Constant numbers of queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from routing.errors import UnknownArea
from routing.instances import Instance, Kind, Node
from routing.models import Plan, Route, ServiceArea, Visit


def area_named(slug: str) -> ServiceArea:
    """Raises UnknownArea, which lists the areas."""
    try:
        return ServiceArea.objects.select_related("vehicle").get(slug=slug)
    except ServiceArea.DoesNotExist:
        raise UnknownArea(slug, list(ServiceArea.objects.values_list("slug", flat=True)[:20])) from None


def instance_of(area: ServiceArea) -> Instance:
    """The area's day as the pure modules take it. Four queries."""
    nodes = [_node(place, "depot") for place in area.depots.all()]
    nodes += [_node(place, "disposal") for place in area.disposalsites.all()]
    nodes += [_node(place, "stop", place.load_yd) for place in area.servicestops.all()]
    truck = area.vehicle
    return Instance(
        area.slug,
        truck.capacity_yd,
        truck.daily_load_yd,
        truck.daily_stops,
        truck.lunch_s,
        area.speed_mph,
        tuple(nodes),
    )


def _node(place: Any, kind: Kind, load_yd: float = 0.0) -> Node:
    return Node(place.node, place.x_ft, place.y_ft, place.open_s, place.close_s, place.service_s, load_yd, kind)


def plan_as_nodes(plan: Plan) -> dict[str, list[list[int]]]:
    """`{"routes": [[node, …], …]}`: the file's numbers of stops and disposal sites in driving order, without the depot."""
    routes: dict[int, list[int]] = {route_id: [] for route_id in plan.routes.values_list("pk", flat=True)}
    visits = Visit.objects.filter(route__plan=plan).exclude(kind=Visit.Kind.DEPOT).order_by("route__number", "sequence")
    for route_id, node in visits.values_list("route_id", "node"):
        routes[route_id].append(node)
    return {"routes": list(routes.values())}


@dataclass(frozen=True)
class Drawn:
    """A plan for its page: routes with their visits, and every place by its node number."""

    routes: list[tuple[Route, list[Visit]]]
    places: dict[int, Node]
    unserved: list[tuple[int, str]]


def drawn(plan: Plan) -> Drawn:
    routes = list(plan.routes.order_by("number").prefetch_related("visits"))
    places = {node.id: node for node in instance_of(area_named(plan.area.slug)).nodes}
    unserved = [(row.stop.node, row.reason) for row in plan.unserved.select_related("stop")]
    return Drawn([(route, list(route.visits.all())) for route in routes], places, unserved)
