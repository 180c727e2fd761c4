"""Approved drafts become final: once, in order, without gaps, whoever fails or is stopped in the middle."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import date
from random import Random
from typing import Any

import pytest
from django.db import connection, transaction

from billing.errors import NotAsApproved, UnknownRun, WrongRunState
from billing.jobspecs.runs import OfRun, PrepareRun, finalise_run, prepare_run
from billing.models import (
    BillingRun,
    Contract,
    Customer,
    Document,
    Entry,
    Line,
    PriceVersion,
    RunItem,
    Series,
    Standing,
)  # fmt: skip
from billing.services import books, digests, runs
from billing.services import finalise as finalising
from billing.services.final_documents import make_final
from billing.services.finalise import approved_of, finalise
from billing.services.numbers import next_number
from queues.contract import Actor
from queues.engine.context import RunContext
from queues.engine.execute import execute
from queues.ledger import runs as ledger
from queues.ledger.queue_settings import ensure_queues
from queues.models import AuditEntry, EffectRecord, Run

from .makers import NOVEMBER, a_contract, a_customer, a_jurisdiction, a_seller, a_visit
from .test_runs import ANNA, BERT, a_month, approved, prepared

pytestmark = pytest.mark.django_db


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each document in a transaction of its own."""
    monkeypatch.setattr(finalising, "BATCH", 1)


def final() -> list[tuple[str, str]]:
    rows = Document.objects.filter(state="final").order_by("sequence")
    return list(rows.values_list("contract__code", "number"))  # type: ignore[arg-type]


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


def tampered(code: str, net_minor: int) -> None:
    """By hand, past every service."""
    Line.objects.filter(document__contract__code=code, code="base").update(net_minor=net_minor)


def test_a_draft_whose_rows_changed_after_the_approval_is_refused_and_nobody_else() -> None:
    for code in ("K-1", "K-2", "K-3"):
        a_month(code)
    run = approved(prepared())
    tampered("K-2", 99_00)
    with pytest.raises(NotAsApproved, match="draft of K-2 for the period from 2026-10-01 is not what was approved"):
        finalise(run.code, actor=BERT)
    assert final() == [("K-1", "INV-000001"), ("K-3", "INV-000002")]
    assert run.items.get(contract__code="K-2").state == "drafted"
    assert not Entry.objects.filter(document__contract__code="K-2").exists()
    runs.send_back(Document.objects.get(contract__code="K-2"), actor=ANNA, why="Somebody changed it")
    runs.redraft(run.items.get(contract__code="K-2"), actor=ANNA)
    run.refresh_from_db()
    assert finalise(approved(run).code, actor=BERT).state == "final" and final()[2] == ("K-2", "INV-000003")
    assert Document.objects.get(contract__code="K-2").lines.get(code="base").net_minor == 100_00


PARTS: dict[str, Callable[[Document], Any]] = {
    "an amount of a line": lambda draft: draft.lines.filter(position=1).update(amount_minor=1),
    "words of a line": lambda draft: draft.lines.filter(position=1).update(words="1.00 EUR"),
    "a line is gone": lambda draft: draft.lines.filter(position=2).delete(),
    "a line is more": lambda draft: draft.lines.create(
        position=9, code="x", title="X", unit_price=1, amount_minor=0, net_minor=0, tax_minor=0, category="S", rate=20, rule="extra"
    ),
    "a tax": lambda draft: draft.tax_groups.update(tax_minor=1),
    "a rate": lambda draft: draft.tax_groups.update(rate=19),
    "an allowance": lambda draft: draft.adjustments.create(
        position=1, kind="allowance", reason="X", amount_minor=0, net_minor=0, category="S", rate=20
    ),
    "the sum": lambda draft: Document.objects.update(net_minor=1, tax_minor=0, gross_minor=1),
    "who pays": lambda draft: Document.objects.update(customer=a_customer("C-other")),
    "when it is due": lambda draft: Document.objects.update(due_date=date(2027, 1, 1)),
    "the address": lambda draft: Document.objects.update(parties=draft.parties | {"buyer": {"name": "X"}}),
}  # fmt: skip


@pytest.mark.parametrize("part", PARTS)
def test_each_part_of_a_draft_is_part_of_what_was_approved(part: str) -> None:
    a_month()
    run = approved(prepared())
    PARTS[part](Document.objects.get())
    with pytest.raises(NotAsApproved):
        finalise(run.code, actor=BERT)
    assert final() == []


def test_digests_that_do_not_come_to_what_was_approved_stop_the_run() -> None:
    for code in ("K-1", "K-2"):
        a_month(code)
    run = approved(prepared())
    Document.objects.filter(contract__code="K-2").update(digest="0" * 64)
    with pytest.raises(WrongRunState, match="approved no more"):
        finalise(run.code, actor=BERT)
    assert final() == []


def test_a_digest_that_changes_with_its_rows_in_the_middle_is_refused() -> None:
    """Who can write both makes them fit each other; they do not fit the approved hash."""
    a_month()
    run = approved(prepared())

    def change() -> None:
        draft = Document.objects.get()
        draft.lines.update(words="free of charge")
        Document.objects.update(digest=digests.of_document(draft, digests.parts_of(draft)))

    with pytest.raises(NotAsApproved):
        finalise(run.code, actor=BERT, checkpoint=change)
    assert final() == []


def test_what_changes_elsewhere_after_the_approval_changes_no_draft() -> None:
    """A price, a visit, the customer's address: what is final is what was approved; what came late is billed with the next."""
    contract = a_month()
    run = approved(prepared())
    before = Document.objects.get()
    PriceVersion.objects.update(rules=[])
    a_visit(contract.services.get(), date(2026, 10, 30), extra=True)
    Customer.objects.update(name="Another", payment_days=90)
    finalise(run.code, actor=BERT)
    after = Document.objects.get()
    assert (after.digest, after.gross_minor, after.parties, after.due_date) == (
        before.digest, 240_00, before.parties, before.due_date,
    )  # fmt: skip


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


# --- many at once ------------------------------------------------------------------------------------------------

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
