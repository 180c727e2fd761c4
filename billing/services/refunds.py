"""Money goes back through its provider: never more than was captured, never twice."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction

from billing import ports as billing
from billing.errors import CannotCharge
from billing.jobspecs.payments import OfRefund, refund_payment
from billing.models import Dispute, Payment, Refund
from billing.ports import Outcome, RefundSeen
from billing.selectors.payments import LIVE_REFUNDS, refundable_minor
from billing.selectors.sellers import today
from billing.services.charge_settling import locked
from billing.services.given_back import refund_booked
from billing.services.received import receive
from queues.contract import Actor, ports
from queues.outbound import Answer, OutboundRequest, OutcomeUnknown, Refused

State = Refund.State
CallOut = Callable[[OutboundRequest], Answer]


def refund(
    payment: Payment, amount_minor: int, *, why: str, actor: Actor, left_seen_minor: int | None = None
) -> Refund:
    """Ask for so much of a payment to go back; a run of billing.refund_payment has the provider do it. Both are there after the commit.

    `left_seen_minor`: what could go back when somebody looked (so that a form that is sent twice refunds once). Audited. Raises CannotCharge.
    """
    if not why.strip():
        raise CannotCharge("Say why: the customer and the books will ask.")
    with transaction.atomic():
        payment = locked(payment.key)
        left = refundable_minor(payment)
        if not payment.reference or not billing.is_there(payment.provider):
            raise CannotCharge(f"{payment.provider} gives nothing back from here: refund it by bank, and record that.")
        if payment.disputes.filter(state=Dispute.State.OPEN).exists():
            raise CannotCharge("It is disputed: the bank decides about the money now.")
        if left_seen_minor is not None and left_seen_minor != left:
            raise CannotCharge("Something went back of it in the meantime: look again.")
        if not 0 < amount_minor <= left:
            raise CannotCharge(f"{amount_minor} is not between 1 and {left}, the minor units that can go back yet.")
        made = Refund.objects.create(
            key=f"refund:{payment.key}:{payment.refunds.count() + 1}", payment=payment, amount_minor=amount_minor, why=why.strip()[:300],
            created_at=ports.now(),
        )  # fmt: skip
        _told(made, "refund.ask", actor, why)
        refund_payment.enqueue(OfRefund(refund=made.key), actor=actor, dedupe_key=made.key, why=why)
        return made


def carry_out(refund: Refund, call: CallOut, *, actor: Actor) -> Refund:
    """Have the provider asked, once, and write down what it says. Raises NotSent."""
    if refund.state not in LIVE_REFUNDS:
        return refund
    try:
        outcome = Outcome.read(call(request_of(refund)).response, "succeeded")
    except Refused as error:
        outcome = Outcome.read({"words": str(error)} | error.response, "declined")
    except OutcomeUnknown as error:
        outcome = Outcome("unknown", words=str(error))
    settle(refund.key, outcome, actor=actor)
    return Refund.objects.get(pk=refund.pk)


def request_of(refund: Refund) -> OutboundRequest:
    paid = refund.payment
    return billing.refund(
        paid.provider, refund.key, charge=paid.reference, amount_minor=refund.amount_minor, currency=paid.currency
    )


def settle(key: str, outcome: Outcome, *, actor: Actor) -> str:
    """What changed, in words; "" where nothing did. pending, unknown → failed → succeeded, as for payments. Audited. Raises CannotSettle.

    A refund that had gone out and comes back (the bank knows no such account) is money received anew: the customer's credit.
    """
    with transaction.atomic():
        locked(Refund.objects.select_related("payment").get(key=key).payment.key)
        row = Refund.objects.select_for_update().get(key=key)
        if outcome.reference and not row.reference:
            Refund.objects.filter(pk=row.pk).update(reference=outcome.reference)
            row.reference = outcome.reference
        if row.state == State.SUCCEEDED:
            return _came_back(row, outcome, actor) if outcome.state == "declined" else ""
        if outcome.state == "succeeded":
            refund_booked(row, actor=actor, on=today())
            return f"{key} succeeded"
        if row.state == State.FAILED or (outcome.state == "processing" and row.state == State.PENDING):
            return ""
        if outcome.state == "declined":
            row.state, row.failure, row.settled_at = State.FAILED, outcome.words[:300], ports.now()
        else:
            row.state = State.UNKNOWN if outcome.state == "unknown" else State.PENDING
        row.save()
        _told(row, f"refund.{outcome.state}", actor, outcome.words)
        return f"{key} is {outcome.state}"


def seen(provider: str, news: RefundSeen, *, actor: Actor) -> str:
    """A provider tells of a refund, ours or made elsewhere. Raises LookupError for a charge that is not ours."""
    if news.key and Refund.objects.filter(key=news.key).exists():
        return settle(news.key, news.outcome, actor=actor)
    with transaction.atomic():
        payment = Payment.objects.filter(provider=provider, reference=news.charge).first() if news.charge else None
        if payment is None:
            raise LookupError(f"No payment of ours is {news.charge or 'named'}.")
        if locked(payment.key).state != Payment.State.SUCCEEDED:
            raise LookupError(f"{payment.key} is not known to have succeeded, yet.")
        known = payment.refunds.filter(reference=news.outcome.reference).first()
        if known is None:
            known, _ = Refund.objects.get_or_create(
                key=f"refund:{provider}:{news.outcome.reference}",
                defaults={
                    "payment": payment, "reference": news.outcome.reference, "amount_minor": news.outcome.amount_minor,
                    "why": f"Made at {provider}.", "created_at": ports.now(),
                },
            )  # fmt: skip
        return settle(known.key, news.outcome, actor=actor)


def _came_back(row: Refund, outcome: Outcome, actor: Actor) -> str:
    key, paid = f"returned:{row.key}", row.payment
    if Payment.objects.filter(key=key).exists():
        return ""
    Refund.objects.filter(pk=row.pk).update(failure=f"Came back: {outcome.words}"[:300])
    receive(
        key, paid.provider, paid.customer, paid.currency, row.amount_minor, today(), f"{row.reference}:returned", actor=actor,
        why=outcome.words[:300],
    )  # fmt: skip
    return f"{row.key} came back"


def _told(row: Refund, action: str, actor: Actor, why: str) -> None:
    ports.auditor()(
        actor, action, object_type="refund", object_id=str(row.pk), object_label=row.key,
        after={"state": row.state, "amount_minor": row.amount_minor}, why=why[:300],
    )  # fmt: skip
