"""Months of a made-up hauler, by real jobs on a real worker, with the oracle beside."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import call_command

from billing.jobspecs.runs import OfRun, PrepareRun, collect, finalise_run, prepare_run
from billing.models import BillingRun, Contract, PaymentAccount, PaymentMethod
from billing.samples.calendar import shifted
from billing.services import approval
from project.chaos import till
from queues.contract import Actor
from queues.models import Run
from tests.engine.conftest import until
from tests.oracles.billing_differ import differences
from tests.oracles.billing_oracle import Books, Files

from .told import told_by

ANNA, BERT = Actor("anna", "admin", user_id=1), Actor("bert", "admin", user_id=2)
MONTH = "2026-10"
OCTOBER = date(2026, 10, 1)
Working = Callable[..., AbstractContextManager[Any]]


class Hauler:
    """`bill(day)`: what was recorded by then is prepared by Anna and compared; `close`: Bert approves, and it is made final.

    `begins` and `ends` (exclusive): the month's.
    """

    def __init__(self, working: Working, folder: Path, contracts: int, seed: int = 1, month: str = MONTH) -> None:
        self.working, self.folder, self.oracle = working, folder, Books()
        self.sample = {"contracts": contracts, "seed": seed, "month": month}
        self.begins = date.fromisoformat(f"{month}-01")
        self.ends = shifted(self.begins, 1)

    def happen(self, events: str) -> Files:
        """Into the database, and into files for the oracle."""
        files = self.folder / events
        call_command("sample_hauler", events=events, stdout=StringIO(), **self.sample)
        known = "before" if events == "before" else "all"
        call_command("sample_hauler", events=known, only_files=files, stdout=StringIO(), **self.sample)
        return Files(files)

    def bill(self, files: Files, through: date) -> tuple[BillingRun, list[Any]]:
        """The prepared run, and what the oracle expects of it."""
        self.job(prepare_run, PrepareRun(through=through, issue_date=through))
        return BillingRun.objects.get(through=through), self.oracle.bill(files, through)

    def close(self, run: BillingRun) -> BillingRun:
        approval.approve(run, actor=BERT, preview_hash=run.preview_hash)
        self.job(finalise_run, OfRun(run=run.code))
        return BillingRun.objects.get(pk=run.pk)

    def collect(self, run: BillingRun) -> None:
        self.job(collect, OfRun(run=run.code))

    def job(self, spec: Any, params: Any) -> None:
        """Asked for by Anna; it must succeed."""
        ref = spec.enqueue(params, actor=ANNA)
        with self.working(queues=["billing"]):
            until(lambda: Run.objects.get(pk=ref.id).state not in ("scheduled", "pending", "running"), 120)
        ended = Run.objects.get(pk=ref.id)
        assert ended.state == "succeeded", (ended.state, ended.error_code, ended.error_message)


def unlike(expected: list[Any], run: BillingRun) -> list[str]:
    return differences(expected, told_by(run))


def cards_on_file() -> None:
    """For every customer who agreed to be charged."""
    till.open_it()
    for customer in {each.customer for each in Contract.objects.filter(auto_collect=True).select_related("customer")}:
        PaymentAccount.objects.create(customer=customer, provider=till.NAME, reference=f"account-{customer.code}")
        PaymentMethod.objects.create(customer=customer, provider=till.NAME, reference=f"card-{customer.code}")
