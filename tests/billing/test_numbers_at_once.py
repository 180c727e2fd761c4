"""200 documents are made final at once by many hands, and every fifth attempt fails after its number was taken: no gap, nothing twice."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection, transaction

from billing.models import BillingRun, Entry, Series, Standing
from billing.selectors import soundness
from billing.services import approval, books, finalise, runs
from billing.services.final_documents import make_final
from queues.contract import Actor

pytestmark = pytest.mark.django_db(transaction=True)
ANNA, BERT = Actor("anna", "admin", user_id=1), Actor("bert", "admin", user_id=2)
MANY, HANDS, SHARE = 200, 8, 5


class Torn(Exception):
    """Thrown on purpose, in the middle of a transaction."""


@pytest.fixture
def approved() -> BillingRun:
    call_command("sample_hauler", contracts=230, seed=3, month="2026-10", events="before", stdout=StringIO())
    run = runs.prepare(date(2026, 10, 1), actor=ANNA)
    assert run.billed >= MANY
    return approval.approve(run, actor=BERT, preview_hash=run.preview_hash)


@pytest.fixture
def tearing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One in five bookings fails, before or after its entries are written; by then the number is taken. Returns what failed."""
    chance, lock, real, torn = random.Random(5), threading.Lock(), books.post_all, []

    def post_all(postings: Iterable[books.Posting]) -> None:
        with lock:
            fails, late = chance.randrange(SHARE) == 0, chance.random() < 0.5
            if fails:
                torn.append("a booking")
        if fails and not late:
            raise Torn
        real(postings)
        if fails:
            raise Torn

    monkeypatch.setattr(books, "post_all", post_all)
    return torn


def together(work: Callable[[int], None]) -> None:
    def apart(number: int) -> None:
        try:
            work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(HANDS) as pool:
        list(pool.map(apart, range(HANDS)))


def test_many_hands_that_fail_leave_no_gap(approved: BillingRun, tearing: list[str]) -> None:
    """Each hand takes all documents in an order of its own; what fails is tried again, until all are final."""
    keys = list(approved.documents.values_list("pk", flat=True))
    attempts = []

    def work(hand: int) -> None:
        mine = random.Random(hand).sample(keys, len(keys))
        while mine:
            pk = mine.pop(0)
            try:
                with transaction.atomic():
                    make_final(approved.code, [pk], finalise.approved_of(approved.code))
            except Torn:
                attempts.append(pk)
                mine.append(pk)
            except OperationalError:  # SQLite: somebody else writes
                mine.append(pk)

    together(work)
    assert len(tearing) > MANY // SHARE // 2 and len(attempts) == len(tearing)
    nothing_is_missing(approved, keys)


@pytest.mark.parametrize("batch", [1, 7])
def test_many_clerks_finalise_one_run_and_give_up_at_each_failure(
    batch: int, approved: BillingRun, tearing: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the service that the job calls: whoever fails starts again, and goes on where the run stands."""
    monkeypatch.setattr(finalise, "BATCH", batch)
    keys = list(approved.documents.values_list("pk", flat=True))

    def work(hand: int) -> None:
        for _ in range(4 * len(keys)):
            try:
                finalise.finalise(approved.code, actor=ANNA)
                return
            except (Torn, OperationalError):
                continue
        raise AssertionError("it never came to its end")

    together(work)
    assert len(tearing) > MANY // SHARE // 2 // batch
    assert BillingRun.objects.get(pk=approved.pk).state == BillingRun.State.FINAL
    nothing_is_missing(approved, keys)
    numbers = approved.documents.order_by("contract__code", "period_start").values_list("sequence", flat=True)
    assert list(numbers) == sorted(numbers)


def nothing_is_missing(run: BillingRun, keys: list[Any]) -> None:
    finals = list(run.documents.filter(state="final").values_list("series__code", "sequence"))
    assert len(finals) == len(keys) == len(set(finals))
    for series in Series.objects.all():
        given = sorted(number for code, number in finals if code == series.code)
        assert given == list(range(1, series.next_number))
    assert Standing.objects.count() == len(keys)
    assert Entry.objects.values("posting").distinct().count() == len(
        [each for each in run.documents.all() if each.gross_minor]
    )
    assert list(soundness.faults()) == []
