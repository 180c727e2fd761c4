"""A customer asked the bank for the money back: nobody is reminded meanwhile, and what is lost is open again."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Sum

from billing.models import Dispute, Document, Dunning, Payment, Standing
from billing.ports import DisputeSeen
from billing.services.charge_settling import locked
from billing.services.given_back import reverse
from queues.contract import Actor, ports

State = Dispute.State
PAUSED = "The customer disputes it at the bank."


def seen(provider: str, news: DisputeSeen, *, actor: Actor) -> str:
    """What changed, in words; "" where nothing did: a dispute that is won or lost stays so. Audited. Raises LookupError, CannotSettle."""
    with transaction.atomic():
        payment = Payment.objects.filter(provider=provider, reference=news.charge).first() if news.charge else None
        if payment is None:
            raise LookupError(f"No payment of ours is {news.charge or 'named'}.")
        if payment.state != Payment.State.SUCCEEDED:
            raise LookupError(f"{payment.key} is not known to have succeeded, yet.")
        payment = locked(payment.key)
        row = Dispute.objects.select_for_update().filter(provider=provider, reference=news.reference).first()
        if row is not None and (row.state != State.OPEN or news.state == "open"):
            return ""
        now = ports.now()
        if row is None:
            row = Dispute(
                provider=provider,
                reference=news.reference,
                payment=payment,
                amount_minor=news.amount_minor,
                reason=news.reason,
                opened_at=now,
            )
        row.state = State(news.state)
        row.closed_at = None if news.state == "open" else now
        row.save()
        ports.auditor()(
            actor, f"dispute.{news.state}", object_type="dispute", object_id=str(row.pk), object_label=row.reference,
            after={"payment": payment.key, "amount_minor": row.amount_minor}, why=row.reason,
        )  # fmt: skip
        concerned = documents_of(payment)
        if row.state == State.LOST:
            back = min(row.amount_minor, payment.amount_minor - payment.refunded_minor)
            if back > 0:
                why = f"The dispute {row.reference} was lost: {row.reason}".rstrip(": ")
                reverse(payment, back, f"dispute:{provider}:{row.reference}", why, actor=actor)
        _mark(concerned, payment)
        return f"{row.reference} is {row.state}"


def documents_of(payment: Payment) -> list[Document]:
    """What the payment pays."""
    paid = payment.allocations.values("document").annotate(all=Sum("amount_minor")).filter(all__gt=0)
    ids = {each["document"] for each in paid} | ({payment.document_id} if payment.document_id else set())
    return list(Document.objects.filter(pk__in=ids).order_by("pk"))


def _mark(documents: list[Document], payment: Payment) -> None:
    """Whether they are disputed follows from all disputes of whatever pays them; their reminders pause, or go on."""
    for document in documents:
        paying = Payment.objects.filter(allocations__document=document) | Payment.objects.filter(document=document)
        open_ones = Dispute.objects.filter(state=State.OPEN, payment__in=paying | Payment.objects.filter(pk=payment.pk))
        disputed = open_ones.exists()
        Standing.objects.filter(document=document).update(disputed=disputed)
        reminders = Dunning.objects.filter(document=document)
        if disputed:
            reminders.filter(state=Dunning.State.ACTIVE).update(state=Dunning.State.PAUSED, reason=PAUSED)
        else:
            reminders.filter(state=Dunning.State.PAUSED, reason=PAUSED).update(state=Dunning.State.ACTIVE, reason="")
