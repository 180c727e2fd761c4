"""A payment's page: what it tells, and its verbs: set against an invoice, taken off again, given back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from billing import ports
from billing.models import Document, Payment, Refund, Standing
from billing.selectors.balances import differences
from billing.services import received
from project.chaos import till
from queues.models import AuditEntry, Run
from tests.admin import money_scenes
from tests.billing import makers

pytestmark = pytest.mark.django_db
Browser = Callable[[str], Client]
KEY = "0198c0de-0000-7000-8000-000000000001"
REFUND = {"amount": "10.00", "seen": "15000", "key": KEY, "why": "Paid twice"}


@pytest.fixture
def payment() -> Payment:
    """150.00 by hand: 120.00 is set against INV-000002, 30.00 is left; INV-000001 of the same customer is open."""
    found: Payment = money_scenes.rows()["billing.payment"]
    return found


@pytest.fixture
def charged(payment: Payment) -> Iterator[Payment]:
    """120.00 by a provider that gives back when it is asked."""
    ports.register(till.Till())
    yield received.receive(
        "charge:INV-000001:1", till.NAME, payment.customer, "EUR", 120_00, date(2026, 11, 5), "ch_1", invoice(1),
        actor=money_scenes.CLERK,
    )  # fmt: skip
    ports.forget(till.NAME)


def invoice(number: int) -> Document:
    return Document.objects.get(number=f"INV-{number:06}")


def stands(number: int) -> tuple[str, int]:
    standing = Standing.objects.get(document=invoice(number))
    return standing.state, standing.balance_minor


def url(payment: Payment, verb: str = "change") -> str:
    return f"/admin/billing/payment/{payment.pk}/{verb}/"


def text(browser: Client, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def done(browser: Client, address: str, **posted: Any) -> None:
    answer = browser.post(address, posted)
    assert answer.status_code == 302, [line for line in answer.content.decode().splitlines() if "error" in line]


def test_the_page_tells_what_it_is_set_against_and_what_is_left(payment: Payment, as_: Browser) -> None:
    shown = text(as_("manager"), url(payment))
    assert "150.00 EUR" in shown and "INV-000002" in shown and "30.00 EUR" in shown
    assert "Set against an invoice…" in shown and "Refund…" in shown
    assert "fraudulent" in shown, "its dispute"


def test_what_nobody_knows_yet_has_no_verbs(payment: Payment, as_: Browser) -> None:
    unknown = Payment.objects.create(
        key="charge:INV-000001:1", provider=till.NAME, customer=payment.customer, document=invoice(1), currency="EUR",
        amount_minor=120_00, state="unknown", created_at=money_scenes.AT,
    )  # fmt: skip
    shown = text(as_("manager"), url(unknown))
    assert "Nobody knows yet" in shown and "Refund…" not in shown and "Set against" not in shown
    for verb in ("refund", "allocate"):
        assert as_("manager").post(url(unknown, verb), {**REFUND, "document": str(invoice(1).pk)}).status_code == 200
    assert not Refund.objects.exists() and stands(1) == ("open", 120_00)


def test_its_credit_is_set_against_an_invoice_as_far_as_it_goes(payment: Payment, as_: Browser) -> None:
    form = {"document": str(invoice(1).pk), "amount": "", "why": "Called", "seen": "3000"}
    done(as_("manager"), url(payment, "allocate"), **form)
    assert stands(1) == ("part_paid", 90_00)
    again = as_("manager").post(url(payment, "allocate"), form)
    assert again.status_code == 200, "there is no credit left"
    assert stands(1) == ("part_paid", 90_00) and differences() == []


def test_a_part_of_its_credit_is_set_once_however_often_its_form_is_sent(payment: Payment, as_: Browser) -> None:
    form = {"document": str(invoice(1).pk), "amount": "10.00", "why": "", "seen": "3000"}
    done(as_("manager"), url(payment, "allocate"), **form)
    assert "20.00 EUR is free. Look again." in as_("manager").post(url(payment, "allocate"), form).content.decode()
    assert stands(1) == ("part_paid", 110_00) and differences() == []


def test_no_more_than_its_credit_and_no_other_customers_invoice(payment: Payment, as_: Browser) -> None:
    other = makers.a_booked_invoice(3)
    for form, told in (
        ({"document": str(invoice(1).pk), "amount": "30.01"}, "At most 30.00 EUR"),
        ({"document": str(other.pk), "amount": "1.00"}, "Select a valid choice"),
    ):
        answer = as_("manager").post(url(payment, "allocate"), {**form, "seen": "3000"})
        assert told in answer.content.decode()
    assert stands(1) == ("open", 120_00) and stands(3) == ("open", 120_00)


def test_what_is_taken_off_an_invoice_is_open_again_and_the_customers_credit(payment: Payment, as_: Browser) -> None:
    address = f"/admin/billing/payment/allocation/{payment.allocations.get().pk}/undo/"
    assert "Say why" in as_("manager").post(address, {"why": ""}).content.decode()
    assert stands(2) == ("paid", 0)
    done(as_("manager"), address, why="It was for the other one")
    payment.refresh_from_db()
    assert (stands(2), payment.allocated_minor) == (("open", 120_00), 0)
    assert "undone already" in as_("manager").post(address, {"why": "Again"}).content.decode()
    assert payment.allocations.count() == 2 and differences() == []


def test_a_refund_by_hand_is_booked_once_however_often_its_form_is_sent(payment: Payment, as_: Browser) -> None:
    assert "by bank transfer" in text(as_("manager"), url(payment, "refund"))
    for _ in range(2):
        done(as_("manager"), url(payment, "refund"), **REFUND)
    payment.refresh_from_db()
    assert (Refund.objects.get().amount_minor, payment.refunded_minor, stands(2)) == (10_00, 10_00, ("paid", 0))
    assert "Paid twice" in text(as_("manager"), url(payment)) and differences() == []


def test_what_goes_back_beyond_the_credit_opens_invoices(payment: Payment, as_: Browser) -> None:
    done(as_("manager"), url(payment, "refund"), **{**REFUND, "amount": "50.00"})
    assert stands(2) == ("part_paid", 20_00) and differences() == []


@pytest.mark.parametrize(
    ("wrong", "told"), [({"amount": "150.01"}, "At most 150.00 EUR"), ({"amount": "-1"}, "above nothing"), ({"why": ""}, "Say why")]
)  # fmt: skip
def test_a_wrong_refund_is_told_beside_its_field(
    payment: Payment, as_: Browser, wrong: dict[str, str], told: str
) -> None:
    assert told in as_("manager").post(url(payment, "refund"), {**REFUND, **wrong}).content.decode()
    assert not Refund.objects.exists()


def test_a_provider_is_asked_to_give_back_once_by_a_job(charged: Payment, as_: Browser) -> None:
    form = {**REFUND, "seen": "12000"}
    done(as_("manager"), url(charged, "refund"), **form)
    again = as_("manager").post(url(charged, "refund"), form)
    assert "in the meantime" in again.content.decode()
    refund, job = Refund.objects.get(), Run.objects.get()
    assert (refund.state, refund.amount_minor) == ("pending", 10_00)
    assert (job.job, job.parameters) == ("billing.refund_payment", {"refund": refund.key})
    assert AuditEntry.objects.get(action="refund.ask").why == "Paid twice"


def test_the_list_finds_what_has_credit_left(payment: Payment, charged: Payment, as_: Browser) -> None:
    ours, theirs = (reverse("admin:billing_payment_change", args=[each.pk]) for each in (payment, charged))
    everything = text(as_("manager"), "/admin/billing/payment/")
    assert ours in everything and theirs in everything
    free = text(as_("manager"), "/admin/billing/payment/?use=free")
    assert ours in free and theirs not in free
