"""`verify_books`: silent where all is well, and each fault that is planted is told. (Planting takes the guards away first.)"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F

from billing.migrations import _guards
from billing.models import Document, Entry, Line, Series, Standing, TaxGroup
from billing.selectors import soundness

from .makers import a_final_invoice

pytestmark = pytest.mark.django_db


@pytest.fixture
def books() -> list[Document]:
    """Two invoices, booked."""
    made = [a_final_invoice(1), a_final_invoice(2, allowance_minor=3)]
    for each in made:
        book(each, "revenue:base", each.net_minor, 1)
        book(each, "tax:AT:S:20", each.tax_minor, 2)
    return made


def book(document: Document, account: str, amount_minor: int, part: int) -> None:
    Entry.objects.create(
        posting=f"document:{document.number}", part=part, booked_on=date(2026, 11, 1), at=document.created_at, debit="receivable",
        credit=account, amount_minor=amount_minor, currency="EUR", customer=document.customer, document=document,
    )  # fmt: skip


def unguarded(change: Callable[[], Any]) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # no table is altered while foreign keys are still to be looked at
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for sql in _guards.remove(connection.vendor):
            cursor.execute(sql)
        change()
        for sql in _guards.install(connection.vendor):
            cursor.execute(sql)


def test_sound_books_have_no_faults(books: list[Document]) -> None:
    out = StringIO()
    call_command("verify_books", stdout=out)
    assert out.getvalue() == "2 final documents, 4 entries: all is well.\n"


@pytest.mark.parametrize(
    ("plant", "told"),
    [
        (lambda one: Line.objects.filter(document=one).update(net_minor=F("net_minor") + 1), "come to 10001 net, not 10000"),
        (lambda one: Line.objects.filter(document=one).update(tax_minor=F("tax_minor") + 1), "its lines are not its tax"),
        (lambda one: Line.objects.filter(document=one).update(tax_minor=F("tax_minor") + 2), "bears 2002 of tax"),
        (lambda one: Line.objects.filter(document=one).update(words=""), "has no derivation"),
        (lambda one: Line.objects.filter(document=one).delete(), "has no lines"),
        (lambda one: TaxGroup.objects.filter(document=one).update(tax_minor=1999), "tax groups are not its tax"),
        (lambda one: TaxGroup.objects.filter(document=one).update(base_minor=9999), "tax groups are not its net"),
        (lambda one: Document.objects.filter(pk=one.pk).update(sequence=7), "2 documents from number 2 to 7"),
        (lambda one: Series.objects.update(next_number=9), "goes on with 9 after 2"),
        (lambda one: Entry.objects.filter(document=one, part=2).delete(), "the journal does not say its gross, 12000"),
        (lambda one: Entry.objects.filter(document=one).delete(), "is 0 by the journal, 12000 by the documents"),
        (lambda one: Standing.objects.filter(document=one).update(gross_minor=1), "its standing is of 1"),
        (lambda one: Standing.objects.filter(document=one).delete(), "has no standing"),
    ],
)  # fmt: skip
def test_a_fault_that_is_planted_is_told(books: list[Document], plant: Callable[[Document], Any], told: str) -> None:
    unguarded(lambda: plant(books[0]))
    assert any(told in fault for fault in soundness.faults()), list(soundness.faults())
    out = StringIO()
    with pytest.raises(SystemExit, match="1"):
        call_command("verify_books", json=True, stdout=out)
    assert json.loads(out.getvalue())["ok"] is False
