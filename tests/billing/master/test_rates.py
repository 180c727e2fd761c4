"""Rates of tax, fuel and exchange: one for each day, and never another under a final document."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billing.errors import WrongFields
from billing.models import Document, ExchangeRate, FuelIndex, Service, TaxRate
from billing.services.master.data import delete, save
from queues.contract import Actor
from tests.billing import makers as m

from .conftest import refused

pytestmark = pytest.mark.django_db


def test_two_rates_are_never_in_force_on_one_day(actor: Actor) -> None:
    place = m.a_jurisdiction()
    new = TaxRate(jurisdiction=place, rate=Decimal(21), valid_from=date(2027, 1, 1))
    field, words = refused(new, actor)
    assert (field, words) == (
        "valid_from",
        "A rate of S 20 % is valid from 2020-01-01 and has no end: end that one first.",
    )
    old = place.rates.get()
    old.valid_until = date(2027, 1, 1)
    save(old, actor=actor)
    save(new, actor=actor)
    save(TaxRate(jurisdiction=place, tax_class="reduced", rate=Decimal(10), valid_from=date(2020, 1, 1)), actor=actor)


@pytest.mark.parametrize(
    ("changed", "field"),
    [({"category": "E"}, "rate"), ({"category": "E", "rate": Decimal(0)}, "reason"), ({"rate": Decimal(-1)}, "rate")],
)
def test_a_rate_fits_its_category(actor: Actor, changed: dict[str, Any], field: str) -> None:
    assert refused(m.a_jurisdiction().rates.get(), actor, **changed)[0] == field


def test_a_rate_that_documents_were_taxed_at_only_ends_after_them(
    actor: Actor, service: Service, billed: Document
) -> None:
    rate = TaxRate.objects.get()
    for name, value in (("rate", Decimal(21)), ("valid_from", date(2020, 1, 2)), ("valid_until", date(2026, 10, 31))):
        assert refused(rate, actor, **{name: value})[0] == name
    with pytest.raises(WrongFields, match="Final documents up to 2026-10-31"):
        delete(rate, actor=actor)
    rate.valid_until = m.NOVEMBER
    save(rate, actor=actor)
    assert refused(service.contract.jurisdiction, actor, rounding="line")[0] == "rounding"


def test_an_index_that_was_billed_with_stays_as_it_was_published(actor: Actor, service: Service) -> None:
    index = save(FuelIndex(code="fuel", published_on=date(2026, 9, 15), value=Decimal("1.6")), actor=actor)
    assert refused(FuelIndex(code="fuel", published_on=date(2026, 9, 14), value=Decimal(-1)), actor)[0] == "value"
    index.value = Decimal("1.7")  # nothing rests on it yet
    save(index, actor=actor)
    m.a_final_invoice(customer=service.contract.customer, contract=service.contract, rule="fuel", code="fuel")
    assert refused(index, actor, value=Decimal("1.8"))[0] == "published_on"
    assert refused(FuelIndex(code="fuel", published_on=date(2026, 9, 20), value=Decimal(2)), actor)[0] == "published_on"
    with pytest.raises(WrongFields, match="is billed with the index"):
        delete(index, actor=actor)
    save(FuelIndex(code="fuel", published_on=date(2026, 10, 2), value=Decimal(2)), actor=actor)


def test_a_rate_of_exchange_that_is_on_a_document_stays(actor: Actor) -> None:
    rate = save(ExchangeRate(base="USD", quote="EUR", on=m.OCTOBER, rate=Decimal("0.9")), actor=actor)
    rate.rate = Decimal("0.91")
    save(rate, actor=actor)
    m.a_final_invoice(currency="USD", exchange_rate=Decimal("0.91"), exchange_currency="EUR", exchange_on=m.OCTOBER)
    assert "Final documents were made with the rate" in refused(rate, actor, rate=Decimal(1))[1]
    assert refused(ExchangeRate(base="EUR", quote="EUR", on=m.OCTOBER, rate=Decimal(1)), actor)[0] == "quote"
    assert refused(ExchangeRate(base="XXY", quote="EUR", on=m.OCTOBER, rate=Decimal(1)), actor)[0] == "base"
    assert refused(ExchangeRate(base="CHF", quote="EUR", on=m.OCTOBER, rate=Decimal(0)), actor)[0] == "rate"
