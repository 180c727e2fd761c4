"""Visits and their weights: proved, in kilograms, and never changed once a document counts them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billing.errors import WrongFields
from billing.models import Contract, Document, Service, Visit, WeighTicket
from billing.services.master.data import delete, save
from queues.contract import Actor
from tests.billing import makers as m

from .conftest import refused

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"containers": 0}, "containers"), ({"contaminated": True}, "evidence"), ({"extra": True}, "planned_on"), ({"day": date(2025, 12, 31)}, "day"),
        ({"day": date(2026, 12, 1)}, "day"), ({"outcome": "blocked"}, "outcome"),
    ],
)  # fmt: skip
def test_a_visit_is_proved(actor: Actor, service: Service, changed: dict[str, Any], field: str) -> None:
    Contract.objects.update(ends_on=date(2026, 12, 1))
    visit = m.a_visit(Service.objects.get(), date(2026, 10, 5))
    save(WeighTicket(code="W", visit=visit, gross=Decimal(9), tare=Decimal(8)), actor=actor)
    assert refused(visit, actor, **changed)[0] == field


@pytest.mark.parametrize(("gross", "tare", "field"), [("7", "8", "gross"), ("7", "-8", "tare")])
def test_a_weight_is_not_negative(actor: Actor, service: Service, gross: str, tare: str, field: str) -> None:
    ticket = WeighTicket(
        code="W", visit=m.a_visit(service, date(2026, 10, 5)), gross=Decimal(gross), tare=Decimal(tare)
    )
    assert refused(ticket, actor)[0] == field


@pytest.mark.parametrize(
    ("unit", "net"), [("kg", "1.000"), ("t", "1000.000"), ("lb", "0.454"), ("short_ton", "907.185")]
)
def test_the_net_weight_is_in_kilograms(actor: Actor, service: Service, unit: str, net: str) -> None:
    ticket = WeighTicket(
        code="W", visit=m.a_visit(service, date(2026, 10, 5)), gross=Decimal(9), tare=Decimal(8), unit=unit
    )
    assert str(save(ticket, actor=actor).net_kg) == net


@pytest.mark.parametrize("state", ["draft", "final"])
def test_a_visit_on_a_document_is_not_changed_nor_weighed_again(actor: Actor, service: Service, state: str) -> None:
    document = m.a_final_invoice(customer=service.contract.customer, contract=service.contract)
    if state == "draft":
        copied = {
            field.attname: getattr(document, field.attname)
            for field in Document._meta.concrete_fields
            if field.name != "id"
        }
        unset = dict.fromkeys(("number", "sequence", "series_id", "finalised_at"))
        document = Document.objects.create(**copied | unset | {"state": "draft", "period_start": date(2026, 9, 1)})
    visit = m.a_visit(service, date(2026, 10, 5))
    ticket = save(WeighTicket(code="W", visit=visit, gross=Decimal(9), tare=Decimal(8)), actor=actor)
    Visit.objects.update(billed_on=document)
    visit.refresh_from_db()
    words = "send the draft back first" if state == "draft" else "credit the document instead"
    assert words in refused(visit, actor, day=date(2026, 10, 6))[1]
    assert words in refused(WeighTicket.objects.get(), actor, gross=Decimal(10))[1]
    for row in (visit, ticket):
        with pytest.raises(WrongFields, match=words):
            delete(row, actor=actor)
