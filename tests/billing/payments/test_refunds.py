"""Money goes back: never more than was captured, once, whatever the provider does not say."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connections

from billing.errors import CannotCharge
from billing.jobspecs.payments import ChargeDocument, OfRefund, charge_document, refund_payment, settle_payments
from billing.models import Dispute, Entry, Payment, Refund
from billing.selectors.balances import differences
from billing.selectors.payments import refundable_minor
from billing.services import refunds
from queues.ledger import clock
from queues.models import Run
from queues.registry import NoParams

from .conftest import ACTOR, paid, run_job

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fake_window", "stripe")]
REFUNDS = "/v1/refunds"


@pytest.fixture
def payment(paying) -> Payment:
    paying()
    run_job(charge_document, ChargeDocument(document="INV-000001"))
    return Payment.objects.get()


def give(payment: Payment, amount: int, **over: int) -> Refund:
    return refunds.refund(payment, amount, why="Missed twice.", actor=ACTOR, **over)


def carried_out(refund: Refund) -> str:
    run_job(refund_payment, OfRefund(refund=refund.key))
    refund.refresh_from_db()
    return str(refund.state)


def test_a_part_goes_back_and_the_invoice_is_open_by_that_much(desk, payment) -> None:
    asked = give(payment, 50_00)
    assert Run.objects.filter(job="billing.refund_payment").count() == 1
    assert carried_out(asked) == "succeeded" and asked.reference.startswith("re_")
    payment.refresh_from_db()
    assert payment.refunded_minor == 50_00 and refundable_minor(payment) == 70_00
    assert paid(payment.document) == ("part_paid", 50_00) and differences() == []
    entry = Entry.objects.get(posting=f"refund:{asked.key}")
    assert (entry.debit, entry.credit, entry.amount_minor) == ("receivable", "bank:stripe", 50_00)


@pytest.mark.parametrize(
    ("first", "second", "left"),
    [(120_00, 1, 0), (50_00, 70_01, 70_00), (0, 120_01, 120_00), (0, -5, 120_00), (0, 0, 120_00)],
)
def test_never_more_than_was_captured(payment, first: int, second: int, left: int) -> None:
    if first:
        carried_out(give(payment, first))
    with pytest.raises(CannotCharge, match=f"not between 1 and {left}"):
        give(payment, second)


def test_what_is_under_way_counts(payment) -> None:
    give(payment, 100_00)
    with pytest.raises(CannotCharge, match="not between 1 and 2000"):
        give(payment, 20_01)


def test_a_form_that_is_sent_twice_refunds_once(payment) -> None:
    give(payment, 50_00, left_seen_minor=120_00)
    with pytest.raises(CannotCharge, match="look again"):
        give(payment, 50_00, left_seen_minor=120_00)
    assert Refund.objects.count() == 1


def test_refunds_at_once_never_come_to_more(payment) -> None:
    made: list[Refund] = []

    def one() -> None:
        try:
            made.append(give(payment, 50_00))
        except CannotCharge:
            pass
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert len(made) == 2 and len({each.key for each in made}) == 2


def test_a_payment_that_is_disputed_is_not_refunded(payment) -> None:
    Dispute.objects.create(provider="stripe", reference="dp_1", payment=payment, amount_minor=1, opened_at=clock.now())
    with pytest.raises(CannotCharge, match="bank decides"):
        give(payment, 50_00)


def test_a_refund_without_a_reason_is_not_made(payment) -> None:
    with pytest.raises(CannotCharge, match="Say why"):
        refunds.refund(payment, 1, why=" ", actor=ACTOR)


@pytest.mark.parametrize("mood", ["swallow", "stall", "lose", "broken"])
def test_a_silent_provider_leaves_it_unknown_and_one_refund_is_found_or_made(
    desk, payment, monkeypatch, mood: str
) -> None:
    asked = give(payment, 50_00)
    desk.moods.append(mood)
    assert carried_out(asked) == "unknown" and paid(payment.document) == ("paid", 0)
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(seconds=600))
    run_job(settle_payments, NoParams())
    asked.refresh_from_db()
    assert asked.state == "succeeded" and paid(payment.document) == ("part_paid", 50_00)
    assert (
        b'"amount": 5000' in desk.ask("GET", REFUNDS)[1]
        and desk.ask("GET", REFUNDS)[1].count(b'"object": "refund"') == 1
    )
    assert len(set(desk.sent(REFUNDS))) == 1 and differences() == []


def test_a_refund_that_is_refused_frees_what_it_held(desk, payment) -> None:
    asked = give(payment, 50_00)
    desk.moods.append("decline:charge_disputed")
    assert carried_out(asked) == "failed" and refundable_minor(payment) == 120_00
    assert asked.failure == "Declined: charge_disputed." and paid(payment.document) == ("paid", 0)


def test_a_refund_runs_twice_and_is_made_once(desk, payment) -> None:
    asked = give(payment, 50_00)
    assert [carried_out(asked) for _ in range(2)] == ["succeeded", "succeeded"]
    assert len(desk.sent(REFUNDS)) == 1
