"""How master data is written: proved by field, and audited with what differs."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billing.models import Customer, Jurisdiction, Service
from billing.services.master.data import delete, save
from queues.contract import Actor
from queues.models import AuditEntry
from tests.billing import makers as m

from .conftest import refused

pytestmark = pytest.mark.django_db


def test_a_change_is_entered_with_what_differs_and_no_change_is_not(actor: Actor) -> None:
    customer = m.a_customer()
    customer.payment_days = 30
    save(customer, actor=actor, why="Asked for")
    save(Customer.objects.get(), actor=actor)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.before, entry.after, entry.why) == (
        "customer.change",
        {"payment_days": 14},
        {"payment_days": 30},
        "Asked for",
    )


def test_the_same_number_written_otherwise_is_no_change(actor: Actor) -> None:
    rate = m.a_jurisdiction().rates.get()
    rate.rate = Decimal("20.0")
    save(rate, actor=actor)
    assert not AuditEntry.objects.exists()


def test_a_new_row_and_its_end_are_entered_whole(actor: Actor) -> None:
    place = save(Jurisdiction(code="DE", title="Germany"), actor=actor)
    delete(place, actor=actor, why="Not needed")
    made, gone = AuditEntry.objects.order_by("id")
    assert (
        made.before is None and made.after["code"] == "DE" and gone.after is None and gone.before["title"] == "Germany"
    )
    assert (made.action, gone.action, gone.object_label) == ("jurisdiction.create", "jurisdiction.delete", "DE Germany")


def test_a_code_that_is_there_already_is_told_by_its_field(actor: Actor) -> None:
    m.a_customer("C-1")
    twin = m.a_customer("C-2")
    assert refused(twin, actor, code="C-1")[0] == "code"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"time_zone": "Mars/North"}, "time_zone"), ({"tax_id": "ATU12345670"}, "tax_id"), ({"tax_treatment": "reverse_charge"}, "tax_id"),
        ({"tax_treatment": "exempt"}, "exemption_reason"), ({"exempt_until": date(2027, 1, 1)}, "exempt_until"), ({"country": "Austria"}, "country"),
    ],
)  # fmt: skip
def test_a_customers_papers_are_proved(actor: Actor, changed: dict[str, Any], field: str) -> None:
    assert refused(m.a_customer(), actor, **changed)[0] == field


def test_a_site_with_services_stays_its_customers(actor: Actor, service: Service) -> None:
    assert refused(service.site, actor, customer=m.a_customer("C-2")) == (
        "customer", "The service K-1/1 is there: a site with services stays its customer's.",
    )  # fmt: skip
