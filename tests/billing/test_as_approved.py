"""What is final is what was approved: by its digest, and by the hash over all digests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from billing.errors import NotAsApproved, WrongRunState
from billing.models import Customer, Document, Entry, PriceVersion
from billing.services import digests, runs
from billing.services.finalise import finalise

from .makers import a_customer, a_visit
from .two_clerks import ANNA, BERT, a_month, approved, final, prepared, tampered

pytestmark = pytest.mark.django_db
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
