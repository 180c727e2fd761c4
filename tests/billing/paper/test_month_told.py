"""Every document of a made-up hauler's two months, credit notes included, breaks no rule of EN 16931."""

from __future__ import annotations

from datetime import date

import pytest

from billing.models import Document
from billing.paper.files import factur_x_of, ubl_of
from billing.paper.telling import CannotTell
from billing.samples import hauler
from billing.selectors.paper import paper_of, with_parts
from billing.services import approval, credits, finalise, runs, samples
from queues.contract import Actor
from tests.billing.paper import rules

pytestmark = pytest.mark.django_db
ANNA, BERT = Actor(label="anna", source="admin", user_id=1), Actor(label="bert", source="admin", user_id=2)


def test_no_document_of_the_month_breaks_a_rule() -> None:
    made = hauler.make(75, 1, date(2026, 10, 1), faults=True)
    for events, through in (("before", date(2026, 10, 1)), ("month", date(2026, 11, 1))):
        samples.load(samples.chosen(made, events), actor=ANNA)
        run = runs.prepare(through, actor=ANNA)
        approval.approve(run, actor=BERT, preview_hash=run.preview_hash)
        finalise.finalise(run.code, actor=ANNA)
    for n, invoice in enumerate(Document.objects.filter(kind="invoice", gross_minor__gt=100).order_by("number")[:30]):
        part = [{}, {"gross_minor": invoice.gross_minor // 3}, {"lines": {invoice.lines.all()[0].position: None}}][
            n % 3
        ]
        credits.credit(invoice, why="Two visits were billed twice.", actor=ANNA, **part)  # type: ignore[arg-type]
    told, broken = 0, {}
    for document in with_parts(Document.objects.filter(state="final")):
        paper = paper_of(document)
        try:
            xml, inside = ubl_of(paper), factur_x_of(paper)
        except CannotTell:
            assert paper.digits > 2  # nothing else of this hauler's is beyond EN 16931
            continue
        assert inside is not None
        faults = [
            *rules.schema_faults(xml),
            *rules.fatal(xml, "ubl"),
            *rules.schema_faults(inside),
            *rules.fatal(inside, "cii"),
        ]
        told += 1
        if faults:
            broken[str(document)] = faults
    assert broken == {}
    assert told > 100
