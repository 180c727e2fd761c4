"""Money that came: booked once, and set against what is open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.db import transaction

from billing import amounts
from billing.errors import CannotSettle
from billing.models import Customer, Document, Payment, Standing
from billing.money import minor_digits
from billing.services import account, allocations, books, sources
from billing.services.books import RECEIVABLE, Leg
from billing.services.sources import Source
from queues.contract import Actor, ports


def receive(
    key: str,
    provider: str,
    customer: Customer,
    currency: str,
    amount_minor: int,
    received_on: date,
    reference: str,
    document: Document | None = None,
    *,
    actor: Actor,
    others: Sequence[Document] = (),
    why: str = "",
) -> Payment:
    """Money is there: the payment of this `key`, made here or asked for before, has succeeded, is booked, and is set against `document`, then
    `others`; without any against what is open, the longest due first. What is beyond stays the customer's credit (see allocations.settle).

    Again with the same key changes nothing and answers the same payment. `received_on`: its date in the books. Audited.
    Raises CannotSettle: other figures under the same key, another payment with this reference.
    Locks the customer, then the payment: whoever calls it in a transaction of their own has locked neither, or both in this order.
    """
    minor_digits(currency)  # raises CannotPrice for what is no currency
    with transaction.atomic():
        customer = account.hold(customer.pk)
        payment = Payment.objects.select_for_update(no_key=True).filter(key=key).first()
        prove_free(reference, provider, key)
        if payment is None:
            payment = Payment(
                key=key, provider=provider, customer=customer, document=document, currency=currency, created_at=ports.now()
            )  # fmt: skip
        else:
            _prove_same(payment, provider, customer, currency, amount_minor)
            if payment.state == Payment.State.SUCCEEDED:
                return payment
            document = document or payment.document
        payment.amount_minor, payment.reference = amount_minor, reference or payment.reference
        wanted = [] if document is None else dict.fromkeys([document, *others])
        book(payment, received_on, [account.held_standing(each) for each in wanted], actor=actor, why=why)
    return payment


def book(payment: Payment, received_on: date, standings: Sequence[Standing], *, actor: Actor, why: str = "") -> None:
    """All of a payment's amount is there: it has succeeded, is booked, and set against these documents as `receive` says. Audited.

    For services, in a transaction that holds the customer, then the payment, then these standings."""
    payment.state, payment.received_on, payment.settled_at = Payment.State.SUCCEEDED, received_on, ports.now()
    payment.failure_code = payment.failure = ""
    payment.hard = False
    payment.save()
    came = Leg(books.bank(payment.provider), RECEIVABLE, payment.amount_minor, payment.reference)
    books.post(
        f"payment:{payment.key}", [came], booked_on=received_on, customer=payment.customer, currency=payment.currency,
        document=standings[0].document if standings else None,
    )  # fmt: skip
    _set_against(Source(payment=payment), standings)
    _tell(payment, why, actor)


def prove_free(reference: str, provider: str, key: str) -> None:
    """Raises CannotSettle where another payment than this one bears the provider's reference."""
    if reference and Payment.objects.filter(provider=provider, reference=reference).exclude(key=key).exists():
        raise CannotSettle(f"Another payment bears the reference {reference!r} already: was it recorded before?")


def _prove_same(payment: Payment, provider: str, customer: Customer, currency: str, amount_minor: int) -> None:
    """What was asked for may come in part; what came is not another amount later."""
    came = payment.amount_minor if payment.state == Payment.State.SUCCEEDED else amount_minor
    asked = (provider, customer.pk, currency, amount_minor)
    if (payment.provider, payment.customer_id, payment.currency, came) != asked:
        there = amounts.words(payment.amount_minor, payment.currency)
        raise CannotSettle(f"There is a payment {payment.key} already, of {there} by {payment.customer.code}.")


def _set_against(source: Source, standings: Sequence[Standing]) -> None:
    """What takes no money (a credit note, a void invoice, one that is paid) gets none of it."""
    if not standings:
        allocations.lay_oldest(source)
    for standing in standings:
        takes = standing.balance_minor + standing.written_off_minor
        if (
            standing.kind == Document.Kind.INVOICE
            and standing.state != Standing.State.VOID
            and min(takes, source.free) > 0
        ):
            sources.lay(source, standing)


def _tell(payment: Payment, why: str, actor: Actor) -> None:
    after = {
        "customer": payment.customer.code,
        "provider": payment.provider,
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
        "received_on": str(payment.received_on),
        "allocated_minor": payment.allocated_minor,
    }
    ports.auditor()(
        actor, "payment.receive", object_type="payment", object_id=str(payment.pk), object_label=str(payment), after=after, why=why
    )  # fmt: skip
