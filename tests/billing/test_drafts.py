"""Drafts out of the tables: what is read for them, what comes late, coupons, credit notes, other currencies."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import Coupon, Document, ExchangeRate, RunItem, Seller, Stay, Visit, WeighTicket
from billing.proration import Period
from billing.selectors.due import history
from billing.selectors.facts import dossiers
from billing.services import runs

from .makers import NOVEMBER, OCTOBER, a_contract, a_customer, a_price_list, a_service, a_visit
from .two_clerks import ANNA, DECEMBER, MONDAYS, a_month, billed

pytestmark = pytest.mark.django_db


def lines(document: Document) -> list[tuple[str, int, date | None]]:
    return list(document.lines.values_list("code", "amount_minor", "since"))


def test_a_visit_that_came_late_is_billed_with_the_next_period() -> None:
    contract = a_month()
    billed()
    late = a_visit(contract.services.get(), date(2026, 10, 30), "late", extra=True)
    for day in (2, 9):
        a_visit(contract.services.get(), date(2026, 11, day))
    runs.prepare(DECEMBER, actor=ANNA)
    document = Document.objects.get(state="draft")
    assert lines(document) == [("base", 100_00, None), ("pick_up", 50_00, None), ("extra", 40_00, OCTOBER)]
    line = document.lines.get(code="extra")
    assert line.words == "2026-10-01 to 2026-10-31 rated again: 40.00, billed 0 = 40.00 EUR" and line.events == ["late"]
    late.refresh_from_db()
    assert late.billed_on == document
    assert "Extra pick-up, late for the period from 2026-10-01: +40.00" in document.item.why


def test_what_was_billed_late_is_not_billed_again() -> None:
    contract = a_month()
    billed()
    service = contract.services.get()
    a_visit(service, date(2026, 10, 30), "late", extra=True)
    billed(DECEMBER)
    a_visit(service, date(2026, 10, 31), "later", extra=True)
    billed(date(2027, 1, 1))
    january = Document.objects.get(period_start=DECEMBER)
    assert lines(january) == [("base", 100_00, None), ("extra", 40_00, OCTOBER)]


def test_what_came_late_goes_into_one_document_of_two() -> None:
    contract = a_month()
    billed()
    a_visit(contract.services.get(), date(2026, 10, 30), "late", extra=True)
    runs.prepare(date(2027, 1, 1), actor=ANNA)
    first, second = Document.objects.filter(state="draft").order_by("period_start")
    assert ("extra", 40_00, OCTOBER) in lines(first) and lines(second) == [("base", 100_00, None)]


def test_a_visit_before_the_first_period_that_is_billed_is_never_late() -> None:
    contract = a_month()
    a_visit(contract.services.get(), date(2026, 9, 28), "before")
    billed()
    runs.prepare(DECEMBER, actor=ANNA)
    assert lines(Document.objects.get(state="draft")) == [("base", 100_00, None)]


def test_a_late_fault_of_ours_makes_a_credit_note_where_nothing_else_is_billed() -> None:
    contract = a_contract(ends_on=date(2026, 11, 2))
    service = a_service(contract, price_list=a_price_list(rules=[
        {"rule": "base_fee", "code": "base", "title": "Base fee", "amount": "300.00"},
        {"rule": "pick_up", "code": "pick_up", "title": "Pick-up", "amount": "25.00"},
    ]))  # fmt: skip
    for day in MONDAYS:
        a_visit(service, day)
    billed()
    for number in range(4):
        a_visit(service, date(2026, 10, 20 + number), f"missed-{number}", outcome="missed_by_us")
    billed(DECEMBER)
    note = Document.objects.get(period_start=NOVEMBER)
    assert (note.kind, note.number, note.net_minor, note.gross_minor) == ("credit_note", "CN-000001", 140_00, 168_00)
    assert lines(note) == [("base", -10_00, None), ("base", 150_00, OCTOBER)]
    assert note.standing.kind == "credit_note" and note.standing.balance_minor == 168_00


def test_stays_and_tickets_are_priced() -> None:
    contract = a_contract()
    service = a_service(contract, price_list=a_price_list(rules=[
        {"rule": "tonnage", "code": "t", "title": "Tonnes", "per_tonne": "80", "included_t": "2"},
        {"rule": "rental", "code": "r", "title": "Rental", "per_day": "1.5"},
    ]))  # fmt: skip
    visit = a_visit(service, MONDAYS[0])
    WeighTicket.objects.create(code="W", visit=visit, gross=Decimal(5200), tare=Decimal(2000), net_kg=Decimal(3200))
    Stay.objects.create(service=service, delivered_on=date(2026, 10, 30))
    runs.prepare(NOVEMBER, actor=ANNA)
    found = Document.objects.get().lines.values_list("code", "quantity", "unit", "unit_price", "amount_minor")
    assert list(found) == [("t", Decimal("1.2"), "TNE", 80, 96_00), ("r", 2, "DAY", Decimal("1.5"), 3_00)]


def test_a_coupon_is_used_once() -> None:
    contract = a_month()
    row = Coupon.objects.create(
        code="HELLO", contract=contract, amount_minor=50_00, valid_from=OCTOBER, title="Welcome"
    )
    run = billed()
    document = Document.objects.get()
    assert (document.net_minor, run.totals["EUR"]["gross"]) == (150_00, 180_00)
    assert list(document.adjustments.values_list("reason", "amount_minor", "net_minor")) == [
        ("Welcome (HELLO)", 25_00, 25_00), ("Welcome (HELLO)", 25_00, 25_00),
    ]  # fmt: skip
    row.refresh_from_db()
    assert row.used_on == document
    runs.prepare(DECEMBER, actor=ANNA)
    assert Document.objects.get(state="draft").adjustments.count() == 0


def test_another_currency_freezes_its_rate() -> None:
    contract = a_contract(currency="JPY")
    lists = a_price_list(
        currency="JPY", rules=[{"rule": "base_fee", "code": "base", "title": "Base fee", "amount": "12345"}]
    )
    a_service(contract, price_list=lists)
    assert runs.prepare(NOVEMBER, actor=ANNA).excluded == 1
    assert "No rate of JPY in EUR was published by 2026-10-31" in RunItem.objects.get().reason
    ExchangeRate.objects.create(base="JPY", quote="EUR", on=date(2026, 10, 30), rate=Decimal("0.00612345"))
    run = runs.prepare(NOVEMBER, actor=ANNA)
    document = Document.objects.get()
    assert (document.gross_minor, document.exchange_rate, document.exchange_on) == (
        14814,
        Decimal("0.00612345"),
        date(2026, 10, 30),
    )
    assert run.totals == {"JPY": {"documents": 1, "net": 12345, "tax": 2469, "gross": 14814, "home": 90_71}}


def test_a_visit_that_costs_nothing_is_on_the_document_too_and_leaves_it_when_it_is_mended() -> None:
    contract = a_month()
    service = contract.services.get()
    visit = a_visit(service, date(2026, 10, 7), "vain", outcome="missed_by_customer", planned_on=None)
    runs.prepare(NOVEMBER, actor=ANNA)
    document = Document.objects.get()
    visit.refresh_from_db()
    assert visit.billed_on == document
    Visit.objects.filter(pk=visit.pk).update(day=date(2026, 11, 7))
    runs.prepare(NOVEMBER, actor=ANNA)
    visit.refresh_from_db()
    assert visit.billed_on is None and Document.objects.get() == document, "the draft is the same"


def test_the_same_facts_make_the_same_digest() -> None:
    a_month()
    run = runs.prepare(NOVEMBER, actor=ANNA)
    before = Document.objects.get()
    runs.discard(run, actor=ANNA)
    runs.prepare(NOVEMBER, actor=ANNA)
    assert Document.objects.get().digest == before.digest and Document.objects.get().pk != before.pk
    Seller.objects.update(iban="AT611904300234573202")
    runs.prepare(NOVEMBER, actor=ANNA)
    assert Document.objects.get().digest != before.digest, "what is printed is in it"


@pytest.mark.parametrize("many", [2, 8])
def test_what_documents_are_made_of_is_read_in_eight_questions(many: int) -> None:
    customer = a_customer()
    contracts = []
    for number in range(many):
        contracts.append(a_month(f"K-{number}", customer=customer))
    billed()
    for each in contracts:
        a_visit(each.services.get(), date(2026, 10, 30), f"late-{each.code}", extra=True)
    read = list(type(contracts[0]).objects.select_related("customer", "jurisdiction"))
    past = history([each.pk for each in read])
    periods = {each.pk: [Period(NOVEMBER, DECEMBER)] for each in read}
    with CaptureQueriesContext(connection) as asked:
        found = dossiers(read, periods, past, home="EUR")
        works = [each.work(Period(NOVEMBER, DECEMBER)) for each in found]
    assert len(asked) <= 8 and all(work.late for work in works)
