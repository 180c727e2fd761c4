"""What nobody will pay: an invoice is written off, and what was written off is open again."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from billing.admin import fields, pieces
from billing.admin.ask import Question, RequiredWhyForm, ask, posted
from billing.admin.base import BillingAdmin, actor_of
from billing.models import Document
from billing.services import write_offs


def write_off(admin: BillingAdmin, request: HttpRequest, document: Document) -> HttpResponse:
    left = pieces.money(document.standing.balance_minor, document.currency)
    question = Question(
        f"Write {document} off",
        "Nobody is asked for it any more: what is open is booked as a bad debt, and the invoice is uncollectible. Money that comes later is"
        " still taken.",
        "Write it off", facts=[document.customer.name, f"To be paid: {left}"], danger=True,
    )  # fmt: skip

    def do(given: dict[str, Any]) -> str:
        write_offs.write_off(document, why=given["why"], actor=actor_of(request))
        return f"{document} is written off."

    return ask(admin, request, question, RequiredWhyForm(posted(request)), do, obj=document)


class RecoverForm(RequiredWhyForm):
    def __init__(self, document: Document, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        lost = document.standing.written_off_minor
        self.fields["amount"] = fields.Amount(document.currency, most=lost, shown=lost)
        self.fields["seen"] = fields.seen(lost)
        self.order_fields(["amount", "why", "seen"])


def recover(admin: BillingAdmin, request: HttpRequest, document: Document) -> HttpResponse:
    lost = document.standing.written_off_minor
    question = Question(
        f"Take the write-off of {document} back",
        "It is open again by so much, and the customer is asked for it. If the money is there already, record the payment instead: that takes"
        " the write-off back by itself.",
        "Take it back" if lost else "",
        facts=[document.customer.name, f"Written off: {pieces.money(lost, document.currency)}"],
    )  # fmt: skip

    def do(given: dict[str, Any]) -> str:
        write_offs.recover(
            document, why=given["why"], actor=actor_of(request), amount_minor=given["amount"], written_off_seen_minor=given["seen"]
        )  # fmt: skip
        return f"{pieces.money(given['amount'], document.currency)} of {document} is open again."

    return ask(admin, request, question, RecoverForm(document, posted(request)), do, obj=document)
