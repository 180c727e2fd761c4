"""Asking for a billing run's jobs. What they change is entered by them; who asked, from where and why is entered here."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import transaction

from billing.errors import WrongRunState
from billing.jobspecs.paper import make_files
from billing.jobspecs.runs import OfRun, PrepareRun, collect, finalise_run, prepare_run
from billing.models import BillingRun
from billing.services import runs
from queues.contract import Actor, RunRef, ports

State = BillingRun.State


def ask_new(through: date, *, issue_date: date | None = None, actor: Actor, why: str = "") -> tuple[BillingRun, RunRef]:
    """Open the run, so that it has a page, and have a job draft it. Raises WrongRunState where the day is yet to come."""
    runs.prove_over(through)
    run = runs.open_run(through, issue_date=issue_date, actor=actor)
    return run, ask_prepare(run, actor=actor, why=why)


def ask_prepare(run: BillingRun, *, actor: Actor, why: str = "") -> RunRef:
    return _ask(prepare_run, PrepareRun(through=run.through, issue_date=run.issue_date), run, actor, why)


def ask_finalise(run: BillingRun, *, actor: Actor, why: str = "") -> RunRef:
    """Raises WrongRunState where nobody approved it. Of one that is final nothing changes."""
    _prove(run, "only an approved run is made final", State.APPROVED, State.FINAL)
    return _ask(finalise_run, OfRun(run=run.code), run, actor, why)


def ask_collect(run: BillingRun, *, actor: Actor, why: str = "") -> RunRef:
    """Raises WrongRunState where it is not final."""
    _prove(run, "only a final run is collected", State.FINAL)
    return _ask(collect, OfRun(run=run.code), run, actor, why)


def ask_files(run: BillingRun, *, actor: Actor, why: str = "") -> RunRef:
    return _ask(make_files, OfRun(run=run.code), run, actor, why)


def _prove(run: BillingRun, rule: str, *states: str) -> None:
    """The job asks again; who asks now is told now."""
    if run.state not in states:
        raise WrongRunState(f"Run {run.code} is {run.get_state_display().lower()}: {rule}.")


def _ask(spec: Any, params: Any, run: BillingRun, actor: Actor, why: str) -> RunRef:
    """One live job of a kind for a run: who asks again gets the one there is, and nothing is entered."""
    with transaction.atomic():
        job: RunRef = spec.enqueue(params, actor=actor, dedupe_key=f"{spec.name}:{run.code}", why=why)
        if job.created:
            ports.auditor()(
                actor, "billing_run.ask", object_type="billing_run", object_id=str(run.pk), object_label=run.code,
                after={"job": spec.name, "run": str(job.id)}, why=why,
            )  # fmt: skip
    return job
