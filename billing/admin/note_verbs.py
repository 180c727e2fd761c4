"""What is done with what is left of a credit note: it is set against another invoice, or paid out."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from uuid_utils.compat import uuid7

from billing.admin import fields, pieces
from billing.admin.against import AgainstForm
from billing.admin.ask import Question, RequiredWhyForm, ask, posted
from billing.admin.base import BillingAdmin, actor_of
from billing.models import Document
from billing.selectors.sellers import today
from billing.services import allocations, given_back


def free_of(note: Document) -> int:
    """What is left of it; nothing of an invoice."""
    return note.standing.balance_minor if note.kind == Document.Kind.CREDIT_NOTE else 0


def verbs(note: Document) -> list[pieces.Button]:
    """What can be done with it now."""
    if not free_of(note):
        return []
    return pieces.buttons(
        "document", note.pk, [("set_off", "Set off against an invoice…", "rm-primary"), ("pay_out", "Pay out…", "")]
    )


def _facts(note: Document) -> list[str]:
    return [note.customer.name, f"Credit left: {pieces.money(free_of(note), note.currency)}"]


def set_off(admin: BillingAdmin, request: HttpRequest, note: Document) -> HttpResponse:
    form = AgainstForm(note.customer_id, note.currency, free_of(note), posted(request))
    question = Question(
        f"Set {note} off against an invoice", "What is set against the invoice is not owed any more. It can be taken off again.",
        "Set it off" if form.owed and free_of(note) else "", facts=_facts(note),
    )  # fmt: skip

    def do(given: dict[str, Any]) -> str:
        made = allocations.set_off(
            note, given["document"], given["amount"], actor=actor_of(request), why=given["why"], free_seen_minor=given["seen"]
        )  # fmt: skip
        return f"{pieces.money(made.amount_minor, note.currency)} is set off against {made.document}."

    return ask(admin, request, question, form, do, obj=note)


class PayOutForm(RequiredWhyForm):
    """`key` makes the same form count once, however often it is sent."""

    def __init__(self, note: Document, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        free = free_of(note)
        self.fields["amount"] = fields.Amount(
            note.currency, most=free, label="Amount", initial=fields.Amount.initial_of(free, note.currency)
        )
        self.fields["paid_on"] = fields.day(label="Paid out on", initial=today(), help_text="Its date in the books.")
        self.fields["key"] = forms.UUIDField(widget=forms.HiddenInput(), initial=uuid7)
        self.order_fields(["amount", "paid_on", "why", "key"])

    def clean_paid_on(self) -> Any:
        if self.cleaned_data["paid_on"] > today():
            raise forms.ValidationError("Money that has not gone yet is not booked.")
        return self.cleaned_data["paid_on"]


def pay_out(admin: BillingAdmin, request: HttpRequest, note: Document) -> HttpResponse:
    question = Question(
        f"Pay {note} out", "You send the money by bank transfer; here it is booked, and is the customer’s credit no more.",
        "Book it" if free_of(note) else "", facts=_facts(note), danger=True,
    )  # fmt: skip

    def do(given: dict[str, Any]) -> str:
        given_back.pay_out(
            note, given["amount"], key=f"manual:{given['key']}", provider="manual", why=given["why"], actor=actor_of(request),
            on=given["paid_on"],
        )  # fmt: skip
        return f"{pieces.money(given['amount'], note.currency)} of {note} is booked as paid out."

    return ask(admin, request, question, PayOutForm(note, posted(request)), do, obj=note)
