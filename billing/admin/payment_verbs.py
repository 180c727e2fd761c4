"""What is done with a payment: it is set against invoices, taken off them again, or given back."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from billing import ports as providers
from billing.admin import fields, pieces
from billing.admin.against import set_against
from billing.admin.ask import Question, RequiredWhyForm, ask, posted
from billing.admin.frame import MoneyAdmin, actor_of
from billing.models import Allocation, Payment
from billing.selectors.free import free_of
from billing.selectors.payments import refundable_minor
from billing.services import allocations, given_back, refunds


def verbs(payment: Payment) -> list[pieces.Button]:
    """What can be done with it now."""
    found = []
    if free_of(payment):
        found.append(("allocate", "Set against an invoice…", "rm-primary"))
    if refundable_minor(payment):
        found.append(("refund", "Refund…", ""))
    return pieces.buttons("payment", payment.pk, found)


def allocate(admin: MoneyAdmin, request: HttpRequest, payment: Payment) -> HttpResponse:
    title = "Set this payment against an invoice"
    return set_against(
        admin, request, payment, free_of(payment), title=title, submit="Set it against it", told="is set against", do=allocations.allocate
    )  # fmt: skip


def undo(admin: MoneyAdmin, request: HttpRequest, allocation: Allocation | None) -> HttpResponse:
    if allocation is None:
        raise Http404("There is no such allocation.")
    payment, note = allocation.payment, allocation.credit_note
    whose = f"Payment of {pieces.money(payment.amount_minor, payment.currency)}" if payment else f"Credit note {note}"
    question = Question(
        f"Take it off {allocation.document} again", "The invoice is open again by as much, and the amount is the customer’s credit.",
        "Take it off", facts=[whose, f"Set against it: {pieces.money(allocation.amount_minor, allocation.document.currency)}"], danger=True,
    )  # fmt: skip

    def do(given: dict[str, Any]) -> str:
        allocations.undo(allocation, actor=actor_of(request), why=given["why"])
        return f"It is taken off {allocation.document} again."

    return ask(admin, request, question, RequiredWhyForm(posted(request)), do, back=pieces.page_of(payment or note))


class RefundForm(RequiredWhyForm):
    def __init__(self, payment: Payment, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        free, most = free_of(payment), refundable_minor(payment)
        self.fields["amount"] = fields.Amount(payment.currency, most=most, shown=min(free or most, most))
        self.fields["key"] = fields.key()
        self.fields["seen"] = fields.seen(most)
        self.order_fields(["amount", "why", "key", "seen"])


def refund(admin: MoneyAdmin, request: HttpRequest, payment: Payment) -> HttpResponse:
    by_hand = not payment.reference or not providers.is_there(payment.provider)
    how = (
        "You send it by bank transfer; here it is booked."
        if by_hand
        else f"{payment.provider.capitalize()} is asked to send it back."
    )
    question = Question(
        "Refund this payment",
        f"{how} What is set against invoices is taken off them, the newest first, as far as the credit left is not enough.",
        "Refund it" if refundable_minor(payment) else "",
        facts=[
            payment.customer.name, f"Received: {pieces.money(payment.amount_minor, payment.currency)}",
            f"Refunded before: {pieces.money(payment.refunded_minor, payment.currency)}",
        ],
        danger=True,
    )  # fmt: skip

    def do(given: dict[str, Any]) -> str:
        told = pieces.money(given["amount"], payment.currency)
        if by_hand:
            given_back.give_back(
                payment, given["amount"], key=f"manual:{given['key']}", why=given["why"], actor=actor_of(request)
            )
            return f"The refund of {told} is booked."
        refunds.refund(
            payment, given["amount"], why=given["why"], actor=actor_of(request), left_seen_minor=given["seen"]
        )
        return f"The refund of {told} is asked for. What becomes of it is shown here."

    return ask(admin, request, question, RefundForm(payment, posted(request)), do, obj=payment)
