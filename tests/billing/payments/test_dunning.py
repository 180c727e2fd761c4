"""Reminders: each step once, none while it is disputed or promised, none when nothing is open."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from billing import ports as billing
from billing.errors import CannotCharge
from billing.jobspecs.payments import ChargeDocument, charge_document, remind
from billing.models import Document, Dunning, DunningStep, Payment, PaymentAccount, PaymentMethod, Reminder, Standing
from billing.ports import Outcome
from billing.services import charge_settling, collecting, dunning, received, write_offs
from queues.ledger import clock
from queues.models import AuditEntry, Run
from queues.registry import NoParams
from tests.billing import makers

from .conftest import ACTOR, run_job

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fake_window")]
DUE = date(2026, 11, 15)


class Silent:
    """A provider that is there, and that nobody asks in these tests."""

    name = "stripe"


@pytest.fixture(autouse=True)
def time() -> Iterator[clock.Fake]:
    with clock.frozen(datetime(2026, 11, 16, 6, tzinfo=UTC)) as fake:
        billing.register(Silent())  # type: ignore[arg-type]
        yield fake
        billing.forget("stripe")


@pytest.fixture(autouse=True)
def calendar(db: None) -> None:
    steps = [(1, 3, "Reminder", False), (2, 10, "Second reminder", True), (3, 20, "Last reminder", True)]
    text = "{customer}, {number} of {due_date}: {balance} is open, {unknown}."
    for number, days, title, retry in steps:
        DunningStep.objects.create(number=number, days_after_due=days, title=title, text=text, retry=retry)


@pytest.fixture
def invoice(db: None) -> Document:
    contract = makers.a_contract(auto_collect=True)
    customer = contract.customer
    PaymentAccount.objects.create(customer=customer, provider="stripe", reference="cus_1")
    PaymentMethod.objects.create(customer=customer, provider="stripe", reference="pm_1", label="Visa … 4242")
    return makers.a_final_invoice(1, customer=customer, contract=contract)


def on(time: clock.Fake, day: date) -> dict[str, Any]:
    """What the job did on this day."""
    time.advance((datetime(day.year, day.month, day.day, 6, tzinfo=UTC) - clock.now()).total_seconds())
    return run_job(remind, NoParams()).result  # type: ignore[no-any-return]


def after(days: int) -> date:
    return DUE + timedelta(days=days)


def steps() -> list[tuple[int, date]]:
    return list(Reminder.objects.order_by("id").values_list("step", "sent_on"))


def test_each_step_is_taken_once_on_its_day(time, invoice) -> None:
    for days in range(1, 40):
        on(time, after(days))
        on(time, after(days))
    assert steps() == [(1, after(3)), (2, after(10)), (3, after(20))]
    first = Reminder.objects.get(step=1)
    assert first.text == "Gasthaus Ente, INV-000001 of 2026-11-15: 120.00 EUR is open, {unknown}."
    assert first.outcome == "Recorded; nothing is sent to customers yet."
    assert AuditEntry.objects.filter(action="dunning.remind").count() == 3
    assert Dunning.objects.get().next_on is None


def test_nothing_is_reminded_of_that_is_not_overdue(time, invoice) -> None:
    assert on(time, DUE) == {} or on(time, DUE) == {}
    assert Dunning.objects.count() == 0


def test_reminders_that_are_late_do_not_come_in_a_heap(time, invoice) -> None:
    for days in (30, 31, 36, 37, 46, 47):
        on(time, after(days))
    assert steps() == [(1, after(30)), (2, after(37)), (3, after(47))]


def pay(invoice: Document) -> None:
    received.receive("bank:1", "manual", invoice.customer, "EUR", 120_00, DUE, "B-1", invoice, actor=ACTOR)


def write_off(invoice: Document) -> None:
    write_offs.write_off(invoice, why="Gone.", actor=ACTOR)


def void(invoice: Document) -> None:
    Standing.objects.filter(document=invoice).update(state="void", credited_minor=120_00)


@pytest.mark.parametrize("ends", [pay, write_off, void])
def test_reminders_stop_when_nothing_is_open(time, invoice, ends) -> None:
    on(time, after(3))
    ends(invoice)
    assert on(time, after(10)) == {"stopped": 1}
    assert len(steps()) == 1 and Dunning.objects.get().state == "stopped"
    assert on(time, after(11)) == {}


def test_reminders_pause_while_it_is_disputed_and_go_on_after(time, invoice) -> None:
    on(time, after(3))
    Standing.objects.update(disputed=True)
    assert on(time, after(12)) == {"paused": 1}
    Standing.objects.update(disputed=False)
    assert on(time, after(13)) == {"reminded": 1}
    assert [step for step, _ in steps()] == [1, 2]


def test_a_promise_is_waited_for_and_no_longer(time, invoice) -> None:
    on(time, after(3))
    dunning.promise(invoice, after(15), actor=ACTOR, why="On the telephone.")
    assert on(time, after(10)) == {"paused": 1} and Dunning.objects.get().reason == "Promised by 2026-11-30."
    assert on(time, after(15)) == {"paused": 1}
    assert on(time, after(16)) == {"reminded": 1}
    assert steps() == [(1, after(3)), (2, after(16))]


def test_a_promise_for_yesterday_is_none(time, invoice) -> None:
    with pytest.raises(CannotCharge, match="is over"):
        dunning.promise(invoice, date(2026, 11, 15), actor=ACTOR, why="")


def declined(invoice: Document, *, hard: bool) -> None:
    payment = collecting.begin(invoice, 1, actor=ACTOR)
    charge_settling.settle(payment.key, Outcome("declined", "pi_1", code="x", words="No.", hard=hard), actor=ACTOR)


def asked() -> list[Any]:
    return [each.params for each in Run.objects.filter(job="billing.charge_document")]


def test_a_soft_decline_is_tried_again_by_steps_that_say_so(time, invoice) -> None:
    declined(invoice, hard=False)
    for days in (3, 10):
        on(time, after(days))
    assert asked() == [{"document": "INV-000001", "attempt": 2}]
    assert Reminder.objects.get(step=2).outcome.endswith("The saved method is charged again.")
    assert not Reminder.objects.get(step=1).outcome.endswith("again.")


def test_a_hard_decline_is_never_tried_again_with_the_same_method(time, invoice) -> None:
    declined(invoice, hard=True)
    for days in (3, 10, 20):
        on(time, after(days))
    assert asked() == [] and "x is final" in Reminder.objects.get(step=3).outcome


def test_another_method_is_tried_after_a_hard_decline(time, invoice) -> None:
    declined(invoice, hard=True)
    PaymentMethod.objects.update(preferred=False)
    PaymentMethod.objects.create(customer=invoice.customer, provider="stripe", reference="pm_2")
    for days in (3, 10):
        on(time, after(days))
    assert asked() == [{"document": "INV-000001", "attempt": 2}]


def test_no_charge_is_made_beside_one_that_is_under_way(time, invoice) -> None:
    collecting.begin(invoice, 1, actor=ACTOR)
    for days in (3, 10):
        on(time, after(days))
    assert asked() == [] and "under way" in Reminder.objects.get(step=2).outcome
    assert Payment.objects.count() == 1


def test_a_messenger_is_told_what_to_say(time, invoice, monkeypatch) -> None:
    letters: list[billing.Letter] = []
    monkeypatch.setattr(billing, "messenger", lambda letter: letters.append(letter) or "Posted.")
    on(time, after(3))
    (letter,) = letters
    assert (letter.customer, letter.language, letter.document, letter.title) == (
        "C-K-1",
        "de",
        "INV-000001",
        "Reminder",
    )
    assert Reminder.objects.get().outcome == "Posted."


def test_the_charge_that_a_step_asks_for_is_made_once(time, invoice) -> None:
    declined(invoice, hard=False)
    for days in (3, 10, 11):
        on(time, after(days))
    assert len(asked()) == 1 and ChargeDocument(**asked()[0]).attempt == 2 and charge_document.run is not None
