"""The run: a fleet under load, the plan's acts at their times, and a bounded wait for the end."""

from __future__ import annotations

import heapq
import itertools
import math
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from project.chaos.facts import Outage
from project.chaos.fleet import Fleet
from project.chaos.mother import Child
from project.chaos.plan import RECONCILERS, SCHEDULERS, WORKERS, Act
from project.chaos.proxy import Proxy
from project.chaos.servers import Servers

STEP_S = 0.02
TELL_EVERY_S = 3.0
KILLS = {
    "sigkill": ("worker", WORKERS),
    "scheduler_kill": ("scheduler", SCHEDULERS),
    "reconciler_kill": ("reconciler", RECONCILERS),
    "client_kill": ("client", 1),
}


@dataclass
class Storm:
    """Carries acts out. `kills` counts those that hit. What must follow (a server's return, SIGCONT) is queued."""

    fleet: Fleet
    servers: Servers
    proxy: Proxy | None
    tell: Callable[[str], None]
    kills: Counter[str] = field(default_factory=Counter)
    _todo: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    _now: float = 0.0  # seconds since the start

    def load(self, acts: list[Act]) -> None:
        for act in acts:
            self._later(act.at_s, partial(self._do, act))

    def run(self, until: Callable[[float], bool], patience_s: float) -> bool:
        """Until `until(seconds passed)` holds and no act is left; False when `patience_s` were not enough."""
        began = told = time.monotonic()
        while True:
            passed = self._now = time.monotonic() - began
            while self._todo and self._todo[0][0] <= passed:
                heapq.heappop(self._todo)[2]()
            self.fleet.keep()
            if time.monotonic() - told > TELL_EVERY_S:
                told = time.monotonic()
                self.tell(self.told(passed))
            if not self._todo and until(passed):
                return True
            if passed > patience_s:
                self.calm()
                return False
            time.sleep(STEP_S)

    def calm(self) -> None:
        """Whatever is still away comes back."""
        while self._todo:
            heapq.heappop(self._todo)[2]()

    def told(self, passed: float) -> str:
        hits = ", ".join(f"{count} {kind}" for kind, count in sorted(self.kills.items()))
        away = "".join(f" · {server} away" for server in ("database", "redis") if self.servers.is_away(server))
        return f"{passed:4.0f} s · {hits or 'nothing struck yet'}{away}"

    # --- the acts ---

    def _later(self, at_s: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._todo, (at_s, next(self._numbers), call))

    def _do(self, act: Act) -> None:
        if act.kind in KILLS:
            self._kill(act)
        elif act.kind == "sigterm":
            self._ask_to_go(act)
        elif act.kind == "sigstop":
            self._stop(act)
        elif act.kind in ("redis_kill", "database_stop"):
            self._take_away(act.kind.split("_")[0], act)
        elif act.kind == "flushall":
            self._flush(act)
        elif self.proxy is not None:
            self._freeze(self.proxy, act)

    def _freeze(self, proxy: Proxy, act: Act) -> None:
        client, server, now = f"worker-{act.target}", act.kind.removeprefix("freeze_"), time.time()
        proxy.freeze(client, server, act.lasts_s)
        self.kills[act.kind] += 1
        if not math.isinf(act.lasts_s):
            self.servers.outages.append(Outage(server, now, now + act.lasts_s, client))

    def _kill(self, act: Act) -> None:
        post, count = KILLS[act.kind]
        for step in range(count):  # the next one, where the chosen is dead just now
            if self.fleet.strike(f"{post}-{(act.target + step) % count}", act.kind, signal.SIGKILL):
                self.kills[act.kind] += 1
                return

    def _ask_to_go(self, act: Act) -> None:
        """The next one that is not going already."""
        for step in range(WORKERS):
            post = self.fleet.posts[f"worker-{(act.target + step) % WORKERS}"]
            if post.child is None or post.child.name in self.fleet.struck:
                continue
            if self.fleet.strike(post.name, act.kind, signal.SIGTERM):
                self.kills[act.kind] += 1
                return
        self._later(self._now + 0.1, lambda: self._ask_to_go(act))

    def _stop(self, act: Act) -> None:
        for step in range(WORKERS):
            name = f"worker-{(act.target + step) % WORKERS}"
            post, until = self.fleet.posts[name], self._now + act.lasts_s
            if post.alive and post.frozen_until < self._now and self.fleet.strike(name, "sigstop", signal.SIGSTOP):
                self.kills["sigstop"] += 1
                post.frozen_until = until
                self._later(until, partial(self._go_on, post.child))
                return

    def _go_on(self, child: Child | None) -> None:
        if child is not None:
            self.fleet.mother.strike(child, signal.SIGCONT, group=True)

    def _take_away(self, server: str, act: Act) -> None:
        if self.servers.is_away(server):
            self._later(self._now + 1.0, lambda: self._do(act))
            return
        self.servers.kill(server)
        self.kills[act.kind] += 1
        self._later(self._now + act.lasts_s, lambda: self.servers.bring_back(server))

    def _flush(self, act: Act) -> None:
        if self.servers.flush():
            self.kills["flushall"] += 1
        else:
            self._later(self._now + 0.5, lambda: self._flush(act))
