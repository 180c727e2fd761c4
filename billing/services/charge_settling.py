"""What became of a charge is written down: by whoever hears of it first, and in one direction alone.

pending, unknown → failed → succeeded: what is told late, twice or in another order changes nothing that is known better. (A charge that was
declined may succeed after all: the customer confirms it at the bank.)
"""

from __future__ import annotations

from django.db import transaction

from billing.models import Payment
from billing.ports import Outcome
from billing.selectors.payments import LIVE
from billing.selectors.sellers import today
from billing.services import account
from billing.services.received import receive
from queues.contract import Actor, ports

State = Payment.State


def settle(key: str, outcome: Outcome, *, actor: Actor) -> str:
    """What changed, in words; "" where nothing did. Audited. Raises Payment.DoesNotExist, CannotSettle.

    Locks the customer, then the payment: hold neither's row before.
    """
    with transaction.atomic():
        payment = locked(key)
        if payment.state == State.SUCCEEDED or (outcome.state == "unknown" and payment.state != State.PENDING):
            return ""
        if outcome.state == "succeeded":
            return _succeeded(payment, outcome, actor)
        if payment.state not in LIVE:
            return ""
        if outcome.state == "declined":
            return _declined(payment, outcome, actor)
        return _undecided(payment, outcome, actor)


def locked(key: str) -> Payment:
    """The payment in the caller's transaction, with its customer: everybody in this order. Raises Payment.DoesNotExist."""
    found = Payment.objects.get(key=key)
    account.hold(found.customer_id)
    return account.held_payment(found)


def _succeeded(payment: Payment, outcome: Outcome, actor: Actor) -> str:
    had = outcome.amount_minor or payment.amount_minor  # a provider may have captured a part
    reference = outcome.reference or payment.reference
    payment.amount_minor, payment.reference, payment.state = had, reference, State.PENDING
    payment.failure_code = payment.failure = ""
    payment.hard = False
    payment.save()
    receive(
        payment.key, payment.provider, payment.customer, payment.currency, had, today(), reference, payment.document, actor=actor,
    )  # fmt: skip
    return f"{payment.key} succeeded"


def _declined(payment: Payment, outcome: Outcome, actor: Actor) -> str:
    payment.state, payment.settled_at = State.FAILED, ports.now()
    payment.reference = outcome.reference or payment.reference
    payment.failure_code, payment.failure, payment.hard = outcome.code[:60], outcome.words[:300], outcome.hard
    payment.save()
    _told(payment, "payment.declined", actor, {"code": payment.failure_code, "hard": payment.hard}, payment.failure)
    return f"{payment.key} failed: {payment.failure_code}"


def _undecided(payment: Payment, outcome: Outcome, actor: Actor) -> str:
    before = (payment.state, payment.reference)
    payment.state = State.UNKNOWN if outcome.state == "unknown" else State.PENDING
    payment.reference = outcome.reference or payment.reference
    if before == (payment.state, payment.reference):
        return ""
    payment.save(update_fields=["state", "reference"])
    _told(payment, f"payment.{outcome.state}", actor, {"reference": payment.reference}, outcome.words[:300])
    return f"{payment.key} is {outcome.state}"


def _told(payment: Payment, action: str, actor: Actor, after: dict[str, object], why: str) -> None:
    after = {"state": payment.state} | after
    ports.auditor()(
        actor, action, object_type="payment", object_id=str(payment.pk), object_label=payment.key, after=after, why=why
    )
