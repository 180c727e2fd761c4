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
from billing.services import account, received
from queues.contract import Actor, ports

State = Payment.State


def settle(key: str, outcome: Outcome, *, actor: Actor) -> str:
    """What changed, in words; "" where nothing did. Audited. Raises Payment.DoesNotExist, CannotSettle.

    Locks the customer, then the payment: hold neither's row before. In a transaction of the caller's it makes no savepoint: who goes on after
    what it raises has made one.
    """
    with transaction.atomic(savepoint=False):
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
    """The payment, with its customer, in the caller's transaction: the customer first, as everybody does. Raises Payment.DoesNotExist."""
    customer = account.hold_payer(key)
    payment = Payment.objects.select_for_update(no_key=True).get(key=key)
    payment.customer = customer
    return payment


def _succeeded(payment: Payment, outcome: Outcome, actor: Actor) -> str:
    if outcome.reference not in ("", payment.reference):
        received.prove_free(outcome.reference, payment.provider, payment.key)
        payment.reference = outcome.reference
    payment.amount_minor = outcome.amount_minor or payment.amount_minor  # a provider may have captured a part
    pays = [] if payment.document_id is None else [account.held_standing(payment.document_id)]
    received.book(payment, today(), pays, actor=actor)
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
