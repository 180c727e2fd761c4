"""The jobs that prepare and finalise a run: what they tell, what they refuse in words, what they keep."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from billing.jobspecs.runs import OfRun, PrepareRun, finalise_run, prepare_run
from billing.models import BillingRun
from queues.engine.context import RunContext
from queues.engine.execute import execute
from queues.ledger import runs as ledger
from queues.ledger.queue_settings import ensure_queues
from queues.models import EffectRecord, Run

from .makers import NOVEMBER, a_seller
from .two_clerks import ANNA, BERT, a_month, approved, final, prepared, tampered

pytestmark = pytest.mark.django_db


def executed(ref: Any) -> Run:
    batch = ledger.claim("billing", [ref.id], worker_id=ref.id, slots=1).batches[0]
    ending = execute(RunContext(batch.claims[0], batch.claims[0].claimed_at))
    assert ending is not None
    ledger.finish([ending], slots=[batch.token])
    return Run.objects.get(pk=ref.id)


def test_the_jobs_prepare_and_finalise_and_say_what_they_did() -> None:
    ensure_queues()
    for number in range(2):
        a_month(f"K-{number}")
    done = executed(prepare_run.enqueue(PrepareRun(through=NOVEMBER), actor=ANNA))
    assert done.state == "succeeded", done.error_detail
    run = BillingRun.objects.get(pk=done.result["id"])
    assert (run.prepared_by, done.result["billed"], done.result["unresolved"]) == ("anna", 2, 0)
    assert (done.progress_done, done.progress_total) == (2, 2)
    refused = executed(finalise_run.enqueue(OfRun(run=run.code), actor=ANNA))
    assert (refused.state, refused.error_code) == ("dead", "wrong_state")
    approved(run)
    done = executed(finalise_run.enqueue(OfRun(run=run.code), actor=BERT))
    assert done.state == "succeeded", done.error_detail
    assert done.result["state"] == "final" and len(final()) == 2
    assert set(EffectRecord.objects.filter(job="billing.finalise_run").values_list("key", flat=True)) == {
        "billing.document:K-0:2026-10-01:0", "billing.document:K-1:2026-10-01:0",
    }  # fmt: skip
    again = executed(finalise_run.enqueue(OfRun(run=run.code), actor=BERT))
    assert again.state == "succeeded" and len(final()) == 2


def test_a_refused_draft_keeps_no_effect_and_is_made_final_when_it_is_mended() -> None:
    ensure_queues()
    for number in range(3):
        a_month(f"K-{number}")
    run = approved(prepared())
    tampered("K-1", 99_00)
    refused = executed(finalise_run.enqueue(OfRun(run=run.code), actor=BERT))
    assert (refused.state, refused.error_code) == (
        "dead",
        "not_as_approved",
    ) and "draft of K-1" in refused.error_message
    assert {record.key.split(":")[1]: record.result for record in EffectRecord.objects.all()} == {
        "K-0": {"number": "INV-000001"}, "K-2": {"number": "INV-000002"},
    }  # fmt: skip
    tampered("K-1", 100_00)
    done = executed(finalise_run.enqueue(OfRun(run=run.code), actor=BERT))
    assert done.state == "succeeded" and final()[2] == ("K-1", "INV-000003")
    assert EffectRecord.objects.get(key__contains=":K-1:").result == {"number": "INV-000003"}


def test_a_run_through_a_day_that_is_yet_to_come_is_refused_in_words() -> None:
    ensure_queues()
    a_seller()
    run = executed(prepare_run.enqueue(PrepareRun(through=date(2999, 1, 1)), actor=ANNA))
    assert run.state == "dead" and "is yet to come" in run.error_detail and not BillingRun.objects.exists()


def test_a_run_that_nobody_knows_is_dead_at_once_with_words() -> None:
    ensure_queues()
    done = executed(finalise_run.enqueue(OfRun(run="2020-01-01"), actor=ANNA))
    assert (done.state, done.error_code) == ("dead", "unknown_billing_run")
