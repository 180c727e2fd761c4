"""Reads the waste-collection files of Kim, Kim and Sahoo (2006) into frozen dataclasses.

Five header lines (capacity in yards, daily yards, daily stops, lunch in seconds, miles an hour), a caption, and then one row
a node: id, x and y in feet, opening and closing time (HHMM), service in seconds, load in yards, kind (0 depot, 1 stop,
2 disposal site). Cells are parted by tabs or blanks; ids need not run from nought. No Django here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from routing.errors import InstanceUnreadable

Kind = Literal["depot", "stop", "disposal"]
KINDS: dict[int, Kind] = {0: "depot", 1: "stop", 2: "disposal"}
FEET_PER_MILE = 5280
MAX_BYTES = 20_000_000
HEADER = (
    "the vehicle's capacity in yards",
    "the yards a vehicle may carry in a day",
    "the stops a vehicle may serve in a day",
    "the lunch break in seconds",
    "the speed in miles an hour",
)
COLUMNS = ("the node's id", "x in feet", "y in feet", "opening time HHMM", "closing time HHMM", "service seconds",
           "load in yards", "kind (0 depot, 1 stop, 2 disposal site)")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Node:
    """One place: coordinates in feet, window in seconds of the day, service in seconds, load in cubic yards."""

    id: int
    x_ft: float
    y_ft: float
    open_s: int
    close_s: int
    service_s: float
    load_yd: float
    kind: Kind


@dataclass(frozen=True)
class Instance:
    """One day of one hauler: the vehicle's limits and every node, in the file's order."""

    name: str
    capacity_yd: float
    daily_load_yd: float
    daily_stops: float
    lunch_s: float
    speed_mph: float
    nodes: tuple[Node, ...]

    @cached_property
    def by_id(self) -> dict[int, Node]:
        return {node.id: node for node in self.nodes}

    @cached_property
    def depot(self) -> Node:
        return next(node for node in self.nodes if node.kind == "depot")

    @cached_property
    def stops(self) -> tuple[Node, ...]:
        return tuple(node for node in self.nodes if node.kind == "stop")

    @cached_property
    def disposals(self) -> tuple[Node, ...]:
        return tuple(node for node in self.nodes if node.kind == "disposal")

    def miles(self, a: Node, b: Node) -> float:
        """Manhattan distance in miles."""
        return (abs(a.x_ft - b.x_ft) + abs(a.y_ft - b.y_ft)) / FEET_PER_MILE

    def travel_s(self, a: Node, b: Node) -> float:
        """Driving time in seconds at the file's constant speed."""
        return self.miles(a, b) * 3600 / self.speed_mph

    def without(self, ids: Iterable[int]) -> Instance:
        """The same day without the nodes named (a new Instance)."""
        gone = set(ids)
        return replace(self, nodes=tuple(node for node in self.nodes if node.id not in gone))

    def as_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, for JSON; `from_dict` is the way back."""
        rows = [[n.id, n.x_ft, n.y_ft, n.open_s, n.close_s, n.service_s, n.load_yd, n.kind] for n in self.nodes]
        head = {"name": self.name, "capacity_yd": self.capacity_yd, "daily_load_yd": self.daily_load_yd}
        return {
            **head,
            "daily_stops": self.daily_stops,
            "lunch_s": self.lunch_s,
            "speed_mph": self.speed_mph,
            "nodes": rows,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Instance:
        """What `as_dict` gave, made an Instance again."""
        return cls(**{**data, "nodes": tuple(Node(*row) for row in data["nodes"])})


def load(path: str | Path) -> Instance:
    """The instance in the file at `path`; raises InstanceUnreadable, which names the line and what was expected."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InstanceUnreadable(str(path), f"the file cannot be opened ({error.strerror or error})") from error
    if len(data) > MAX_BYTES:
        raise InstanceUnreadable(
            path.name, f"the file is larger than {MAX_BYTES // 1_000_000} MB, so it is no instance"
        )
    return parse(data, name=path.name)


