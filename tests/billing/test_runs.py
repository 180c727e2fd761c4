"""A billing run from its drafts to its approval: what is drafted, set aside, sent back, drafted again, and who may say yes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.errors import NoSeller, SecondPerson, StalePreview, WrongRunState
from billing.models import BillingRun, Document, PriceVersion, RunItem, Seller, Standing, Visit
from billing.selectors import preview
from billing.services import runs
from billing.services.approval import approve
from billing.services.finalise import finalise
from queues.contract import Actor
from queues.models import AuditEntry

from .makers import NOVEMBER, a_contract, a_price_list, a_service, a_visit
from .two_clerks import ANNA, BERT, DECEMBER, a_month, approved, billed, prepared

pytestmark = pytest.mark.django_db


def test_a_period_becomes_a_draft_with_its_lines_and_taxes() -> None:
    a_month()
    run = prepared()
    document = Document.objects.get()
    assert (document.net_minor, document.tax_minor, document.gross_minor) == (200_00, 40_00, 240_00)
    assert [(line.code, line.amount_minor, line.quantity) for line in document.lines.all()] == [
        ("base", 100_00, 1), ("pick_up", 100_00, 4),
    ]  # fmt: skip
    assert (document.issue_date, document.due_date, document.tax_point) == (
        NOVEMBER,
        date(2026, 11, 15),
        date(2026, 10, 31),
    )
    assert (
        document.parties["buyer"]["name"] == "Gasthaus Ente" and document.parties["sites"]["S-K-1-1"]["name"] == "Hof"
    )
    assert Visit.objects.filter(billed_on=document).count() == 4
    assert (run.state, run.expected, run.billed, run.excluded, run.unresolved) == ("prepared", 1, 1, 0, 0)
    assert run.totals == {"EUR": {"documents": 1, "net": 200_00, "tax": 40_00, "gross": 240_00, "home": 240_00}}
    assert AuditEntry.objects.filter(action="billing_run.prepare").count() == 1


def test_preparing_again_changes_nothing() -> None:
    a_month()
    first, documents = prepared(), list(Document.objects.values("pk", "digest", "created_at"))
    again = prepared()
    assert list(Document.objects.values("pk", "digest", "created_at")) == documents
    assert again.pk == first.pk and again.preview_hash == first.preview_hash and BillingRun.objects.count() == 1


def test_what_happened_meanwhile_renews_the_draft_and_ends_the_approval() -> None:
    contract = a_month()
    run = approved(prepared())
    old = Document.objects.get()
    a_visit(contract.services.get(), date(2026, 10, 30), extra=True)
    again = prepared()
    new = Document.objects.get()
    assert new.pk != old.pk and new.net_minor == 240_00 and new.visits.count() == 5
    assert again.state == "prepared" and again.preview_hash != run.preview_hash and again.approved_by == ""


def test_an_approval_outlives_preparing_what_is_the_same() -> None:
    a_month()
    approved(prepared())
    assert prepared().state == "approved"


def test_a_bad_contract_is_set_aside_with_its_reason_and_stops_nobody() -> None:
    a_month("K-1")
    bad = a_contract("K-2")
    lists = a_price_list("EMPTY")
    lists.versions.update(valid_from=date(2026, 10, 15))
    a_service(bad, price_list=lists)
    run = prepared()
    item = RunItem.objects.get(contract=bad)
    assert (
        item.state == "set_aside"
        and item.reason == "price_lists.EMPTY: No version of the price list is in force on 2026-10-01: add one."
    )
    assert (run.billed, run.excluded, run.unresolved) == (1, 1, 0)


def test_rules_that_nobody_can_read_set_their_contract_aside() -> None:
    contract = a_month()
    PriceVersion.objects.update(rules=[{"rule": "base_fee", "code": "base", "title": "T", "amount": "-1"}])
    prepared()
    assert "rules.0.base_fee.amount" in RunItem.objects.get(contract=contract).reason


def test_a_contract_on_hold_is_excluded_with_its_reason() -> None:
    a_month(on_hold="They moved.")
    prepared()
    item = RunItem.objects.get()
    assert (item.state, item.reason) == ("excluded", "On hold: They moved.") and not Document.objects.exists()


def test_a_draft_of_another_run_is_not_drafted_twice() -> None:
    a_month()
    prepared()
    other = runs.prepare(date(2026, 11, 15), actor=ANNA)
    assert other.items.get().reason == "Drafted in run 2026-11-01." and Document.objects.count() == 1


def test_a_contract_without_anything_to_bill_gets_no_document() -> None:
    contract = a_contract()
    a_service(contract, price_list=a_price_list(rules=[{"rule": "pick_up", "code": "p", "title": "P", "amount": "5"}]))
    run = approved(prepared())
    assert run.items.get().state == "nothing"
    finalise(run.code, actor=BERT)
    assert runs.prepare(date(2026, 11, 2), actor=ANNA).expected == 0, "a final run found nothing to bill in it"


def test_two_periods_of_one_contract_are_billed_in_one_run_and_compared() -> None:
    contract = a_month()
    a_visit(contract.services.get(), date(2026, 11, 2))
    runs.prepare(DECEMBER, actor=ANNA)
    first, second = Document.objects.order_by("period_start")
    item = second.item
    assert item.previous == first and item.change_percent == Decimal("-37.50") and item.outlier
    assert item.why == ["1 pick-up instead of 4: -75.00"]
    assert first.item.why == ["The first document of this contract."] and first.item.change_percent is None


def test_a_draft_that_is_sent_back_is_gone_until_it_is_drafted_again() -> None:
    a_month("K-1")
    a_month("K-2")
    run = approved(prepared())
    runs.send_back(Document.objects.get(contract__code="K-2"), actor=ANNA, why="Wrong price")
    run.refresh_from_db()
    item = run.items.get(contract__code="K-2")
    assert (item.state, item.reason, item.document) == ("sent_back", "Wrong price", None)
    assert run.state == "prepared" and (run.billed, run.excluded, run.unresolved) == (1, 1, 0)
    assert not Visit.objects.filter(service__contract__code="K-2", billed_on__isnull=False).exists()
    assert prepared().items.get(contract__code="K-2").state == "sent_back", "a person decided that"
    PriceVersion.objects.update(rules=[{"rule": "base_fee", "code": "base", "title": "Base fee", "amount": "90"}])
    made = runs.redraft(item, actor=ANNA)
    assert made.state == "drafted" and made.document is not None and made.document.net_minor == 90_00
    assert Document.objects.get(contract__code="K-1").net_minor == 200_00, "the others stay as they were"
    assert set(AuditEntry.objects.values_list("action", flat=True)) >= {"billing_run.send_back", "billing_run.redraft"}


def test_sending_back_takes_a_reason_and_a_draft() -> None:
    a_month()
    run = billed()
    document = Document.objects.get()
    with pytest.raises(WrongRunState):
        runs.send_back(document, actor=ANNA, why="No")
    with pytest.raises(WrongRunState, match="why"):
        runs.send_back(document, actor=ANNA, why=" ")
    assert run.items.get().state == "final"


def test_a_discarded_run_leaves_its_periods_due() -> None:
    a_month()
    run = prepared()
    runs.discard(run, actor=ANNA, why="Wrong day")
    assert not Document.objects.exists() and not Visit.objects.exclude(billed_on=None).exists()
    again = prepared()
    assert (again.code, again.billed) == ("2026-11-01-2", 1)


def test_a_large_run_takes_a_second_person() -> None:
    a_month()
    Seller.objects.update(approve_above_minor=239_99)
    run = prepared()
    for same in (ANNA, Actor("anna (key rk_1)", "api", user_id=1), Actor("job", "job")):
        with pytest.raises(SecondPerson, match="anna prepared it"):
            approve(run, actor=same, preview_hash=run.preview_hash)
    assert approve(run, actor=BERT, preview_hash=run.preview_hash).state == "approved"


def test_who_prepared_by_a_job_is_known_by_name() -> None:
    a_month()
    Seller.objects.update(approve_above_minor=0)
    run = runs.prepare(NOVEMBER, actor=Actor("anna", "job"))
    with pytest.raises(SecondPerson):
        approve(run, actor=ANNA, preview_hash=run.preview_hash)


def test_one_person_may_approve_what_is_not_much() -> None:
    a_month()
    Seller.objects.update(approve_above_minor=240_00)
    run = prepared()
    assert approve(run, actor=ANNA, preview_hash=run.preview_hash).approved_by == "anna"


def test_a_preview_that_is_not_the_last_one_is_not_approved() -> None:
    contract = a_month()
    seen = prepared().preview_hash
    a_visit(contract.services.get(), date(2026, 10, 30), extra=True)
    run = prepared()
    with pytest.raises(StalePreview, match="look at them again"):
        approve(run, actor=BERT, preview_hash=seen)


def test_a_contract_that_came_meanwhile_is_unresolved_and_stops_the_approval() -> None:
    a_month("K-1")
    a_month("K-2")
    prepared()
    run = BillingRun.objects.get()
    run.items.filter(contract__code="K-2").delete()
    with pytest.raises(WrongRunState, match="neither billed nor excluded"):
        _settled_and_approved(run)


def _settled_and_approved(run: BillingRun) -> None:
    runs.redraft(run.items.get(contract__code="K-1"), actor=ANNA)
    run.refresh_from_db()
    approve(run, actor=BERT, preview_hash=run.preview_hash)


def test_without_a_seller_nothing_is_prepared() -> None:
    a_month()
    Seller.objects.all().delete()
    with pytest.raises(NoSeller):
        prepared()


def test_a_void_period_is_billed_anew_in_its_next_generation() -> None:
    a_month()
    billed()
    first = Document.objects.get()
    Standing.objects.filter(document=first).update(state="void")
    Visit.objects.update(billed_on=None)
    billed()
    again = Document.objects.exclude(pk=first.pk).get()
    assert (again.period_start, again.generation, again.net_minor) == (first.period_start, 1, first.net_minor)


@pytest.mark.parametrize("many", [3, 9])
def test_drafting_asks_a_constant_number_of_questions_for_contracts_whose_drafts_stand(many: int) -> None:
    for number in range(many):
        a_month(f"K-{number}")
    prepared()
    with CaptureQueriesContext(
        connection,
    ) as asked:
        prepared()
    assert len(asked) <= 75, len(asked)


def test_the_preview_tells_where_every_visit_went() -> None:
    contract = a_month("K-1")
    a_month("K-2", on_hold="Dispute")
    a_visit(contract.services.get(), date(2026, 9, 28), "before")
    run = prepared()
    found = preview.visits(run)
    assert (found.expected, found.billed, found.excluded, found.elsewhere, found.unresolved) == (9, 4, 4, 1, 0)
    a_visit(contract.services.get(), date(2026, 10, 30), "new", extra=True)
    assert preview.visits(run).unresolved == 1, "it came after the draft: prepare again"


def test_a_run_that_another_clerk_opened_between_our_two_looks_is_ours_too(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs, real = BillingRun.objects.create(code=str(NOVEMBER), through=NOVEMBER, issue_date=NOVEMBER), runs._live
    looks = [lambda through: None, real, real]  # at the first look it is not committed yet
    monkeypatch.setattr(runs, "_live", lambda through: looks.pop(0)(through))
    assert runs.open_run(NOVEMBER, actor=ANNA) == theirs and BillingRun.objects.count() == 1
    assert len(looks) == 1, "it looked again"
