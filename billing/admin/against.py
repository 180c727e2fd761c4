"""A payment or a credit note is set against an invoice: which open one of the customer's, and how much."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from billing.admin import fields, pieces
from billing.admin.ask import Question, WhyForm, ask, posted
from billing.admin.base import BillingAdmin, actor_of
from billing.models import Allocation, Document, Payment, Standing

TAKES = (Standing.State.OPEN, Standing.State.PART_PAID, Standing.State.UNCOLLECTIBLE)
SHOWN = 200  # invoices


class AgainstForm(WhyForm):
    """`free`: what there is to be set, in minor units."""

    def __init__(self, customer_id: int, currency: str, free: int, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        owed = Document.objects.filter(
            customer=customer_id, currency=currency, kind=Document.Kind.INVOICE, standing__state__in=TAKES
        ).select_related("standing").order_by("standing__due_date", "number")  # fmt: skip
        self.owed = {str(each.pk): each for each in owed[:SHOWN]}
        self.fields["document"] = fields.choice(
            label="Invoice", choices=[(key, _told(each)) for key, each in self.owed.items()],
            help_text="The longest due first.",
        )  # fmt: skip
        self.fields["amount"] = fields.Amount(currency, most=free, required=False, help_text="Empty: as much as fits.")
        self.fields["seen"] = fields.seen(free)
        self.order_fields(["document", "amount", "why", "seen"])

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        document = self.owed.get(given.get("document", ""))
        if document is not None and given.get("amount") is not None:
            most = document.standing.balance_minor + document.standing.written_off_minor
            if given["amount"] > most:
                self.add_error(
                    "amount", f"At most {pieces.money(most, document.currency)}: no more is open on {document}."
                )
        return {**given, "document": document}


def set_against(
    admin: BillingAdmin, request: HttpRequest, source: Payment | Document, free: int, *, title: str, submit: str, told: str,
    do: Callable[..., Allocation],
) -> HttpResponse:  # fmt: skip
    """The question, and `do`, a service of allocations, with what is answered. `free`: what is left of the source, in minor units."""
    form = AgainstForm(source.customer_id, source.currency, free, posted(request))
    facts = [source.customer.name, f"Credit left: {pieces.money(free, source.currency)}"]
    if not free:
        question = Question(title, "Nothing is left that could be set against an invoice.", "", facts)
    elif not form.owed:
        question = Question(title, "The customer has no open invoice in this currency.", "", facts)
    else:
        words = "What is set against the invoice is not owed any more. It can be taken off again."
        question = Question(title, words, submit, facts)

    def deed(given: dict[str, Any]) -> str:
        made = do(
            source, given["document"], given["amount"], actor=actor_of(request), why=given["why"], free_seen_minor=given["seen"]
        )  # fmt: skip
        return f"{pieces.money(made.amount_minor, source.currency)} {told} {made.document}."

    return ask(admin, request, question, form, deed, obj=source)


def _told(document: Document) -> str:
    standing = document.standing
    figures = ((standing.balance_minor, "open"), (standing.written_off_minor, "written off"))
    left = ", ".join(f"{pieces.money(minor, document.currency)} {word}" for minor, word in figures if minor)
    return f"{document}, due {pieces.day(standing.due_date)}: {left}"
