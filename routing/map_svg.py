"""A plan drawn as an SVG in its own coordinates: no tiles, no scripts, colours by CSS class. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from routing.instances import Node

WIDTH, MARGIN = 1000.0, 30.0
COLOURS = 12  # classes rt-0 … rt-11 in routing.css
Line = tuple[int, Sequence[int]]  # (the route's number, its nodes in driving order without the depot)


def plan_svg(routes: Sequence[Line], places: Mapping[int, Node], unserved: Sequence[int] = ()) -> str:
    """The whole picture. Every mark has a title for the pointer and for screen readers."""
    depot = next(node for node in places.values() if node.kind == "depot")
    shown = {node for _, nodes in routes for node in nodes} | set(unserved) | {depot.id}
    at = _Projection([places[node] for node in shown if node in places])  # far sites that nobody drives to are left out
    parts = [
        f'<svg class="rt-map" viewBox="0 0 {WIDTH:.0f} {at.height:.0f}" role="img" aria-label="Map of {len(routes)} routes">'
    ]
    parts += [_line(number, nodes, places, depot, at) for number, nodes in routes]
    for number, nodes in routes:
        parts += [
            _stop(places[node], number, order, at) for order, node in enumerate(nodes, 1) if places[node].kind == "stop"
        ]
    parts += [_cross(places[node], at) for node in unserved if node in places]
    parts += [_diamond(node, at) for node in places.values() if node.kind == "disposal" and node.id in shown]
    parts += [_house(depot, at), "</svg>"]
    return "".join(parts)


class _Projection:
    """Feet → picture, north up, the same scale both ways."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        xs, ys = [node.x_ft for node in nodes], [node.y_ft for node in nodes]
        self.left, self.top = min(xs), max(ys)
        wide, high = max(max(xs) - self.left, 1.0), max(self.top - min(ys), 1.0)
        self.scale = (WIDTH - 2 * MARGIN) / max(wide, high * 0.6)
        self.height = max(high * self.scale + 2 * MARGIN, 220.0)

    def __call__(self, node: Node) -> tuple[float, float]:
        return (node.x_ft - self.left) * self.scale + MARGIN, (self.top - node.y_ft) * self.scale + MARGIN


def colour(number: int) -> str:
    """The CSS class of a route's colour."""
    return f"rt-{(number - 1) % COLOURS}"


def _line(number: int, nodes: Sequence[int], places: Mapping[int, Node], depot: Node, at: _Projection) -> str:
    points = [at(depot), *(at(places[node]) for node in nodes), at(depot)]
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    title = f"Route {number}: {sum(places[n].kind == 'stop' for n in nodes)} stops"
    return f'<polyline class="rt-line {colour(number)}" points="{drawn}"><title>{escape(title)}</title></polyline>'


def _stop(node: Node, number: int, order: int, at: _Projection) -> str:
    x, y = at(node)
    title = (
        f"Stop {node.id}, {order}. of route {number}, {node.load_yd:g} yd³, {clock(node.open_s)}–{clock(node.close_s)}"
    )
    return f'<circle class="rt-stop {colour(number)}" cx="{x:.1f}" cy="{y:.1f}" r="4.5"><title>{escape(title)}</title></circle>'


def _diamond(node: Node, at: _Projection) -> str:
    x, y = at(node)
    return f'<path class="rt-disposal" d="M{x:.1f} {y - 11:.1f}l11 11l-11 11l-11 -11z"><title>Disposal site {node.id}</title></path>'


def _house(node: Node, at: _Projection) -> str:
    x, y = at(node)
    return f'<rect class="rt-depot" x="{x - 9:.1f}" y="{y - 9:.1f}" width="18" height="18" rx="3"><title>Depot {node.id}</title></rect>'


def _cross(node: Node, at: _Projection) -> str:
    x, y = at(node)
    return f'<path class="rt-unserved" d="M{x - 6:.1f} {y - 6:.1f}l12 12m0 -12l-12 12"><title>Stop {node.id} is not served</title></path>'


def clock(second_of_day: float) -> str:
    """Seconds of the day as HH:MM."""
    minutes = int(second_of_day // 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