def parse(data: bytes | str, name: str = "instance") -> Instance:
    """The instance in `data` (bytes are read as Latin-1); `name` stands in error messages. Raises InstanceUnreadable."""
    text = data.decode("latin-1") if isinstance(data, bytes) else data
    text = text.removeprefix("\ufeff").removeprefix("\xef\xbb\xbf")
    if "\x00" in text:
        raise InstanceUnreadable(name, "this is a binary file; a text file of a collection day was expected", 1)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not text.strip():
        raise InstanceUnreadable(name, f"the file is empty; {HEADER[0]} was expected", 1)
    head = [_header(lines, index, name) for index in range(5)]
    nodes = [_node(cells, number, name) for number, cells in _rows(lines)]
    _whole(nodes, name, len(lines))
    return Instance(name, head[0], head[1], head[2], head[3], head[4], tuple(nodes))


def _header(lines: list[str], index: int, name: str) -> float:
    cells = lines[index].split() if index < len(lines) else []
    found = cells[0].split("//")[0] if cells else ""
    value = _number(found)
    if value is None or value < 0 or (value == 0 and index != 3):
        shown = f"{found[:40]!r} was found" if found else "the line is empty or missing"
        raise InstanceUnreadable(name, f"{HEADER[index]} was expected (a positive number), but {shown}", index + 1)
    return value


def _rows(lines: list[str]) -> Iterable[tuple[int, list[str]]]:
    """The node rows with their line numbers: after the header, without the caption, blank lines and remarks."""
    for number, line in enumerate(lines[5:], start=6):
        cells = line.split()
        caption = number == 6 and cells and _number(cells[0]) is None
        if cells and not caption and not cells[0].startswith(("//", "#")):
            yield number, cells


def _node(cells: list[str], number: int, name: str) -> Node:
    if len(cells) < len(COLUMNS):
        what = f"eight columns were expected but {len(cells)} found; {COLUMNS[len(cells)]} is missing"
        raise InstanceUnreadable(name, what, number)
    values = [_number(cell) for cell in cells[:8]]
    for column, value in enumerate(values):
        bad_sign = column >= 3 and value is not None and value < 0
        not_whole = column in (0, 3, 4, 7) and value is not None and value != int(value)
        if value is None or bad_sign or not_whole or (column == 7 and value not in KINDS):
            what = f"column {column + 1}: {COLUMNS[column]} was expected, but {cells[column][:40]!r} was found"
            raise InstanceUnreadable(name, what, number)
    node, x, y, opens, closes, service, load_yd, kind = (value for value in values if value is not None)
    return Node(int(node), x, y, _seconds(opens), _seconds(closes), service, load_yd, KINDS[int(kind)])


def _whole(nodes: list[Node], name: str, last: int) -> None:
    """One depot, at least one stop and one disposal site, no id twice."""
    if not nodes:
        raise InstanceUnreadable(name, "rows of nodes were expected after the header, but there are none", last)
    counts = {kind: sum(node.kind == kind for node in nodes) for kind in KINDS.values()}
    if counts["depot"] != 1:
        raise InstanceUnreadable(name, f"exactly one depot (kind 0) was expected, but there are {counts['depot']}")
    if not counts["disposal"]:
        raise InstanceUnreadable(name, "at least one disposal site (kind 2) was expected, but there is none")
    if not counts["stop"]:
        raise InstanceUnreadable(name, "at least one stop (kind 1) was expected, but there is none")
    seen: set[int] = set()
    for node in nodes:
        if node.id in seen:
            raise InstanceUnreadable(name, f"the id {node.id} stands in two rows; every node needs its own id")
        seen.add(node.id)


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _seconds(hhmm: float) -> int:
    return int(hhmm) // 100 * 3600 + int(hhmm) % 100 * 60
