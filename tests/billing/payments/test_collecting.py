"""Charging saved methods at a Stripe that answers, declines, falls silent: one charge for each invoice, whatever dies."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections

from billing.jobspecs.payments import ChargeDocument, charge_document, settle_payments
from billing.jobspecs.runs import OfRun, collect
from billing.models import Entry, Payment
from billing.selectors.balances import differences
from billing.services import collecting
from queues import failpoints
from queues.contract import Cancel, Done, Retry
from queues.ledger import clock
from queues.models import AuditEntry, OutboundCall, Run
from queues.registry import NoParams

from .conftest import ACTOR, Runner, paid, run_job, settle_calls, states
from .stand_in import ASKS_CUSTOMER, DECLINED_LATER

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fake_window", "stripe")]
INTENTS = "/v1/payment_intents"


@pytest.fixture
def ahead(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """ahead(600): the ledger's clock is ten minutes ahead. (Not frozen: Stripe's stand-in has a clock of its own.)"""
    real = clock.now

    def set_(seconds: float) -> None:
        monkeypatch.setattr(clock, "now", lambda: real() + timedelta(seconds=seconds))

    return set_


def of(run: Any) -> OfRun:
    return OfRun(run=run.code)


def test_a_run_is_collected_and_booked(desk, paying, a_run) -> None:
    documents = [paying(number, run=a_run) for number in (1, 2)]
    told = run_job(collect, of(a_run))
    assert told.result["documents"] == {"succeeded": 2}, OutboundCall.objects.first().error
    assert [paid(each) for each in documents] == [("paid", 0), ("paid", 0)]
    assert desk.charges() == {"charge:INV-000001:1": 1, "charge:INV-000002:1": 1}
    first = Payment.objects.get(key="charge:INV-000001:1")
    assert (first.amount_minor, first.allocated_minor, first.reference[:3]) == (120_00, 120_00, "pi_")
    entry = Entry.objects.get(posting="payment:charge:INV-000001:1")
    assert (entry.debit, entry.credit, entry.amount_minor) == ("bank:stripe", "receivable", 120_00)
    a_run.refresh_from_db()
    assert a_run.collected_at is not None


def test_a_run_that_is_collected_again_charges_nothing(desk, paying, a_run) -> None:
    paying(1, run=a_run)
    for _ in range(3):
        run_job(collect, of(a_run))
    assert len(desk.sent(INTENTS)) == 1


def test_two_collections_at_once_charge_once(desk, paying, a_run) -> None:
    documents = [paying(number, run=a_run) for number in range(1, 7)]
    failed: list[BaseException] = []

    def one() -> None:
        try:
            run_job(collect, of(a_run))
        except BaseException as error:
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert failed == []
    assert set(desk.charges().values()) == {1} and len(desk.charges()) == 6
    run_job(settle_payments, NoParams())
    assert {paid(each) for each in documents} == {("paid", 0)}


def test_a_decline_is_written_down_and_stops_nobody(desk, paying, a_run) -> None:
    declined, asks, good = paying(1, DECLINED_LATER, a_run), paying(2, ASKS_CUSTOMER, a_run), paying(3, run=a_run)
    told = run_job(collect, of(a_run))
    assert told.result["documents"] == {"failed": 2, "succeeded": 1}
    soft, hard = (Payment.objects.get(document=each) for each in (declined, asks))
    assert (soft.state, soft.failure_code, soft.hard) == ("failed", "card_declined", False)
    assert (hard.state, hard.failure_code, hard.hard) == ("failed", "authentication_required", True)
    assert paid(declined) == ("open", 120_00) and paid(good) == ("paid", 0)
    assert AuditEntry.objects.filter(action="payment.declined").count() == 2
    again = run_job(collect, of(a_run))
    assert again.result["documents"] == {} and len(desk.sent(INTENTS)) == 3, "a decline is not tried again by the way"


@pytest.mark.parametrize(
    ("code", "hard"),
    [("stolen_card", True), ("insufficient_funds", False), ("do_not_honor", False), ("expired_card", True)],
)
def test_which_declines_are_the_last_word(desk, paying, code: str, hard: bool) -> None:
    document = paying()
    desk.moods.append(f"decline:{code}")
    run_job(charge_document, ChargeDocument(document="INV-000001"))
    row = Payment.objects.get(document=document)
    assert (row.state, row.failure_code, row.hard) == ("failed", code, hard)


def test_what_is_not_charged_says_why(desk, paying, a_run) -> None:
    paying(1, "", a_run)
    paying(2, run=a_run, auto_collect=False)
    disputed = paying(3, run=a_run)
    disputed.standing.disputed = True
    disputed.standing.save()
    told = run_job(collect, of(a_run))
    assert told.result["not_charged"] == {
        "The customer has no saved method that can be charged here.": 1,
        "It is disputed.": 1,
    }
    assert desk.posts[-1:] == [] or INTENTS not in {path for path, _ in desk.posts}


@pytest.mark.parametrize("mood", ["swallow", "stall", "broken"])
def test_a_silent_provider_leaves_it_unknown_and_looking_finds_the_one_charge(
    desk, paying, a_run, ahead, mood: str
) -> None:
    document = paying(1, run=a_run)
    desk.moods.append(mood)
    told = run_job(collect, of(a_run))
    assert told.result["documents"] == {"unknown": 1}
    assert states(document) == ["unknown"] and paid(document) == ("open", 120_00)
    ahead(600)
    run_job(settle_payments, NoParams())
    assert states(document) == ["succeeded"] and paid(document) == ("paid", 0)
    assert desk.charges() == {"charge:INV-000001:1": 1} and len(desk.sent(INTENTS)) == 1, "looked up, not sent again"


def test_settle_calls_and_settle_payments_find_it_out_together(desk, paying, a_run, ahead) -> None:
    document = paying(1, run=a_run)
    desk.moods.append("swallow")
    run_job(collect, of(a_run))
    ahead(600)
    assert settle_calls() == ["done"]
    run_job(settle_payments, NoParams())
    assert paid(document) == ("paid", 0) and len(desk.sent(INTENTS)) == 1


def test_what_never_arrived_is_sent_again_under_the_same_key(desk, paying, a_run, ahead) -> None:
    document = paying(1, run=a_run)
    desk.moods.append("lose")
    run_job(collect, of(a_run))
    assert states(document) == ["unknown"] and desk.charges() == {}
    ahead(600)
    run_job(settle_payments, NoParams())
    assert paid(document) == ("paid", 0) and desk.charges() == {"charge:INV-000001:1": 1}
    assert len(desk.sent(INTENTS)) == 2 and len(set(desk.sent(INTENTS))) == 1


def test_a_request_that_lands_late_is_one_charge_all_the_same(desk, paying, a_run, ahead) -> None:
    document = paying(1, run=a_run)
    desk.moods.append("late")
    run_job(collect, of(a_run))
    ahead(70)
    run_job(settle_payments, NoParams())  # it is not there yet, and is sent again under its key
    for each in desk.late:
        each.join(10)
    ahead(700)
    run_job(settle_payments, NoParams())
    assert paid(document) == ("paid", 0) and desk.charges() == {"charge:INV-000001:1": 1}
    assert len(set(desk.sent(INTENTS))) == 1


def test_a_provider_that_turns_us_away_is_asked_again_later(desk, paying, a_run) -> None:
    documents = [paying(number, run=a_run) for number in range(1, 6)]
    desk.moods.extend(["ok", "busy", "busy", "busy"])
    told = run_job(collect, of(a_run))
    assert isinstance(told, Retry) and told.after_s == 60 and "4 documents" in told.why
    again = run_job(collect, of(a_run))
    assert isinstance(again, Done) and {paid(each) for each in documents} == {("paid", 0)}
    assert set(desk.charges().values()) == {1}


class Killed(BaseException):
    """What a process meets that is killed at a point."""


@pytest.mark.parametrize("point", ["call.posted", "call.taken", "call.sent", "call.settled"])
def test_a_worker_that_is_killed_in_the_middle_leaves_one_charge(
    desk, paying, a_run, ahead, monkeypatch, point: str
) -> None:
    documents = [paying(number, run=a_run) for number in (1, 2, 3)]
    run, left = Runner(collect, of(a_run)), 2

    def reach(name: str) -> None:
        nonlocal left
        left -= name == point
        if name == point and left == 0:
            raise Killed(name)

    with monkeypatch.context() as dying, pytest.raises(Killed):
        dying.setattr(failpoints, "reach", reach)
        run.run()
    run.run()  # rescued, on another worker
    ahead(600)
    run_job(settle_payments, NoParams())
    assert {paid(each) for each in documents} == {("paid", 0)}
    assert set(desk.charges().values()) == {1} and len(desk.charges()) == 3
    assert differences() == []


def test_what_was_not_sent_and_is_paid_meanwhile_is_withdrawn(desk, paying, ahead) -> None:
    document = paying()
    payment = collecting.begin(document, 1, actor=ACTOR)  # and its worker died
    document.standing.paid_minor, document.standing.state = 120_00, "paid"
    document.standing.save()
    ahead(600)
    run_job(settle_payments, NoParams())
    payment.refresh_from_db()
    assert (payment.state, payment.failure_code) == ("failed", "withdrawn") and desk.sent(INTENTS) == []
    assert not OutboundCall.objects.filter(key=payment.key).exists()


def test_one_attempt_at_a_time_and_in_turn(desk, paying) -> None:
    document = paying(1, DECLINED_LATER)
    assert isinstance(run_job(charge_document, ChargeDocument(document="INV-000001", attempt=2)), Cancel)
    for attempt in (1, 1, 2):
        run_job(charge_document, ChargeDocument(document="INV-000001", attempt=attempt))
    assert states(document) == ["failed", "failed"] and len(desk.sent(INTENTS)) == 2
    collecting.begin(document, 3, actor=ACTOR)
    told = run_job(charge_document, ChargeDocument(document="INV-000001", attempt=4))
    assert isinstance(told, Cancel) and told.why == "A charge of it is under way."


def test_asking_twice_makes_one_run(paying, desk) -> None:
    document = paying()
    runs = {collecting.ask(document, actor=ACTOR).id for _ in range(2)}
    assert len(runs) == 1 and Run.objects.filter(job="billing.charge_document").count() == 1


def test_an_amount_that_stripe_cannot_take_is_refused_unsent(desk, paying) -> None:
    document = paying(1, currency="BHD", net_minor=1_001, tax_minor=0)
    run_job(charge_document, ChargeDocument(document="INV-000001"))
    row = Payment.objects.get(document=document)
    assert (row.state, row.failure_code, row.hard) == ("failed", "amount_not_possible", True)
    assert desk.sent(INTENTS) == []


def test_yen_are_told_without_decimals(desk, paying) -> None:
    document = paying(1, currency="JPY", net_minor=1_000, tax_minor=100)
    run_job(charge_document, ChargeDocument(document="INV-000001"))
    assert paid(document) == ("paid", 0)
    (answer,) = [each for each in desk.answers.values() if each[0] == INTENTS]
    assert b"amount=1100&currency=jpy" in answer[1]
