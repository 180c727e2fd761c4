"""A month of billing from the drafts to the money, asked for by a clerk who asks for everything twice at once and never gives up.

Blows fall where the work stands: when a phase is through a share of its documents, somebody dies.
"""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connections

from billing.jobspecs.payments import settle_payments
from billing.jobspecs.runs import OfRun, PrepareRun, collect, finalise_run, prepare_run
from billing.models import BillingRun, Document, Payment
from billing.selectors.due import due_keys
from billing.services import approval
from project.chaos.fleet import Fleet
from project.chaos.servers import Servers
from queues.contract import Actor
from queues.models import Run
from queues.registry import NoParams

CLERK, CHIEF = Actor("clerk", "command", user_id=1), Actor("chief", "command", user_id=2)
PHASES = ("prepare", "finalise", "collect")
LIVE = ("scheduled", "pending", "running")
STEP_S, ASK_AGAIN, AWAY_S = 0.02, 12, 0.8
T = TypeVar("T")


class Stuck(Exception):
    """A phase that does not come to its end."""


@dataclass(frozen=True, order=True)
class Blow:
    """When `share` (0 to 1) of a phase's documents are through, `kind` happens."""

    phase: int
    share: float
    kind: str


def blows(seed: int, database: str) -> list[Blow]:
    """Pure: who dies when. In each phase both workers at once, one of them, Redis, and PostgreSQL where it is a server."""
    rng = random.Random(f"month {seed} {database}")  # nosec B311 # repeatable by its seed
    kinds = ["both", "worker", "redis"] + (["database"] if database == "postgres" else [])
    found = []
    for phase in range(len(PHASES)):
        shares = [round((place + rng.uniform(0.1, 0.8)) / len(kinds), 3) for place in range(len(kinds))]
        found += [Blow(phase, share, kind) for share, kind in zip(shares, rng.sample(kinds, len(kinds)), strict=True)]
    return sorted(found)


@dataclass
class Month:
    """`kills` counts the blows that hit; `again` how often a run had ended dead and was asked for anew."""

    fleet: Fleet
    servers: Servers
    through: date
    todo: list[Blow]
    patience_s: float
    tell: Callable[[str], None]
    kills: Counter[str] = field(default_factory=Counter)
    again: int = 0
    _returns: list[tuple[float, str]] = field(default_factory=list)
    _expected: int = 0
    _to_charge: int = 0

    def close(self) -> None:
        """From the drafts to the money. Raises Stuck."""
        code, params = str(self.through), PrepareRun(through=self.through, issue_date=self.through)
        self._expected = self._do(lambda: len(due_keys(self.through)))
        self._phase(
            0, lambda: [each.id for each in prepare_run.enqueue_many([params] * 2, actor=CLERK)], self._prepared
        )
        self._do(lambda: approval.approve(run := _run(code), actor=CHIEF, preview_hash=run.preview_hash))
        self._phase(
            1, lambda: [each.id for each in finalise_run.enqueue_many([OfRun(run=code)] * 2, actor=CLERK)], self._final
        )
        to_charge = {"kind": "invoice", "contract__auto_collect": True, "gross_minor__gt": 0}
        self._to_charge = self._do(lambda: _run(code).documents.filter(**to_charge).count())
        self._phase(
            2, lambda: [each.id for each in collect.enqueue_many([OfRun(run=code)] * 2, actor=CLERK)], self._collected
        )
        self._calm()
        for ask in (finalise_run.enqueue, collect.enqueue):  # once more when all is done: nothing may happen
            self._ended(self._do(lambda ask=ask: [ask(OfRun(run=code), actor=CLERK).id]), -1, lambda: 1.0)  # type: ignore[misc]
        while self._do(lambda: Payment.objects.filter(state__in=("pending", "unknown")).exists()):
            self._ended(self._do(lambda: [settle_payments.enqueue(NoParams(), actor=CLERK).id]), -1, lambda: 1.0)

    # --- how far a phase is: 0 to 1 ---

    def _prepared(self) -> float:
        run = BillingRun.objects.filter(code=str(self.through)).first()
        return 0.0 if run is None else min(1.0, run.items.count() / max(1, self._expected))

    def _final(self) -> float:
        run = _run(str(self.through))
        return run.documents.filter(state=Document.State.FINAL).count() / max(1, run.documents.count())

    def _collected(self) -> float:
        asked = Payment.objects.filter(key__startswith="charge:").exclude(state=Payment.State.PENDING).count()
        return min(1.0, asked / max(1, self._to_charge))

    # --- the clerk ---

    def _phase(self, phase: int, ask: Callable[[], list[UUID]], share: Callable[[], float]) -> None:
        began = time.monotonic()
        for _ in range(ASK_AGAIN):
            if self._ended(self._do(ask), phase, share):
                self.tell(f"{PHASES[phase]}: {time.monotonic() - began:.1f} s, {dict(self.kills)} so far")
                return
            self.again += 1
        raise Stuck(f"{PHASES[phase]}: it was asked for {ASK_AGAIN} times and never succeeded.")

    def _ended(self, ids: Sequence[UUID], phase: int, share: Callable[[], float]) -> bool:
        """Wait for these runs, with the blows of their phase. Whether one of them succeeded. Raises Stuck."""
        until = time.monotonic() + self.patience_s
        while time.monotonic() < until:
            self._pump()
            states = self._try(lambda: list(Run.objects.filter(pk__in=ids).values_list("state", flat=True)))
            if states is None:
                continue
            if len(states) == len(ids) and not any(state in LIVE for state in states):
                return "succeeded" in states
            self._strike(phase, share)
        raise Stuck(f"{PHASES[phase]}: nothing has ended in {self.patience_s:.0f} s.")

    def _strike(self, phase: int, share: Callable[[], float]) -> None:
        if not self.todo or self.todo[0].phase != phase:
            return
        here = self._try(share)
        if here is not None and here >= self.todo[0].share:
            self._hit(self.todo.pop(0).kind)

    def _hit(self, kind: str) -> None:
        if kind in ("redis", "database"):
            self.servers.kill(kind)
            self._returns.append((time.monotonic() + AWAY_S, kind))
            self.kills[kind] += 1
            return
        for post in list(self.fleet.posts)[: 1 if kind == "worker" else None]:
            self.kills["worker"] += self.fleet.strike(post, "sigkill", signal.SIGKILL)

    def _pump(self) -> None:
        self.fleet.keep()
        for due in [each for each in self._returns if each[0] <= time.monotonic()]:
            self._returns.remove(due)
            self.servers.bring_back(due[1])
        time.sleep(STEP_S)

    def _calm(self) -> None:
        while self._returns:
            self._pump()

    def _do(self, call: Callable[[], T]) -> T:
        """Until the database answers. Raises Stuck."""
        until = time.monotonic() + self.patience_s
        while time.monotonic() < until:
            try:
                return call()
            except (DatabaseError, InterfaceError):
                connections.close_all()
                self._pump()
        raise Stuck("The database does not come back.")

    def _try(self, call: Callable[[], T]) -> T | None:
        try:
            return call()
        except (DatabaseError, InterfaceError):
            connections.close_all()
            return None


def _run(code: str) -> BillingRun:
    return BillingRun.objects.get(code=code)
