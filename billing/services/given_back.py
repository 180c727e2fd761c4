"""Money that went back: refunds, disputes that are lost, credit that is paid out. Each is booked once."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Sum

from billing import amounts
from billing.errors import CannotSettle
from billing.models import Document, Entry, Payment, Refund
from billing.selectors import sellers
from billing.services import account, books, sources
from billing.services.books import RECEIVABLE, Leg
from queues.contract import Actor, ports


def give_back(
    payment: Payment, amount_minor: int, *, key: str, why: str, actor: Actor, on: date | None = None
) -> Refund:
    """A refund that was made by hand (a bank transfer): kept under its `key`, once, and booked. Audited.
    Raises CannotSettle (above what was captured and is not on its way back)."""
    with transaction.atomic():
        account.hold(payment.customer_id)
        held = account.held_payment(payment)
        refund = Refund.objects.filter(key=key).first()
        if refund is None:
            _prove_captured(held, amount_minor)
            refund = Refund.objects.create(
                key=key, payment=held, amount_minor=amount_minor, why=why[:300], created_at=ports.now()
            )
        elif (refund.payment_id, refund.amount_minor) != (payment.pk, amount_minor):
            raise CannotSettle(
                f"There is a refund {key} already, of {amounts.words(refund.amount_minor, held.currency)}."
            )
        return refund_booked(refund, actor=actor, on=on)


def refund_booked(refund: Refund, *, actor: Actor, on: date | None = None) -> Refund:
    """A refund has succeeded: it is so marked, booked, and what of its payment is not free is taken off invoices, the newest allocation
    first; they are open again. Once, however often it is called. Audited. Raises CannotSettle (more than was captured)."""
    with transaction.atomic():
        account.hold(refund.payment.customer_id)
        held = Refund.objects.select_for_update(no_key=True, of=("self",)).select_related("payment").get(pk=refund.pk)
        held.state, held.settled_at, held.failure = Refund.State.SUCCEEDED, held.settled_at or ports.now(), ""
        _go_back(held.payment, held.amount_minor, f"refund:{held.key}", held.why, actor, on)
        held.save(update_fields=["state", "settled_at", "failure"])
    return held


def reverse(
    payment: Payment, amount_minor: int, posting_key: str, why: str, *, actor: Actor, on: date | None = None
) -> Payment:
    """The provider took money back (a dispute is lost): as `refund_booked`, under the whole posting ("dispute:stripe:dp_1"), once.
    Audited. Raises CannotSettle."""
    with transaction.atomic():
        account.hold(payment.customer_id)
        return _go_back(payment, amount_minor, posting_key, why, actor, on)


def pay_out(
    credit_note: Document, amount_minor: int, *, key: str, provider: str, why: str, actor: Actor, on: date | None = None
) -> None:
    """So much of what is left of a credit note went to the customer: booked under its `key`, once. Audited. Raises CannotSettle."""
    with transaction.atomic():
        account.hold(credit_note.customer_id)
        if _booked(f"refund:{key}", amount_minor):
            return
        standing = account.held_standing(credit_note)
        if standing.kind != Document.Kind.CREDIT_NOTE or not 0 < amount_minor <= standing.balance_minor:
            left = amounts.words(standing.balance_minor, standing.currency)
            raise CannotSettle(f"Of {credit_note.number} {left} can be paid out at most, if it is a credit note.")
        before = account.told(standing)
        account.move(standing, paid=amount_minor)
        _post(f"refund:{key}", provider, amount_minor, why, on, credit_note, credit_note)
        _tell("document.pay_out", "document", credit_note, before, account.told(standing), why, actor)


def _go_back(payment: Payment, amount: int, posting: str, why: str, actor: Actor, on: date | None) -> Payment:
    held = account.held_payment(payment)
    if _booked(posting, amount):
        return held
    before = _told(held)
    source = sources.Source(payment=held)
    if amount <= 0 or held.state != Payment.State.SUCCEEDED:
        raise CannotSettle(f"Nothing of {held} can go back: it is {held.state}, and {amount} was asked for.")
    reopened = sources.make_free(source, amount)
    held.refunded_minor += amount
    held.save(update_fields=["refunded_minor"])
    _post(posting, held.provider, amount, why, on, held, held.document)
    sources.lay_own_notes(reopened)
    _tell("payment.give_back", "payment", held, before, _told(held), why, actor)
    return held


def _prove_captured(payment: Payment, amount: int) -> None:
    coming = payment.refunds.filter(state__in=[Refund.State.PENDING, Refund.State.UNKNOWN])
    left = payment.amount_minor - payment.refunded_minor - (coming.aggregate(sum=Sum("amount_minor"))["sum"] or 0)
    if payment.state != Payment.State.SUCCEEDED or not 0 < amount <= left:
        raise CannotSettle(
            f"{amounts.words(left, payment.currency)} of {payment} can go back at most, once it succeeded."
        )


def _booked(posting: str, amount: int) -> bool:
    """Raises CannotSettle where it was booked with another amount."""
    there = Entry.objects.filter(posting=posting).aggregate(sum=Sum("amount_minor"))["sum"]
    if there is not None and there != amount:
        raise CannotSettle(f"{posting} is booked already, with another amount.")
    return there is not None


def _post(
    posting: str, provider: str, amount: int, why: str, on: date | None, of: Payment | Document, document: Document | None
) -> None:  # fmt: skip
    books.post(
        posting, [Leg(RECEIVABLE, books.bank(provider), amount, why)], booked_on=on or sellers.today(), customer=of.customer,
        currency=of.currency, document=document,
    )  # fmt: skip


def _told(payment: Payment) -> dict[str, Any]:
    return {"allocated_minor": payment.allocated_minor, "refunded_minor": payment.refunded_minor}


def _tell(action: str, kind: str, row: Any, before: Any, after: Any, why: str, actor: Actor) -> None:
    ports.auditor()(
        actor, action, object_type=kind, object_id=str(row.pk), object_label=str(row), before=before, after=after, why=why
    )  # fmt: skip
