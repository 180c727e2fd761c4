"""What was billed is not changed by an import: it says what to do instead."""

from __future__ import annotations

import pytest

from billing.models import Contract, Coupon, Document, Visit
from tests.billing.makers import a_final_invoice
from tests.billing.tables import FILES, bring, instead, only, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def invoice() -> Document:
    """October of contract K-1, with visit V-1 on it."""
    bring(FILES)
    contract = Contract.objects.get()
    made = a_final_invoice(customer=contract.customer, contract=contract)
    Visit.objects.filter(code="V-1").update(billed_on=made)
    return made


def refused(table: str, old: str, new: str) -> list[str]:
    report = bring(only([table], instead(table, old, new)))
    assert not report.written
    return told(report)


def test_a_billed_visit_stays(invoice: Document) -> None:
    assert refused("visits", "2026-10-05,done", "2026-10-05,missed_by_us")[0] == (
        "visits.csv row 2, outcome: Visit V-1 is billed on INV-000001, which is final: credit the document instead."
    )
    assert Visit.objects.get(code="V-1").outcome == "done"


def test_the_weight_of_a_billed_visit_stays(invoice: Document) -> None:
    assert "Visit V-1 is billed on INV-000001" in refused("weigh_tickets", "4.5", "4.6")[0]


def test_a_billed_visit_gets_no_ticket_afterwards(invoice: Document) -> None:
    Visit.objects.filter(code="V-2").update(billed_on=invoice, outcome="done")
    report = bring({"weigh_tickets": "code,visit,gross,tare\nW-2,V-2,2,1\n"})
    assert told(report) == [
        "weigh_tickets.csv row 2, visit: Visit V-2 is billed on INV-000001, which is final: credit the document instead."
    ]


def test_a_visit_on_a_draft_waits_for_it() -> None:
    bring(FILES)
    contract = Contract.objects.get()
    draft = a_final_invoice(2, customer=contract.customer)
    values = {
        field.name: getattr(draft, field.name)
        for field in Document._meta.concrete_fields
        if field.name not in ("id", "run")
    }
    draft = Document.objects.create(
        **values | {"state": "draft", "number": None, "sequence": None, "finalised_at": None}
    )
    Visit.objects.filter(code="V-1").update(billed_on=draft)
    assert (
        "send the draft back first, then its period is billed anew"
        in refused("visits", "05,done", "05,missed_by_us")[0]
    )


def test_other_visits_of_the_period_are_late_and_welcome(invoice: Document) -> None:
    assert bring({"visits": "code,service,day,extra\nV-3,K-1/1,2026-10-07,yes\n"}).written


@pytest.mark.parametrize(
    ("old", "new", "field"), [("2026-01-01\n", "2026-01-15\n", "anchor"), ("EUR", "CHF", "currency")]
)
def test_a_billed_contract_keeps_its_terms(invoice: Document, old: str, new: str, field: str) -> None:
    assert (
        f"contracts.csv row 2, {field}: Contract K-1 has final documents: its {field} stays. End it, and make another."
        in refused("contracts", old, new)
    )


def test_prices_that_were_billed_by_stay_and_can_be_ended(invoice: Document) -> None:
    assert refused("price_versions", "25.00", "26.00") == [
        "price_versions.csv row 2, rules: Final documents were made with it, for days before 2026-11-01: add a new version that begins on 2026-11-01 or later."
    ]
    ended = (
        FILES["price_versions"]
        .replace("valid_from,", "valid_from,valid_until,")
        .replace("2026-01-01,", "2026-01-01,UNTIL,")
    )
    assert "valid_until: Final documents were made with it, for days before 2026-11-01" in told(
        bring({"price_versions": ended.replace("UNTIL", "2026-10-15")})
    )[0]  # fmt: skip
    assert bring({"price_versions": ended.replace("UNTIL", "2026-11-01")}).written
    assert (
        "its tax_mode stays"
        in told(bring({"price_lists": "code,title,currency,tax_mode\nPL,Bins,EUR,inclusive\n"}))[-1]
    )


def test_a_billed_service_keeps_its_price_list(invoice: Document) -> None:
    bring({"price_lists": "code,title,currency\nOTHER,Bins,EUR\n"})
    report = bring(only(["services"], instead("services", "S-1,PL", "S-1,OTHER")))
    assert told(report) == [
        "services.csv row 2, price_list: Service K-1/1 is billed with another price_list: end it, and make another."
    ]


