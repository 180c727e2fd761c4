"""Many who open, prepare and finalise a run at the same moment: one run, one document each, no gap."""

from __future__ import annotations

import threading
from datetime import date
from random import Random
from typing import Any

import pytest
from django.db import connection, transaction

from billing.models import BillingRun, Contract, Document, Entry, RunItem, Standing
from billing.services import runs
from billing.services.final_documents import make_final
from billing.services.finalise import approved_of, finalise

from .makers import a_contract, a_customer, a_jurisdiction, a_seller
from .two_clerks import ANNA, BERT, a_month, approved, final, prepared

pytestmark = pytest.mark.django_db
MANY = 200


def drafts(many: int) -> BillingRun:
    """A run with so many drafts, approved."""
    a_seller()
    a_jurisdiction()
    customer, first = a_customer(), a_month("K-000")
    service = first.services.get()
    for number in range(1, many):
        contract = a_contract(f"K-{number:03}", customer=customer)
        service.pk, service.code, service.contract = None, f"K-{number:03}/1", contract
        service.save()
    return approved(prepared())


def at_once(work: Any, threads: int = 8) -> None:
    together = threading.Barrier(threads)

    def run(number: int) -> None:
        try:
            connection.ensure_connection()
            together.wait(20)
            work(number)
        finally:
            connection.close()

    started = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for each in started:
        each.start()
    for each in started:
        each.join()


@pytest.mark.django_db(transaction=True)
def test_numbers_have_no_gaps_when_many_finalise_at_once_and_every_fifth_fails() -> None:
    run = drafts(MANY)
    pks = list(Document.objects.values_list("pk", flat=True))
    random = Random(6)
    failing = set(random.sample(pks, MANY // 5))

    def work(number: int) -> None:
        for pk in pks[number::8]:
            try:
                with transaction.atomic():
                    make_final(run.code, [pk], approved_of(run.code))
                    if pk in failing:
                        raise RuntimeError("planted")
            except RuntimeError:
                pass

    at_once(work)
    numbers = sorted(Document.objects.filter(state="final").values_list("sequence", flat=True))
    assert numbers == list(range(1, MANY * 4 // 5 + 1))
    assert (
        Document.objects.filter(state="draft").count() == MANY // 5 == RunItem.objects.filter(state="drafted").count()
    )
    assert Entry.objects.values("posting").distinct().count() == Standing.objects.count() == len(numbers)
    finalise(run.code, actor=BERT)
    numbers = sorted(Document.objects.filter(state="final").values_list("sequence", flat=True))
    assert numbers == list(range(1, MANY + 1))


@pytest.mark.django_db(transaction=True)
def test_all_who_open_a_run_through_a_day_at_once_get_the_same_one() -> None:
    a_seller()
    for code in ("2026-10-31", "2026-10-31-2"):  # also where an earlier one was thrown away
        seen: list[str] = []
        at_once(lambda number, seen=seen: seen.append(runs.open_run(date(2026, 10, 31), actor=ANNA).code))
        assert seen == [code] * 8
        runs.discard(BillingRun.objects.get(code=code), actor=ANNA)


@pytest.mark.django_db(transaction=True)
def test_two_clerks_at_once_make_one_run_of_one_document_each() -> None:
    for number in range(6):
        a_month(f"K-{number}")
    at_once(lambda number: prepared(), threads=3)
    run = BillingRun.objects.get()
    assert (run.state, run.billed) == ("prepared", 6) and Document.objects.count() == 6
    assert Contract.objects.filter(documents__state="draft").distinct().count() == 6
    approved(run)
    at_once(lambda number: finalise(run.code, actor=BERT), threads=3)
    assert [number for _, number in final()] == [f"INV-{n:06}" for n in range(1, 7)]
    assert Entry.objects.values("posting").distinct().count() == 6
