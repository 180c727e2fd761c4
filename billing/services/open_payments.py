"""What was left open, by a worker that died or a provider that was silent, comes to its end: looked up, never charged again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from billing import ports as billing
from billing.models import Payment, Refund, Standing
from billing.ports import Outcome
from billing.selectors.payments import LIVE, LIVE_REFUNDS
from billing.services import refunds
from billing.services.charge_settling import settle
from billing.services.collecting import CallOut, carry_out
from queues.contract import Actor, ports
from queues.errors import TransientError
from queues.outbound import NotSent

AFTER = timedelta(minutes=1)  # until then whoever began it is at it
LOOK_AFTER = timedelta(hours=1)  # a provider that says "processing" tells by itself when it is done; we ask, too
LIMIT = 500


def settle_open(call: CallOut, *, actor: Actor, checkpoint: Callable[[], None]) -> Counter[str]:
    """Look after charges and refunds that are pending or unknown. Returns how many came to which state."""
    told: Counter[str] = Counter()
    before = ports.now() - AFTER
    for payment in Payment.objects.filter(state__in=LIVE, created_at__lt=before, key__startswith="charge:").order_by(
        "created_at"
    )[:LIMIT]:
        checkpoint()
        if billing.is_there(payment.provider):
            told[f"payments {_payment(payment, call, actor)}"] += 1
    for refund in (
        Refund.objects.filter(state__in=LIVE_REFUNDS, created_at__lt=before)
        .select_related("payment")
        .order_by("created_at")[:LIMIT]
    ):
        checkpoint()
        if billing.is_there(refund.payment.provider):
            told[f"refunds {_refund(refund, call, actor)}"] += 1
    return told


def _payment(payment: Payment, call: CallOut, actor: Actor) -> str:
    asked = ports.postbox().find(payment.key)
    try:
        if asked is None or asked.state == "pending":  # who began it died before it was sent
            if not _wanted(payment):
                words = "It was not sent, and is not needed any more."
                settle(payment.key, Outcome("declined", code="withdrawn", words=words), actor=actor)
            else:
                carry_out(payment, call, actor=actor)
        elif asked.state == "done" and payment.reference and payment.created_at < ports.now() - LOOK_AFTER:
            settle(payment.key, billing.get(payment.provider).look(payment.reference), actor=actor)
        else:
            carry_out(payment, call, actor=actor)
    except (NotSent, TransientError, LookupError):
        return "not told"
    return str(Payment.objects.values_list("state", flat=True).get(pk=payment.pk))


def _wanted(payment: Payment) -> bool:
    """Whether it is open still, and no less."""
    standing = Standing.objects.filter(document=payment.document_id).first()
    return standing is not None and not standing.disputed and standing.balance_minor >= payment.amount_minor


def _refund(refund: Refund, call: CallOut, actor: Actor) -> str:
    try:
        asked = ports.postbox().find(refund.key)
        if asked is not None and asked.state == "done" and refund.created_at < ports.now() - LOOK_AFTER:
            for seen in billing.get(refund.payment.provider).refunds_of(refund.payment.reference):
                if seen.key == refund.key:
                    refunds.settle(refund.key, seen.outcome, actor=actor)
        else:
            refunds.carry_out(refund, call, actor=actor)
    except (NotSent, TransientError):
        return "not told"
    return str(Refund.objects.values_list("state", flat=True).get(pk=refund.pk))
