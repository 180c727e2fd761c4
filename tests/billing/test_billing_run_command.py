"""`manage.py billing_run`: what is asked for, what is told, and with which code it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.management import execute_from_command_line

from billing.management.commands import billing_run
from billing.models import BillingRun, Document
from billing.services import approval, runs
from queues.contract import Actor
from queues.ledger.queue_settings import ensure_queues
from queues.models import AuditEntry, Run
from tests.engine.conftest import fake_window, working  # noqa: F401  (fixtures)

from .makers import NOVEMBER, a_contract, a_service

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fake_window")]
ANNA, BERT = Actor("anna", "admin", user_id=1), Actor("bert", "admin", user_id=2)
DAY = str(NOVEMBER)


@dataclass
class Told:
    code: int
    out: str
    err: str


@pytest.fixture
def command(capsys: Any, monkeypatch: Any) -> Callable[..., Told]:
    """As a shell runs it."""
    ensure_queues()
    monkeypatch.setattr(billing_run, "PAUSE_S", 0.02)

    def run(*words: str) -> Told:
        code = 0
        try:
            execute_from_command_line(["manage.py", "billing_run", *words])
        except SystemExit as ended:
            code = int(ended.code or 0)
        told = capsys.readouterr()
        return Told(code, told.out, told.err)

    return run


@pytest.fixture
def month(db: None) -> None:
    a_service(a_contract("K-1"))


def approved() -> BillingRun:
    run = runs.prepare(NOVEMBER, actor=ANNA)
    return approval.approve(run, actor=BERT, preview_hash=run.preview_hash)


def test_a_run_is_prepared_made_final_and_collected_with_a_look_between(command, month, working) -> None:  # noqa: F811
    with working(queues=["billing"]):
        told = command("prepare", "--through", DAY, "--wait")
        run = BillingRun.objects.get()
        assert (told.code, run.state, run.billed) == (0, "prepared", 1), told
        assert f"Run {DAY}: /admin/billing/billingrun/{run.pk}/change/" in told.out
        assert "It is prepared: 1 of 1 periods have a document." in told.out
        approval.approve(run, actor=BERT, preview_hash=run.preview_hash)
        told = command("finalise", "--run", DAY, "--wait", "--json")
        said = json.loads(told.out)
        assert (told.code, said["run"], said["state"], said["job_state"]) == (0, DAY, "final", "succeeded")
        assert command("finalise", "--run", DAY, "--wait").code == 0 and Document.objects.count() == 1
        assert command("collect", "--run", DAY, "--wait").code == 0


def test_without_waiting_the_job_is_asked_for_once_by_whoever_is_signed_in(command, month, monkeypatch) -> None:
    monkeypatch.setenv("LOGNAME", "clara")
    assert [command("prepare", "--through", DAY, "--reason", "First of the month").code for _ in range(2)] == [0, 0]
    job = Run.objects.get(job="billing.prepare_run")
    assert (job.state, job.actor, job.params) == ("pending", "clara (manage.py)", {"through": DAY, "issue_date": DAY})
    entry = AuditEntry.objects.get(action="billing_run.ask")
    assert (entry.actor, entry.why) == ("clara (manage.py)", "First of the month")


def test_the_address_is_whole_where_the_settings_say_it(command, month, settings) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.example.org", "https://roundsman.example.org"]
    assert "https://roundsman.example.org/admin/billing/billingrun/" in command("prepare", "--through", DAY).out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["prepare", "--through", "2999-01-01"], "2999-01-01 is yet to come"),
        (["prepare", "--through", "1.11.2026"], "'1.11.2026' is no day: write it like 2026-11-01"),
        (["prepare"], "--through"),
        (["finalise", "--run", "2020-01-01"], "There is no billing run '2020-01-01'."),
        (["finalise", "--run", DAY], f"Run {DAY} is prepared: only an approved run is made final."),
        (["collect", "--run", DAY], f"Run {DAY} is prepared: only a final run is collected."),
        (["approve", "--run", DAY], "invalid choice: 'approve'"),
        ([], "required"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words_and_nothing_is_asked_for(command, month, words, said: str) -> None:
    runs.prepare(NOVEMBER, actor=ANNA)
    told = command(*words)
    assert told.code == 2 and said in told.err, told
    assert not Run.objects.exists() and BillingRun.objects.count() == 1


def test_a_job_that_fails_ends_with_1_and_its_reason(command, month, working) -> None:  # noqa: F811
    approved()
    Document.objects.update(net_minor=1, tax_minor=0, gross_minor=1)  # behind the approval
    with working(queues=["billing"]):
        told = command("finalise", "--run", DAY, "--wait")
    assert told.code == 1 and "The job failed: " in told.err, told
    assert BillingRun.objects.get().state == "approved"


def test_who_waits_in_vain_is_told_that_the_job_goes_on(command, month) -> None:
    told = command("prepare", "--through", DAY, "--wait", "--timeout", "0.05")
    assert told.code == 1 and "It waits for a worker." in told.err, told
    assert "It goes on without this." in told.err and Run.objects.get().state == "pending"
