"""Approved drafts become final: once, in order, without gaps, whoever fails or is stopped in the middle."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import pytest
from django.db import transaction

from billing.errors import UnknownRun, WrongRunState
from billing.models import Document, Entry, RunItem, Series, Standing
from billing.services import books, runs
from billing.services import finalise as finalising
from billing.services.final_documents import make_final
from billing.services.finalise import approved_of, finalise
from billing.services.numbers import next_number
from queues.contract import Actor
from queues.models import AuditEntry

from .makers import a_visit
from .two_clerks import ANNA, BERT, a_month, approved, final, prepared

pytestmark = pytest.mark.django_db


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each document in a transaction of its own."""
    monkeypatch.setattr(finalising, "BATCH", 1)


def test_documents_get_numbers_in_the_order_of_their_contracts_and_stand_to_be_paid() -> None:
    for code in ("K-3", "K-1", "K-2"):
        a_month(code)
    run = finalise(approved(prepared()).code, actor=BERT)
    assert final() == [("K-1", "INV-000001"), ("K-2", "INV-000002"), ("K-3", "INV-000003")]
    assert (run.state, run.billed, run.items.filter(state="final").count()) == ("final", 3, 3)
    standing = Standing.objects.filter(document__contract__code="K-1").get()
    assert (standing.state, standing.gross_minor, standing.due_date) == ("open", 240_00, date(2026, 11, 15))
    assert AuditEntry.objects.filter(action="billing_run.finalise").count() == 1
    assert Series.objects.get(code="invoices").next_number == 4


def test_finalising_again_changes_nothing() -> None:
    a_month()
    run = finalise(approved(prepared()).code, actor=BERT)
    entries = Entry.objects.count()
    assert finalise(run.code, actor=ANNA).finalised_at == run.finalised_at
    assert len(final()) == 1 and Entry.objects.count() == entries


def test_what_is_not_approved_is_not_made_final() -> None:
    contract = a_month()
    run = prepared()
    with pytest.raises(WrongRunState, match="is prepared"):
        finalise(run.code, actor=ANNA)
    approved(run)
    a_visit(contract.services.get(), date(2026, 10, 30), extra=True)
    prepared()
    with pytest.raises(WrongRunState):
        finalise(run.code, actor=ANNA)
    with pytest.raises(UnknownRun, match="no billing run 'x'"):
        finalise("x", actor=ANNA)
    assert final() == [] and not Entry.objects.exists() and not Series.objects.exclude(next_number=1).exists()


def test_who_is_stopped_in_the_middle_goes_on_where_it_stopped(one_by_one: None) -> None:
    for number in range(4):
        a_month(f"K-{number}")
    run = approved(prepared())
    asked = iter(range(10))

    def stop() -> None:
        if next(asked) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        finalise(run.code, actor=BERT, checkpoint=stop)
    assert len(final()) == 2
    assert prepared().state == "approved", "what is final stays in the preview, so its hash is the same"
    told: list[tuple[int, int]] = []
    finalise(run.code, actor=BERT, on_progress=lambda done, total: told.append((done, total)))
    assert [number for _, number in final()] == [f"INV-{n:06}" for n in range(1, 5)] and told == [(3, 4), (4, 4)]


def test_a_run_that_is_half_final_is_neither_discarded_nor_changed() -> None:
    for number in range(2):
        a_month(f"K-{number}")
    run = approved(prepared())
    document = Document.objects.get(contract__code="K-0")
    with transaction.atomic():
        make_final(run.code, [document.pk], approved_of(run.code))
    with pytest.raises(WrongRunState, match="Some documents"):
        runs.discard(run, actor=ANNA)
    runs.send_back(Document.objects.get(contract__code="K-1"), actor=ANNA, why="Wrong")
    with pytest.raises(WrongRunState, match="is prepared"):
        finalise(run.code, actor=BERT)
    run.refresh_from_db()
    approved(run)
    assert finalise(run.code, actor=BERT).state == "final"
    assert set(RunItem.objects.values_list("contract__code", "state")) == {("K-0", "final"), ("K-1", "sent_back")}


def test_a_number_that_is_not_used_is_given_again() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        assert next_number("invoice").text == "INV-000001"
        raise RuntimeError
    with transaction.atomic():
        assert next_number("invoice").text == "INV-000001"
        assert next_number("credit_note").text == "CN-000001"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("batch", "made"), [(1, 2), (2, 2), (20, 0)])
def test_a_failure_in_the_middle_leaves_nothing_of_its_batch(
    batch: int, made: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        a_month(f"K-{number}")
    run = approved(prepared())
    real = books.post_all

    def post_all(postings: Iterable[books.Posting]) -> None:
        listed = list(postings)
        real(listed)
        if "document:INV-000003" in [each.name for each in listed]:
            raise OSError("planted")

    with monkeypatch.context() as patch, pytest.raises(OSError):
        patch.setattr(finalising, "BATCH", batch)
        patch.setattr(books, "post_all", post_all)
        finalise(run.code, actor=Actor.system("tests"))
    expected = [(f"K-{n}", f"INV-{n + 1:06}") for n in range(made)]
    assert final() == expected
    assert set(Entry.objects.values_list("posting", flat=True)) == {f"document:{number}" for _, number in expected}
    finalise(run.code, actor=BERT)
    assert [number for _, number in final()] == ["INV-000001", "INV-000002", "INV-000003"]