def test_stays_on_billed_days_stand(invoice: Document) -> None:
    stay = "service,delivered_on,removed_on\nK-1/1,{},{}\n"
    assert told(bring({"stays": stay.format("2026-10-30", "")})) == [
        "stays.csv row 2, delivered_on: Days before 2026-11-01 are billed: give a day from then on, and credit what is too much."
    ]
    assert bring({"stays": stay.format("2026-11-01", "")}).written
    assert (
        "removed_on: Days before"
        in told(bring({"stays": stay.format("2026-11-01", "2026-10-31").replace("2026-11-01", "2026-10-02")}))[1]
    )


def test_taxes_and_fuel_stand_as_they_were_billed(invoice: Document) -> None:
    assert refused("tax_rates", "AT,20", "AT,21") == [
        "tax_rates.csv row 2, rate: Final documents up to 2026-10-31 were taxed at this rate: it may end after that day, and another one begin."
    ]
    index = "code,published_on,value\nfuel,{},1.5\n"
    bring({"fuel_index": index.format("2026-09-01")})
    draft = Document.objects.create(**{
        field.name: getattr(invoice, field.name) for field in Document._meta.concrete_fields if field.name not in ("id", "run")
    } | {"state": "draft", "number": None, "sequence": None, "finalised_at": None, "generation": 1})  # fmt: skip
    line = invoice.lines.get()
    line.pk, line.document, line.rule, line.code = None, draft, "fuel", "fuel"
    line.save()
    draft.state, draft.number, draft.sequence, draft.finalised_at = "final", "INV-9", 9, invoice.finalised_at
    draft.save()
    assert (
        "fuel_index.csv row 2, value: The period from 2026-10-01 is billed with the index as it was published"
        in told(bring({"fuel_index": index.format("2026-10-01")}))[0]
    )
    assert bring({"fuel_index": index.format("2026-10-02")}).written


def test_how_a_billed_jurisdiction_rounds_and_the_rate_of_a_billed_exchange_stand(invoice: Document) -> None:
    rounding = "code,title,rounding\nAT,Austria,{}\n"
    assert told(bring({"jurisdictions": rounding.format("line")})) == [
        "jurisdictions.csv row 2, rounding: Final documents are rounded as AT has it: make another jurisdiction instead."
    ]
    assert bring({"jurisdictions": rounding.format("document").replace("Austria", "Österreich")}).written
    rate = "base,quote,on,rate\nUSD,EUR,2026-10-30,{}\n"
    bring({"exchange_rates": rate.format("0.91")})
    assert bring({"exchange_rates": rate.format("0.92")}).written
    a_final_invoice(5, currency="USD", exchange_rate="0.92", exchange_currency="EUR", exchange_on="2026-10-30")
    assert told(bring({"exchange_rates": rate.format("0.93")})) == [
        "exchange_rates.csv row 2, rate: Final documents were made with the rate of 2026-10-30."
    ]


def test_no_visit_is_left_outside_of_what_is_served() -> None:
    bring(FILES)
    ended = (
        FILES["contracts"]
        .replace("starts_on,", "starts_on,ends_on,")
        .replace("2026-01-01,2026", "2026-01-01,2026-10-07,2026")
    )
    assert told(bring({"contracts": ended})) == [
        "contracts.csv row 2, ends_on: Visit V-2 on 2026-10-08 would not be served any more."
    ]
    assert bring({"contracts": ended.replace("10-07", "10-09")}).written


def test_a_used_coupon_stays(invoice: Document) -> None:
    coupon = "code,contract,amount,valid_from,title\nTHANKS,K-1,{},2026-10-01,Thanks\n"
    bring({"coupons": coupon.format("5.00")})
    Coupon.objects.update(used_on=invoice)
    assert bring({"coupons": coupon.format("5.00")}).unchanged == {"coupons": 1}
    assert told(bring({"coupons": coupon.format("6.00")})) == [
        "coupons.csv row 2, amount: Coupon THANKS is used: its document stands as it is."
    ]


def test_what_is_billed_and_the_same_is_no_change(invoice: Document) -> None:
    report = bring(FILES)
    assert report.written and not any(report.changed.values())
