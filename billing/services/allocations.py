"""What pays what: payments and credit notes are set against invoices, of one customer and one currency."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Sum

from billing import amounts
from billing.errors import CannotSettle
from billing.models import Allocation, Customer, Document, Payment, Standing
from billing.selectors import free
from billing.services import account, sources
from billing.services.sources import Source
from queues.contract import Actor, ports


def allocate(
    payment: Payment, document: Document, amount_minor: int | None = None, *, actor: Actor, why: str = "",
    free_seen_minor: int | None = None,
) -> Allocation:  # fmt: skip
    """Set so much of a payment (None: as much as fits) against an invoice. `free_seen_minor`: what of it was free when somebody looked (so
    that a form that is sent twice counts once). Audited. Raises CannotSettle."""
    with transaction.atomic():
        account.hold(payment.customer_id)
        source = _as_seen(sources.of_payment(payment), free_seen_minor)
        made = sources.lay(source, account.held_standing(document), amount_minor)
        _tell([made], "payment.allocate", "payment", payment, why, actor)
    return made


def set_off(
    credit_note: Document, document: Document, amount_minor: int | None = None, *, actor: Actor, why: str = "",
    free_seen_minor: int | None = None,
) -> Allocation:  # fmt: skip
    """The same of a credit note."""
    with transaction.atomic():
        account.hold(credit_note.customer_id)
        source = _as_seen(sources.of_note(credit_note), free_seen_minor)
        made = sources.lay(source, account.held_standing(document), amount_minor)
        _tell([made], "document.set_off", "document", credit_note, why, actor)
    return made


def settle(customer: Customer, currency: str, *, actor: Actor, why: str = "") -> list[Allocation]:
    """Set all credit that the customer has in this currency (credit notes, then payments, the oldest first) against what is open, the
    longest due first. Again changes nothing. Audited."""
    with transaction.atomic():
        account.hold(customer.pk)
        made = [each for source in _free(customer, currency) for each in lay_oldest(source)]
        if made:
            _tell(made, "customer.settle", "customer", customer, why, actor)
    return made


def lay_oldest(source: Source) -> list[Allocation]:
    """Against what is open, the longest due first. For services that hold the account and audit."""
    made = []
    for standing in open_invoices(source.customer_id, source.currency):
        if source.free <= 0:
            break
        made.append(sources.lay(source, standing))
    return made


def open_invoices(customer_id: int, currency: str) -> list[Standing]:
    """The longest due first. Locked in this order."""
    found = Standing.objects.select_for_update(no_key=True, of=("self",)).select_related("document")
    due = found.filter(customer=customer_id, currency=currency, kind=Document.Kind.INVOICE)
    due = due.filter(state__in=[Standing.State.OPEN, Standing.State.PART_PAID])
    return list(due.order_by("due_date", "document__number"))


def undo(allocation: Allocation, *, actor: Actor, why: str) -> Allocation:
    """Take back what is left of an allocation, by one of the other sign, which is answered. Audited. Raises CannotSettle."""
    with transaction.atomic():
        account.hold(allocation.document.customer_id)
        if allocation.credit_note is not None and allocation.credit_note.credits_id == allocation.document_id:
            raise CannotSettle("This credit note is of this very invoice: it stays set off against it.")
        made = sources.lift(_source(allocation), account.held_standing(allocation.document), _left(allocation))
        _tell([made], "allocation.undo", "document", allocation.document, why, actor)
    return made


def _as_seen(source: Source, free_minor: int | None) -> Source:
    if free_minor not in (None, source.free):
        left = amounts.words(source.free, source.currency)
        raise CannotSettle(f"Somebody used some of it meanwhile: {left} is free. Look again.")
    return source


def _source(allocation: Allocation) -> Source:
    if allocation.payment is not None:
        return sources.of_payment(allocation.payment)
    assert allocation.credit_note is not None
    return sources.of_note(allocation.credit_note)


def _left(allocation: Allocation) -> int:
    same = Allocation.objects.filter(
        payment=allocation.payment, credit_note=allocation.credit_note, document=allocation.document
    )
    left = min(allocation.amount_minor, int(same.aggregate(sum=Sum("amount_minor"))["sum"]))
    if left <= 0:
        raise CannotSettle("This allocation is undone already.")
    return left


def _free(customer: Customer, currency: str) -> list[Source]:
    payments = [sources.of_payment(each) for each in free.payments_of(customer, currency)]  # locked before standings
    return [*(sources.of_note(note.document) for note in free.notes_of(customer, currency)), *payments]


def _tell(made: list[Allocation], action: str, kind: str, row: Any, why: str, actor: Actor) -> None:
    laid = [{"document": each.document.number, "amount_minor": each.amount_minor} for each in made]
    ports.auditor()(
        actor, action, object_type=kind, object_id=str(row.pk), object_label=str(row), after={"set_against": laid}, why=why,
    )  # fmt: skip
