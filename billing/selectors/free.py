"""What a customer has with us that is set against nothing: of credit notes, and of payments."""

from __future__ import annotations

from django.db.models import F, Q, QuerySet

from billing.models import Customer, Document, Payment, Standing

FREE = F("amount_minor") - F("allocated_minor") - F("refunded_minor")  # of a payment that came


def notes_of(customer: Customer, currency: str = "") -> QuerySet[Standing]:
    """Credit notes of which something is left, the oldest first; of one currency or of all. Each with its document."""
    notes = Standing.objects.filter(_in(currency), customer=customer, kind=Document.Kind.CREDIT_NOTE)
    left = notes.filter(gross_minor__gt=F("credited_minor") + F("paid_minor"))
    return left.select_related("document").order_by("due_date", "document__number")


def payments_of(customer: Customer, currency: str = "") -> QuerySet[Payment]:
    """Payments of which something is left, the oldest first."""
    came = Payment.objects.filter(_in(currency), customer=customer, state=Payment.State.SUCCEEDED)
    return came.annotate(free=FREE).filter(free__gt=0).order_by("received_on", "created_at", "id")


def total(customer: Customer, currency: str) -> int:
    """All of it in one currency, in minor units."""
    notes, payments = notes_of(customer, currency), payments_of(customer, currency)
    return sum(each.balance_minor for each in notes) + sum(free_of(each) for each in payments)


def free_of(payment: Payment) -> int:
    """What of it is set against nothing and did not go back, in minor units."""
    if payment.state != Payment.State.SUCCEEDED:
        return 0
    return payment.amount_minor - payment.allocated_minor - payment.refunded_minor


def _in(currency: str) -> Q:
    return Q(currency=currency) if currency else Q()
