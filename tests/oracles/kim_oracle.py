"""A second, independent judge of waste-collection plans, for comparison with `routing.rules`. Standard library only.

It reads the file's text itself and keeps to the rules as written in the data's own checker: nothing is imported from `routing`.
"""

from __future__ import annotations

from collections.abc import Sequence


def clock(hhmm: str) -> int:
    whole = int(float(hhmm))
    return (whole // 100) * 3600 + (whole % 100) * 60


class Day:
    """The file as dictionaries by node id: xy in feet, window in seconds, service in seconds, load in yards, kind 0/1/2."""

    def __init__(self, text: str) -> None:
        lines = text.replace("\r", "").split("\n")
        numbers = [float(line.replace("\t", " ").split()[0].split("//")[0]) for line in lines[:5]]
        self.capacity, self.daily_load, self.daily_stops, self.lunch, self.mph = numbers
        self.xy: dict[int, tuple[float, float]] = {}
        self.window: dict[int, tuple[int, int]] = {}
        self.service: dict[int, float] = {}
        self.load: dict[int, float] = {}
        self.kind: dict[int, int] = {}
        for line in lines[6:]:
            cells = line.split()
            if len(cells) < 8:
                continue
            node = int(float(cells[0]))
            self.xy[node] = float(cells[1]), float(cells[2])
            self.window[node] = clock(cells[3]), clock(cells[4])
            self.service[node], self.load[node] = float(cells[5]), float(cells[6])
            self.kind[node] = int(float(cells[7]))
        self.depot = next(node for node, kind in self.kind.items() if kind == 0)

    def miles(self, a: int, b: int) -> float:
        (ax, ay), (bx, by) = self.xy[a], self.xy[b]
        return (abs(ax - bx) + abs(ay - by)) / 5280

    def punctual(self, route: Sequence[int], leave: float) -> bool:
        """Whether the route can be driven when it leaves the depot at `leave`, with one lunch when it is out at 11:00."""
        time, lunched, place, eleven, noon = leave, False, self.depot, 11 * 3600, 12 * 3600
        for node in [*route, self.depot]:
            time += self.miles(place, node) * 3600 / self.mph
            opens, closes = self.window[node]
            if time >= eleven and not lunched:
                if time > noon + 1e-6:
                    return False
                time, lunched = time + self.lunch, True
            if time > closes + 1e-6:
                return False
            if node == self.depot:
                return True
            if time < opens:
                if opens > eleven and not lunched:
                    time, lunched = max(opens, max(eleven, time) + self.lunch), True
                    if time > closes + 1e-6:
                        return False
                else:
                    time = opens
            time += self.service[node]
            if time >= eleven and not lunched:
                if time > noon + 1e-6:
                    return False
                time, lunched = time + self.lunch, True
            place = node
        return True

    def judge(self, routes: Sequence[Sequence[int]]) -> tuple[bool, float]:
        """(every rule kept, miles) of a plan of known stops and disposal sites."""
        fine, miles, seen = True, 0.0, []
        opens, closes = self.window[self.depot]
        for route in (r for r in routes if r):
            on_board, day, stops = 0.0, 0.0, 0
            for a, b in zip([self.depot, *route], [*route, self.depot], strict=True):
                miles += self.miles(a, b)
            for node in route:
                if self.kind[node] == 2:
                    on_board = 0.0
                else:
                    on_board, day, stops = on_board + self.load[node], day + self.load[node], stops + 1
                    seen.append(node)
                    fine = fine and on_board <= self.capacity + 1e-6
            fine = fine and on_board <= 1e-9 and day <= self.daily_load + 1e-6 and stops <= self.daily_stops
            leaves = [opens + 600 * k for k in range(60) if opens + 600 * k <= closes]
            fine = fine and any(self.punctual(route, leave) for leave in leaves)
        every = sorted(node for node, kind in self.kind.items() if kind == 1)
        return fine and sorted(seen) == every, miles
