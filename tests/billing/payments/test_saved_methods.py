"""Saved ways to pay: a reference and a label, never a number."""

from __future__ import annotations

import pytest
from django.db import connection

from billing.jobspecs.payments import ChargeDocument, DropMethod, SaveMethod, charge_document, drop_method, save_method
from billing.models import PaymentAccount, PaymentMethod
from billing.services import saved_methods
from queues.contract import Cancel
from queues.models import AuditEntry, OutboundCall, Run
from queues.outbound import Refused
from tests.billing import makers

from .conftest import ACTOR, paid, run_job
from .stand_in import NEVER, VISA

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fake_window", "stripe")]


def test_a_method_is_saved_with_a_customer_that_the_provider_learns_of_once(desk) -> None:
    customer = makers.a_customer()
    for _ in range(2):
        run_job(save_method, SaveMethod(customer=customer.code, method=desk.card()))
    assert PaymentAccount.objects.count() == 1 and len(desk.sent("/v1/customers")) == 1
    old, new = PaymentMethod.objects.order_by("id")
    assert (old.preferred, new.preferred, new.label) == (False, True, "Visa … 4242")
    assert AuditEntry.objects.filter(action="payment_method.save").count() == 2


def test_no_number_and_no_address_is_kept(desk) -> None:
    customer = makers.a_customer()
    run_job(save_method, SaveMethod(customer=customer.code, method=desk.card()))
    with connection.cursor() as cursor:
        for table in (
            "queues_outboundcall",
            "billing_paymentmethod",
            "billing_paymentaccount",
            "queues_auditentry",
            "queues_run",
        ):
            cursor.execute("SELECT * FROM " + table)  # nosemgrep: a name of ours
            kept = str(cursor.fetchall())
            assert VISA not in kept and customer.email not in kept, table


def test_a_card_that_stripe_refuses_is_not_saved(desk) -> None:
    customer = makers.a_customer()
    with pytest.raises(Refused, match="declined"):
        run_job(save_method, SaveMethod(customer=customer.code, method=desk.card(NEVER)))
    assert PaymentMethod.objects.count() == 0


def test_a_dropped_method_is_never_charged_again(desk, paying) -> None:
    document = paying()
    method = PaymentMethod.objects.get()
    run_job(drop_method, DropMethod(method=method.reference, why="The customer asked."))
    assert isinstance(run_job(charge_document, ChargeDocument(document="INV-000001")), Cancel)
    assert paid(document) == ("open", 120_00) and OutboundCall.objects.get(operation="detach").state == "done"
    assert b'"customer": null' in desk.ask("GET", f"/v1/payment_methods/{method.reference}")[1]


def test_asking_twice_to_save_makes_one_run() -> None:
    customer = makers.a_customer()
    for _ in range(2):
        saved_methods.ask_to_save(customer, "stripe", "pm_1", actor=ACTOR)
    assert Run.objects.filter(job="billing.save_method").count() == 1
