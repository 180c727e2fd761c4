"""Who strikes in a month of billing: each blow at its time."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar
from uuid import UUID

from project.chaos.blows import COLLECT, FINALISE, SERVERS, Blow
from project.chaos.fleet import Fleet, Post
from project.chaos.proxy import Proxy
from project.chaos.servers import Servers
from project.chaos.sleepers import Sleepers, holds, unless_away
from project.chaos.snares import Snares
from queues.models import Run, Worker

AWAY_S = 0.8
WRITTEN, TAKEN, ANSWERED = "effect.written", "call.taken", "call.sent"
T = TypeVar("T")


@dataclass
class Striker:
    """`kills` counts the blows that hit, `missed` are those that did not. While somebody stands still or is cut off, and while a snare is laid, no other
    blow falls."""

    fleet: Fleet
    servers: Servers
    snares: Snares
    proxy: Proxy | None
    todo: list[Blow]
    sleepers: Sleepers
    kills: Counter[str] = field(default_factory=Counter)
    missed: list[Blow] = field(default_factory=list)
    _back: list[tuple[float, str]] = field(default_factory=list)  # when which server comes back
    _laid: tuple[Blow, str] | None = None  # the snare, and where
    _thaws: float = 0.0  # when connections carry again

    @property
    def at_work(self) -> bool:
        """A server is away, or somebody stands still."""
        return bool(self._back) or self.sleepers.some

    def look(self, phase: int, share: float, runs: Sequence[UUID]) -> None:
        """Strike, if it is time: `share` of the phase is through; `runs` are its jobs."""
        is_time = bool(self.todo) and self.todo[0].phase == phase and share >= self.todo[0].share
        is_free = not self._laid and not self.sleepers.some and time.monotonic() > self._thaws
        if is_time and is_free and self._hit(self.todo[0], runs):
            self.todo.pop(0)

    def unheard(self, phase: int, ask: Callable[[], T]) -> T:
        """Ask for a phase's job; nobody hears of it where that is the next blow. No server is away."""
        if not self.todo or (self.todo[0].phase, self.todo[0].kind) != (phase, "unheard"):
            return ask()
        self._kill_all()
        answer = ask()
        self.servers.flush()
        self.kills["unheard"] += 1
        self.todo.pop(0)
        return answer

    def pump(self) -> None:
        """What is due: servers come back, who stood still wakes, the snare is looked at."""
        for due in [each for each in self._back if each[0] <= time.monotonic()]:
            self._back.remove(due)
            self.servers.bring_back(due[1])
        if self._laid and (pid := self.snares.sprung(self._laid[1])) is not None:
            blow, self._laid = self._laid[0], None
            self.kills[blow.kind] += 1
            if blow.kind == "stop":
                self.sleepers.add(next(each for each in self.fleet.mother.children.values() if each.pid == pid))
        self.sleepers.look()

    def over(self, phase: int) -> None:
        """The phase has come to its end: what is left of its blows falls in the next one, after the last one never."""
        self.pump()  # somebody may have been caught just now
        if self._laid:
            self.snares.take_up(self._laid[1])
            self.todo.append(self._laid[0])
            self._laid = None
        left = [blow for blow in self.todo if blow.phase == phase]
        later = [] if phase == COLLECT else left
        self.missed += [] if later else left
        others = [blow for blow in self.todo if blow not in left]
        self.todo = sorted([*others, *(replace(blow, phase=phase + 1, share=0.5) for blow in later)])

    def never_fell(self) -> list[str]:
        """Kinds of blows for which the month was over too soon."""
        return sorted({blow.kind for blow in [*self.missed, *self.todo] if not self.kills[blow.kind]})

    # --- the blows ---

    def _hit(self, blow: Blow, runs: Sequence[UUID]) -> bool:
        """False: nobody was there to be hit; again at the next look."""
        if (point := self._point(blow)) is not None:
            self.snares.lay(point, signal.SIGSTOP if blow.kind == "stop" else signal.SIGKILL)
            self._laid = blow, point
            return True  # it is counted when somebody is caught
        if not (self._at_servers(blow) if blow.kind in (*SERVERS, "flush") else self._at_workers(blow, runs)):
            return False
        self.kills[blow.kind] += 1
        return True

    def _point(self, blow: Blow) -> str | None:
        """Where a snare is laid."""
        if blow.kind == "stop":
            return {FINALISE: WRITTEN, COLLECT: TAKEN}.get(blow.phase)
        return ANSWERED if blow.kind == "answered" else None

    def _at_servers(self, blow: Blow) -> bool:
        if blow.kind == "flush":
            return self.servers.flush()
        if self.servers.is_away(blow.kind):
            return False
        self.servers.kill(blow.kind)
        self._back.append((time.monotonic() + AWAY_S, blow.kind))
        return True

    def _at_workers(self, blow: Blow, runs: Sequence[UUID]) -> bool:
        if blow.kind == "both":
            return self._kill_all()
        holder = unless_away(partial(self._holder, runs))
        if holder is None or holder.child is None:
            return False
        if blow.kind == "worker":
            return self.fleet.strike(holder.name, "sigkill", signal.SIGKILL)
        if blow.kind == "stop":
            if not self.fleet.strike(holder.name, "sigstop", signal.SIGSTOP):
                return False
            if not unless_away(partial(holds, holder.child)):  # it had just finished
                self.fleet.strike(holder.name, "sigcont", signal.SIGCONT)
                return False
            self.sleepers.add(holder.child)
        elif not holder.child.alive:
            return False
        elif self.proxy is not None:
            self.proxy.freeze(holder.name, blow.kind.removeprefix("freeze_"), blow.lasts_s)
            self._thaws = time.monotonic() + blow.lasts_s
        return True

    def _holder(self, runs: Sequence[UUID]) -> Post | None:
        """Whose worker has one of these runs in hand."""
        held = Run.objects.filter(pk__in=runs, state="running").values("worker_id")
        names = set(Worker.objects.filter(pk__in=held).values_list("name", flat=True))
        return next((post for post in self.fleet.posts.values() if post.child and post.child.name in names), None)

    def _kill_all(self) -> bool:
        struck = [self.fleet.strike(post, "sigkill", signal.SIGKILL) for post in self.fleet.posts]
        return any(struck)
