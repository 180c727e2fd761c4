"""A contract that has ended, and visits that are recorded only then: billed, or told with the reason."""

from __future__ import annotations

from datetime import date

import pytest

from billing.models import Contract, Document, RunItem, Visit
from billing.selectors import preview
from billing.services import runs

from .makers import NOVEMBER, a_visit
from .two_clerks import ANNA, DECEMBER, a_month, billed

pytestmark = pytest.mark.django_db
JANUARY = date(2027, 1, 1)


def an_ended_month() -> Contract:
    """October's are its last days, and are billed."""
    contract = a_month(ends_on=NOVEMBER)
    billed()
    return contract


def test_a_late_visit_has_a_document_of_its_own() -> None:
    contract = an_ended_month()
    late = a_visit(contract.services.get(), date(2026, 10, 30), extra=True)
    run = billed(DECEMBER)
    made = Document.objects.get(run=run)
    assert [(line.code, line.amount_minor, line.since) for line in made.lines.all()] == [
        ("extra", 40_00, date(2026, 10, 1))
    ]
    assert (made.period_start, made.tax_point, made.gross_minor) == (NOVEMBER, date(2026, 10, 31), 48_00)
    assert Visit.objects.get(pk=late.pk).billed_on == made
    assert (run.expected, run.billed, run.unresolved) == (1, 1, 0)


def test_another_one_comes_with_the_next_period_and_then_nothing_is_due() -> None:
    contract = an_ended_month()
    a_visit(contract.services.get(), date(2026, 10, 29), extra=True)
    billed(DECEMBER)
    a_visit(contract.services.get(), date(2026, 10, 30), extra=True)
    run = billed(JANUARY)
    assert Document.objects.get(run=run).period_start == DECEMBER
    assert runs.prepare(date(2027, 2, 1), actor=ANNA).expected == 0


def test_preparing_again_keeps_its_draft() -> None:
    contract = an_ended_month()
    a_visit(contract.services.get(), date(2026, 10, 30), extra=True)
    first, again = (runs.prepare(DECEMBER, actor=ANNA) for _ in range(2))
    assert first.preview_hash == again.preview_hash and again.billed == 1 and again.unresolved == 0


def test_a_visit_after_the_end_is_set_aside_with_its_reason() -> None:
    contract = an_ended_month()
    a_visit(contract.services.get(), date(2026, 11, 2), "V-after")
    run = runs.prepare(DECEMBER, actor=ANNA)
    item = RunItem.objects.get(run=run)
    assert item.state == "set_aside" and item.reason.startswith("visits.V-after.day:")
    found = preview.visits(run)
    assert (found.expected, found.excluded, found.elsewhere, found.unresolved) == (1, 1, 0, 0)


def test_a_contract_that_goes_on_bills_it_with_its_next_period() -> None:
    contract = a_month()
    billed()
    a_visit(contract.services.get(), date(2026, 10, 30), extra=True)
    assert Document.objects.get(run=billed(DECEMBER)).net_minor == 140_00


def test_what_was_voided_after_the_end_is_due_again_once() -> None:
    from billing.services import credits

    contract = an_ended_month()
    a_visit(contract.services.get(), date(2026, 10, 30), extra=True)
    made = Document.objects.get(run=billed(DECEMBER))
    credits.void(made, why="Wrong", actor=ANNA)
    run = billed(JANUARY)
    again = Document.objects.get(run=run, kind="invoice")
    assert (again.period_start, again.generation, again.gross_minor) == (NOVEMBER, 1, 48_00)
