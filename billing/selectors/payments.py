"""Which saved method pays, and what is under way."""

from __future__ import annotations

from django.db.models import QuerySet

from billing import ports
from billing.models import Customer, Document, Payment, PaymentAccount, PaymentMethod, Refund

LIVE = (Payment.State.PENDING, Payment.State.UNKNOWN)  # money may come of it yet
LIVE_REFUNDS = (Refund.State.PENDING, Refund.State.UNKNOWN)


def method_of(customer: Customer) -> PaymentMethod | None:
    """The one that is charged: preferred, then newest, among those of providers that are set up here."""
    usable = PaymentMethod.objects.filter(customer=customer, usable=True).order_by("-preferred", "-created_at", "-id")
    return next((each for each in usable if ports.is_there(each.provider)), None)


def account_of(customer: Customer, provider: str) -> PaymentAccount | None:
    return PaymentAccount.objects.filter(customer=customer, provider=provider).first()


def charges_of(document: Document) -> QuerySet[Payment]:
    """All attempts to charge it, the first one first."""
    return Payment.objects.filter(document=document, key__startswith="charge:").order_by("created_at", "id")


def refundable_minor(payment: Payment) -> int:
    """What can go back of it yet: captured, less what went back, less what is on its way. No query where its refunds are fetched."""
    if payment.state != Payment.State.SUCCEEDED:
        return 0
    under_way = sum(each.amount_minor for each in payment.refunds.all() if each.state in LIVE_REFUNDS)
    return payment.amount_minor - payment.refunded_minor - under_way
