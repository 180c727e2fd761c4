"""What is done with a payment: it is set against invoices, taken off them again, or given back."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from uuid_utils.compat import uuid7

from billing import ports as providers
from billing.admin import fields, show
from billing.admin.ask import Question, RequiredWhyForm, WhyForm, ask, posted
from billing.admin.frame import MoneyAdmin, actor_of
from billing.models import Allocation, Document, Payment, Standing
from billing.selectors.payments import refundable_minor
from billing.services import allocations, given_back, refunds

OPEN = (Standing.State.OPEN, Standing.State.PART_PAID)


def free_of(payment: Payment) -> int:
    """What of it is set against nothing and did not go back."""
    if payment.state != Payment.State.SUCCEEDED:
        return 0
    return payment.amount_minor - payment.allocated_minor - payment.refunded_minor


def verbs(payment: Payment) -> list[tuple[str, str, str]]:
    """(address, label, class) of what can be done with it now."""
    found = []
    if free_of(payment):
        found.append(("allocate", "Set against an invoice…", "rm-primary"))
    if refundable_minor(payment):
        found.append(("refund", "Refund…", ""))
    return [(reverse(f"admin:billing_payment_{verb}", args=[payment.pk]), label, css) for verb, label, css in found]


class AllocateForm(WhyForm):
    def __init__(self, payment: Payment, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        owed = Document.objects.filter(
            customer=payment.customer_id, currency=payment.currency, kind=Document.Kind.INVOICE, standing__state__in=OPEN
        ).select_related("standing").order_by("standing__due_date", "number")  # fmt: skip
        self.owed = {str(each.pk): each for each in owed[:200]}
        self.fields["document"] = fields.choice(
            label="Invoice",
            choices=[
                (key, f"{each}, due {show.day(each.standing.due_date)}: {show.money(each.standing.balance_minor, each.currency)} open")
                for key, each in self.owed.items()
            ],
            help_text="The longest due first." if self.owed else "The customer has no open invoice in this currency.",
        )  # fmt: skip
        free = free_of(payment)
        self.fields["amount"] = fields.Amount(
            payment.currency, most=free, required=False, label="Amount", help_text="Empty: as much as fits."
        )
        self.order_fields(["document", "amount", "why"])


def allocate(admin: MoneyAdmin, request: HttpRequest, payment: Payment) -> HttpResponse:
    form = AllocateForm(payment, posted(request))
    question = Question(
        "Set this payment against an invoice", "What is set against it is not owed any more. It can be taken off again.",
        "Set it against it" if form.owed and free_of(payment) else "",
        facts=[str(payment.customer), f"Credit left: {show.money(free_of(payment), payment.currency)}"],
    )  # fmt: skip

    def do(given: dict[str, Any]) -> str:
        made = allocations.allocate(
            payment, form.owed[given["document"]], given["amount"], actor=actor_of(request), why=given["why"]
        )
        return f"{show.money(made.amount_minor, payment.currency)} is set against {made.document}."

    return ask(admin, request, question, form, do, back=show.page_of("payment", payment.pk), obj=payment)


def undo(admin: MoneyAdmin, request: HttpRequest, allocation: Allocation | None) -> HttpResponse:
    if allocation is None:
        raise Http404("There is no such allocation.")
    source = allocation.payment or allocation.credit_note
    back = (
        show.page_of("payment", allocation.payment_id)
        if allocation.payment_id
        else show.page_of("document", allocation.credit_note_id)
    )
    question = Question(
        f"Take it off {allocation.document} again", "The invoice is open again by as much, and the amount is the customer’s credit.",
        "Take it off", facts=[str(source), show.money(allocation.amount_minor, allocation.document.currency)], danger=True,
    )  # fmt: skip

    def do(given: dict[str, Any]) -> str:
        allocations.undo(allocation, actor=actor_of(request), why=given["why"])
        return f"It is taken off {allocation.document} again."

    return ask(admin, request, question, RequiredWhyForm(posted(request)), do, back=back)


class RefundForm(RequiredWhyForm):
    def __init__(self, payment: Payment, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        free, most = free_of(payment), refundable_minor(payment)
        self.fields["amount"] = fields.Amount(
            payment.currency,
            most=most,
            label="Amount",
            initial=fields.Amount.initial_of(min(free or most, most), payment.currency),
        )
        self.fields["seen"] = forms.IntegerField(widget=forms.HiddenInput(), initial=most)
        self.fields["key"] = forms.UUIDField(widget=forms.HiddenInput(), initial=uuid7)
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
            str(payment.customer), f"Received: {show.money(payment.amount_minor, payment.currency)}",
            f"Refunded before: {show.money(payment.refunded_minor, payment.currency)}",
        ],
        danger=True,
    )  # fmt: skip

    def do(given: dict[str, Any]) -> str:
        told = show.money(given["amount"], payment.currency)
        if by_hand:
            given_back.give_back(
                payment, given["amount"], key=f"manual:{given['key']}", why=given["why"], actor=actor_of(request)
            )
            return f"The refund of {told} is booked."
        refunds.refund(
            payment, given["amount"], why=given["why"], actor=actor_of(request), left_seen_minor=given["seen"]
        )
        return f"The refund of {told} is asked for. What becomes of it is shown here."

    return ask(
        admin,
        request,
        question,
        RefundForm(payment, posted(request)),
        do,
        back=show.page_of("payment", payment.pk),
        obj=payment,
    )
