"""What is done with what is left of a credit note: it is set against another invoice, or paid out."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from billing.admin import fields, pieces
from billing.admin.against import set_against
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


def set_off(admin: BillingAdmin, request: HttpRequest, note: Document) -> HttpResponse:
    title = f"Set {note} off against an invoice"
    return set_against(
        admin, request, note, free_of(note), title=title, submit="Set it off", told="is set off against", do=allocations.set_off
    )  # fmt: skip


class PayOutForm(RequiredWhyForm):
    def __init__(self, note: Document, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        free = free_of(note)
        self.fields["amount"] = fields.Amount(note.currency, most=free, shown=free)
        self.fields["paid_on"] = fields.day(
            label="Paid out on", initial=today, not_yet="Money that has not gone yet is not booked.", help_text="Its date in the books."
        )  # fmt: skip
        self.fields["key"] = fields.key()
        self.order_fields(["amount", "paid_on", "why", "key"])


def pay_out(admin: BillingAdmin, request: HttpRequest, note: Document) -> HttpResponse:
    question = Question(
        f"Pay {note} out",
        "You send the money by bank transfer; here it is booked, and is the customer’s credit no more."
        if free_of(note) else "Nothing is left that could be paid out.",
        "Book it" if free_of(note) else "", danger=True,
        facts=[note.customer.name, f"Credit left: {pieces.money(free_of(note), note.currency)}"],
    )  # fmt: skip

    def do(given: dict[str, Any]) -> str:
        given_back.pay_out(
            note, given["amount"], key=f"manual:{given['key']}", provider="manual", why=given["why"], actor=actor_of(request),
            on=given["paid_on"],
        )  # fmt: skip
        return f"{pieces.money(given['amount'], note.currency)} of {note} is booked as paid out."

    return ask(admin, request, question, PayOutForm(note, posted(request)), do, obj=note)
