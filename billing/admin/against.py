"""The form of what is set against an invoice: which open one of the customer's, and how much."""

from __future__ import annotations

from typing import Any

from django import forms

from billing.admin import fields, pieces
from billing.admin.ask import WhyForm
from billing.models import Document, Standing

TAKES = (Standing.State.OPEN, Standing.State.PART_PAID, Standing.State.UNCOLLECTIBLE)
SHOWN = 200  # invoices


class AgainstForm(WhyForm):
    """`free`: what there is to be set, in minor units; told to the service as it was seen, so that a form that is sent twice counts once."""

    def __init__(self, customer_id: int, currency: str, free: int, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        owed = Document.objects.filter(
            customer=customer_id, currency=currency, kind=Document.Kind.INVOICE, standing__state__in=TAKES
        ).select_related("standing").order_by("standing__due_date", "number")  # fmt: skip
        self.owed = {str(each.pk): each for each in owed[:SHOWN]}
        self.fields["document"] = fields.choice(
            label="Invoice", choices=[(key, _told(each)) for key, each in self.owed.items()],
            help_text="The longest due first." if self.owed else "The customer has no open invoice in this currency.",
        )  # fmt: skip
        self.fields["amount"] = fields.Amount(
            currency, most=free, required=False, label="Amount", help_text="Empty: as much as fits."
        )
        self.fields["seen"] = forms.IntegerField(widget=forms.HiddenInput(), initial=free)
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


def _told(document: Document) -> str:
    standing = document.standing
    figures = ((standing.balance_minor, "open"), (standing.written_off_minor, "written off"))
    left = ", ".join(f"{pieces.money(minor, document.currency)} {word}" for minor, word in figures if minor)
    return f"{document}, due {pieces.day(standing.due_date)}: {left}"
