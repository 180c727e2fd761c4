"""What becomes of what Stripe tells us: taken up once, right in any order."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from billing.jobspecs.payments import apply_events
from billing.models import Customer, Dispute, Entry, Payment, PaymentAccount, PaymentMethod, ProviderEvent, Refund
from billing.services import collecting, received
from queues.ledger import clock
from queues.registry import NoParams
from tests.billing import makers

from .conftest import ACTOR, paid, run_job
from .telling import BODY, disputed, event, intent, refunded, tell

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fake_window")]
AT_ONCE = 6


def test_the_same_event_twice_changes_nothing_the_second_time(listening, charged) -> None:
    charged()
    assert [tell(BODY).json()["new"] for _ in range(3)] == [True, False, False]
    assert ProviderEvent.objects.count() == 1 and Entry.objects.filter(posting__startswith="payment:").count() == 1


def test_the_same_event_many_times_at_once_is_taken_up_once(listening, charged) -> None:
    document, gate = charged(), threading.Barrier(AT_ONCE)

    def one(_: int) -> bool:
        try:
            gate.wait(10)
            return bool(tell(BODY).json()["new"])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(AT_ONCE) as threads:
        assert sorted(threads.map(one, range(AT_ONCE))) == [False] * (AT_ONCE - 1) + [True]
    assert ProviderEvent.objects.get().effect == "charge:INV-000001:1 succeeded" and paid(document) == ("paid", 0)
    assert (Entry.objects.filter(posting__startswith="payment:").count(), document.allocations.count()) == (1, 1)


STORY = {
    "processing": event("payment_intent.processing", intent("processing")),
    "failed": event("payment_intent.payment_failed", intent("requires_payment_method", last_payment_error={"code": "card_declined", "message": "No."})),
    "succeeded": event("payment_intent.succeeded", intent("succeeded")),
    "refund made": event("refund.created", refunded("pending")),
    "refunded": event("refund.updated", refunded("succeeded")),
    "refunded in all": event("charge.refunded", {"id": "ch_1", "payment_intent": "pi_1", "amount_refunded": 50_00, "currency": "eur"}),
}  # fmt: skip


def test_a_charge_and_its_refund_come_out_right_in_every_order(listening, charged) -> None:
    """All 720 orders would take minutes: every order of four that matter most, and each whole story turned and rotated."""
    names = list(STORY)
    orders = [list(each) for each in itertools.permutations(["processing", "succeeded", "failed", "refunded"])]
    orders += [names[turn:] + names[:turn] for turn in range(len(names))] + [names[::-1]]
    for number, order in enumerate(orders):
        document = charged(number + 1)
        there = {
            f"INV-{1:06}": document.number,
            "pi_1": f"pi_{number}",
            "re_1": f"re_{number}",
            '"evt_': f'"evt_{number}_',
        }
        for name in [*order, *order]:  # and each twice
            body = STORY[name].decode()
            for was, now in there.items():
                body = body.replace(was, now)
            assert tell(body.encode()).status_code == 200
        for _ in range(2):  # what came before what it is about
            run_job(apply_events, NoParams())
        payment = Payment.objects.get(document=document)
        assert (payment.state, payment.amount_minor, payment.refunded_minor) == ("succeeded", 120_00, 50_00), order
        assert [(each.state, each.amount_minor) for each in payment.refunds.all()] == [("succeeded", 50_00)], order
        assert paid(document) == ("part_paid", 50_00), order
        assert Entry.objects.filter(customer=document.customer).count() == 2, order
    assert ProviderEvent.objects.filter(applied_at=None).count() == 0


@pytest.mark.parametrize("order", list(itertools.permutations(["open", "lost"])))
@pytest.mark.parametrize("before", [True, False], ids=["paid first", "paid last"])
def test_a_dispute_that_is_lost_opens_the_invoice_once_in_any_order(listening, charged, order, before: bool) -> None:
    document = charged()
    bodies = {
        "open": event("charge.dispute.created", disputed("needs_response")),
        "lost": event("charge.dispute.closed", disputed("lost")),
    }
    told = [bodies[each] for each in order]
    for body in [BODY, *told] if before else [*told, BODY]:
        for _ in range(2):
            assert tell(body).status_code == 200
    for _ in range(2):
        run_job(apply_events, NoParams())
    row = Dispute.objects.get()
    assert row.state == "lost" and row.closed_at is not None and paid(document) == ("open", 120_00)
    assert document.standing.disputed is False
    assert Entry.objects.filter(posting="dispute:stripe:dp_1").count() == 1


def test_a_dispute_that_is_lost_takes_no_more_than_is_left_of_the_payment(listening, charged) -> None:
    document = charged()
    for body in (BODY, STORY["refunded"], event("charge.dispute.closed", disputed("lost"))):
        assert tell(body).status_code == 200
    payment = Payment.objects.get()
    assert (payment.refunded_minor, payment.allocated_minor) == (120_00, 0) and paid(document) == ("open", 120_00)
    assert Entry.objects.get(posting="dispute:stripe:dp_1").amount_minor == 70_00


def test_a_dispute_that_is_open_marks_the_invoice_and_one_that_is_won_frees_it(listening, charged) -> None:
    document = charged()
    tell(BODY)
    tell(event("charge.dispute.created", disputed("needs_response")))
    assert paid(document) == ("paid", 0) and document.standing.disputed is True
    tell(event("charge.dispute.closed", disputed("won")))
    assert (
        paid(document) == ("paid", 0) and document.standing.disputed is False and Dispute.objects.get().state == "won"
    )


def test_an_event_about_what_we_do_not_know_waits_with_its_reason_and_is_taken_up_later(listening) -> None:
    tell(BODY)
    row = ProviderEvent.objects.get()
    assert row.applied_at is None and "charge:INV-000001:1" in row.error
    document = makers.a_final_invoice(1)
    PaymentAccount.objects.create(customer=document.customer, provider="stripe", reference="cus_1")
    PaymentMethod.objects.create(customer=document.customer, provider="stripe", reference="pm_1")
    collecting.begin(document, 1, actor=ACTOR)
    assert run_job(apply_events, NoParams()).result == {"applied": 1}
    row.refresh_from_db()
    assert row.applied_at is not None and row.error == "" and paid(document) == ("paid", 0)


def test_what_nobody_knows_after_a_week_is_left_to_staff(listening, monkeypatch) -> None:
    tell(BODY)
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=8))
    assert run_job(apply_events, NoParams()).result == {}
    assert ProviderEvent.objects.get().applied_at is None


def test_kinds_that_tell_nothing_are_kept_and_done_with(listening) -> None:
    assert tell(event("product.created", {"id": "prod_1"})).status_code == 200
    row = ProviderEvent.objects.get()
    assert (row.applied_at is not None, row.effect) == (True, "")


def test_a_part_that_was_captured_is_what_was_had(listening, charged) -> None:
    document = charged()
    tell(event("payment_intent.amount_capturable_updated", intent("requires_capture")))
    assert Payment.objects.get().state == "pending"
    tell(event("payment_intent.succeeded", intent("succeeded", amount_received=70_00)))
    assert Payment.objects.get().amount_minor == 70_00 and paid(document) == ("part_paid", 50_00)


def test_a_charge_that_is_cancelled_at_stripe_has_failed(listening, charged) -> None:
    document = charged()
    tell(event("payment_intent.canceled", intent("canceled")))
    row = Payment.objects.get()
    assert (row.state, row.failure_code) == ("failed", "canceled") and paid(document) == ("open", 120_00)


def test_a_charge_that_was_declined_and_succeeds_after_all_is_booked(listening, charged) -> None:
    document = charged()
    tell(STORY["failed"])
    assert Payment.objects.get().state == "failed"
    tell(BODY)
    row = Payment.objects.get()
    assert (row.state, row.failure_code) == ("succeeded", "") and paid(document) == ("paid", 0)


def test_a_refund_that_comes_back_is_the_customers_credit(listening, charged) -> None:
    document = charged()
    for body in (BODY, STORY["refunded"]):
        tell(body)
    for name in ("refund.failed", "charge.refund.updated"):
        tell(event(name, refunded("failed", failure_reason="lost_or_stolen_card"), id=f"evt_{name}"))
    back = Payment.objects.get(key="returned:refund:stripe:re_1")
    assert (back.state, back.amount_minor) == ("succeeded", 50_00) and paid(document) == ("paid", 0)
    refund = Refund.objects.get()
    assert refund.state == "succeeded" and "Came back" in refund.failure
    assert Entry.objects.filter(posting__startswith="payment:returned").count() == 1


def test_methods_come_and_go_and_one_that_went_stays_away(listening) -> None:
    customer = makers.a_customer()
    PaymentAccount.objects.create(customer=customer, provider="stripe", reference="cus_1")
    card = {"object": "payment_method", "type": "card", "card": {"brand": "visa", "last4": "4242"}}
    attached = {"id": "pm_1", "customer": "cus_1", **card}
    tell(event("payment_method.attached", attached))
    row = PaymentMethod.objects.get()
    assert (row.customer, row.label, row.usable) == (customer, "Visa … 4242", True)
    tell(event("payment_method.detached", {**attached, "customer": None}))
    tell(event("payment_method.attached", attached, id="evt_again"))
    assert PaymentMethod.objects.get().usable is False
    tell(event("payment_method.detached", {"id": "pm_2", "customer": None, **card}))
    tell(event("payment_method.attached", {"id": "pm_2", "customer": "cus_1", **card}))
    assert PaymentMethod.objects.get(reference="pm_2").usable is False, "the news came in the wrong order"
    assert Customer.objects.count() == 1


def test_a_reference_that_another_payment_bears_leaves_the_event_open_with_the_reason(listening, charged) -> None:
    document = charged()
    another = makers.a_customer("C-9")
    received.receive("k", "stripe", another, "EUR", 10_00, makers.NOVEMBER, "pi_1", actor=ACTOR)
    tell(BODY)
    row = ProviderEvent.objects.get()
    assert row.applied_at is None and "'pi_1' already" in row.error and paid(document) == ("open", 120_00)
    assert Payment.objects.get(document=document).state == "pending"


def test_an_event_is_kept_and_taken_up_in_few_statements(listening, charged) -> None:
    """A provider waits for them. PostgreSQL's list lacks the audit entry, which is sent past Django."""
    charged()
    with CaptureQueriesContext(connection) as asked:
        tell(BODY)
    assert len(asked) == (16 if connection.vendor == "postgresql" else 17)
    with CaptureQueriesContext(connection) as asked:
        tell(BODY)
    assert len(asked) == 1, "it is there"
