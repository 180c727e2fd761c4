"""A month of billing from the drafts to the money and the files, asked for by a clerk who asks for everything twice at once and never gives up.

Blows fall where the work stands: when a phase is through a share of its documents. See blows.py and striker.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connections, transaction

from billing.jobspecs.paper import make_files
from billing.jobspecs.payments import settle_payments
from billing.jobspecs.runs import OfRun, PrepareRun, collect, finalise_run, prepare_run
from billing.models import BillingRun, Document, Payment
from billing.selectors.due import due_keys
from billing.services import approval
from project.chaos.blows import PHASES
from project.chaos.sleepers import unless_away
from project.chaos.striker import Striker
from queues.contract import Actor
from queues.models import Run
from queues.registry import NoParams

CLERK, CHIEF = Actor("clerk", "command", user_id=1), Actor("chief", "command", user_id=2)
LIVE = ("scheduled", "pending", "running")
STEP_S, ASK_AGAIN = 0.02, 12
NO_PHASE = -1
T = TypeVar("T")


class Stuck(Exception):
    """A phase that does not come to its end."""


@dataclass
class Month:
    """`with_files`: they are made while the money is collected. `again` counts how often a run had ended dead and was asked for anew."""

    striker: Striker
    through: date
    patience_s: float
    tell: Callable[[str], None]
    again: int = 0
    with_files: bool = False
    _expected: int = 0
    _to_charge: int = 0

    def close(self) -> None:
        """From the drafts to the files. Raises Stuck."""
        code = str(self.through)
        self._expected = self._do(lambda: len(due_keys(self.through)))
        drafts = prepare_run, PrepareRun(through=self.through, issue_date=self.through)
        self._phase(0, [drafts, drafts], self._prepared)
        self._do(lambda: approval.approve(run := _run(code), actor=CHIEF, preview_hash=run.preview_hash))
        self._phase(1, [(finalise_run, OfRun(run=code))] * 2, self._final)
        to_charge = {"kind": "invoice", "contract__auto_collect": True, "gross_minor__gt": 0}
        self._to_charge = self._do(lambda: _run(code).documents.filter(**to_charge).count())
        charges, files = (collect, OfRun(run=code)), [(make_files, OfRun(run=code))] * self.with_files
        self._phase(2, [charges, charges, *files], self._collected)
        for spec, params in [(finalise_run, OfRun(run=code)), charges, *files]:  # when all is done: nothing may happen
            self._by_the_way(spec, params)
        while self._do(lambda: Payment.objects.filter(state__in=("pending", "unknown")).exists()):
            self._by_the_way(settle_payments, NoParams())

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

    def _phase(self, phase: int, jobs: Sequence[tuple[Any, Any]], share: Callable[[], float]) -> None:
        began = time.monotonic()

        def ask() -> list[UUID]:
            with transaction.atomic():
                return [spec.enqueue(params, actor=CLERK).id for spec, params in jobs]

        for _ in range(ASK_AGAIN):
            if self._ended(self.striker.unheard(phase, lambda: self._do(ask)), phase, share):
                self.striker.over(phase)
                while self.striker.at_work:
                    self._pump()
                self.tell(f"{PHASES[phase]}: {time.monotonic() - began:.1f} s, {dict(self.striker.kills)} so far")
                return
            self.again += 1
        raise Stuck(f"{PHASES[phase]}: it was asked for {ASK_AGAIN} times and never succeeded.")

    def _by_the_way(self, spec: Any, params: Any) -> None:
        """No blow falls meanwhile."""
        self._ended(self._do(lambda: [spec.enqueue(params, actor=CLERK).id]), NO_PHASE, lambda: 1.0)

    def _ended(self, ids: Sequence[UUID], phase: int, share: Callable[[], float]) -> bool:
        """Wait for these runs, with the blows of their phase. Whether one of each job succeeded. Raises Stuck."""
        until = time.monotonic() + self.patience_s
        while time.monotonic() < until:
            self._pump()
            found = unless_away(lambda: list(Run.objects.filter(pk__in=ids).values_list("job", "state")))
            if found is None:
                continue
            if len(found) == len(ids) and not any(state in LIVE for _, state in found):
                return {job for job, _ in found} == {job for job, state in found if state == "succeeded"}
            here = unless_away(share)
            if here is not None:
                self.striker.look(phase, here, ids)
        raise Stuck(f"{PHASES[phase] if phase >= 0 else 'once more'}: nothing has ended in {self.patience_s:.0f} s.")

    def _pump(self) -> None:
        self.striker.fleet.keep()
        self.striker.pump()
        time.sleep(STEP_S)

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


def _run(code: str) -> BillingRun:
    return BillingRun.objects.get(code=code)
