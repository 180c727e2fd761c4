"""A process that is really killed while the provider has the charge and it has no answer: one charge, found by asking, never sent again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from billing.jobspecs.payments import OfRefund, refund_payment, settle_payments
from billing.jobspecs.runs import OfRun, collect
from billing.models import Payment, Refund
from billing.selectors.balances import differences
from billing.services import refunds
from queues.ledger import clock
from queues.models import OutboundCall, Run
from queues.registry import NoParams
from tests.engine.conftest import until

from .conftest import ACTOR, Runner, paid, run_job, states

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fake_window", "stripe")]
INTENTS, REFUNDS = "/v1/payment_intents", "/v1/refunds"
ROOT = Path(__file__).resolve().parents[3]
WORKER = """
import sys, uuid, django; django.setup()
from integrations.stripe import setting_up
from queues.engine.context import RunContext
from queues.ledger import clock, runs
from queues.models import Run, Worker
from queues import registry
setting_up.start("sk_test_of_the_stand_in", api_base=sys.argv[1], answer_s=50.0)
run, worker, now = Run.objects.get(pk=sys.argv[2]), uuid.uuid4(), clock.now()
Worker.objects.create(id=worker, name="doomed", host="h", pid=1, started_at=now, beat_at=now)
(batch,) = runs.claim(run.queue, [run.id], worker_id=worker, slots=1).batches
spec = registry.get(run.job)
spec.run(RunContext(batch.claims[0], now), spec.params(**run.params))
"""


def database_url() -> str:
    """The test database's, for another process."""
    told = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{told['NAME']}"
    password = f":{told['PASSWORD']}" if told["PASSWORD"] else ""
    return f"postgres://{told['USER']}{password}@{told['HOST']}:{told['PORT']}/{told['NAME']}"


def killed_over(desk: Any, run: Runner, before: str) -> None:
    """Another process executes the run. It is killed when the provider has carried `before` out, and has not answered."""
    desk.moods.append("hold")
    command = [sys.executable, "-c", WORKER, desk.address, str(run.id)]
    environment = {**os.environ, "DATABASE_URL": database_url()}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as worker:
        try:
            until(lambda: desk.held.is_set() or worker.poll() is not None, 60)
            assert worker.poll() is None, worker.stderr and worker.stderr.read()
            assert OutboundCall.objects.filter(state="sending").count() == 1 and len(desk.sent(before)) == 1
        finally:
            worker.kill()
    assert worker.returncode == -signal.SIGKILL
    desk.let_go.set()
    run.worker = Run.objects.get(pk=run.id).worker_id  # whom the next worker finds lost


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Ten minutes on, by the ledger's clock."""
    real = clock.now
    return lambda: monkeypatch.setattr(clock, "now", lambda: real() + timedelta(seconds=600))


@pytest.mark.parametrize("soon", [True, False], ids=["rescued at once", "after ten minutes"])
def test_a_charge_whose_process_was_killed_is_found_and_not_sent_again(
    desk: Any, paying: Any, a_run: Any, later: Callable[[], None], soon: bool
) -> None:
    documents = [paying(number, run=a_run) for number in (1, 2)]
    run = Runner(collect, OfRun(run=a_run.code))
    killed_over(desk, run, INTENTS)
    assert states(documents[0]) == ["pending"] and desk.charges() == {"charge:INV-000001:1": 1}
    if not soon:
        later()
    run.run()
    later()
    run_job(settle_payments, NoParams())
    assert [paid(each) for each in documents] == [("paid", 0)] * 2 and differences() == []
    assert desk.charges() == {"charge:INV-000001:1": 1, "charge:INV-000002:1": 1}
    assert len(desk.sent(INTENTS)) == 2, "each was sent once: the first was looked up"
    assert OutboundCall.objects.get(key="charge:INV-000001:1").attempts == 1


def test_a_refund_whose_process_was_killed_is_found_and_not_sent_again(
    desk: Any, paying: Any, a_run: Any, later: Callable[[], None]
) -> None:
    document = paying(1, run=a_run)
    run_job(collect, OfRun(run=a_run.code))
    asked = refunds.refund(Payment.objects.get(), 50_00, why="Missed twice.", actor=ACTOR)
    run = Runner(refund_payment, OfRefund(refund=asked.key))
    killed_over(desk, run, REFUNDS)
    run.run()
    later()
    run_job(settle_payments, NoParams())
    assert Refund.objects.get().state == "succeeded" and paid(document) == ("part_paid", 50_00) and differences() == []
    assert desk.ask("GET", REFUNDS)[1].count(b'"object": "refund"') == len(desk.sent(REFUNDS)) == 1
