"""To credit an invoice, all of it, an amount or lines; and to take it back as a whole."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from unfold import widgets as unfold

from billing.admin import fields, pieces
from billing.admin.ask import Done, Question, RequiredWhyForm, ask, posted
from billing.admin.frame import MoneyAdmin, actor_of
from billing.models import Document
from billing.selectors.creditable import Left, left_of
from billing.services import credits

ALL, AMOUNT, LINES = "all", "amount", "lines"


class CreditForm(RequiredWhyForm):
    """Everything that is left, an amount of it, or lines. Lines are fields named after their positions; one that is left empty is not credited."""

    def __init__(self, document: Document, left: Left, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.left, currency = left, document.currency
        self.fields["what"] = forms.ChoiceField(
            label="Credit", initial=ALL, widget=unfold.UnfoldAdminRadioSelectWidget(),
            choices=[(ALL, f"Everything that is left: {pieces.money(left.gross_minor, currency)}"), (AMOUNT, "An amount"), (LINES, "Lines")],
        )  # fmt: skip
        self.fields["gross"] = fields.Amount(
            currency,
            most=left.gross_minor,
            required=False,
            label="Amount, with its tax",
            help_text="Spread over the invoice’s taxes.",
        )
        self.fields["seen"] = fields.seen(left.gross_minor)
        for line in left.lines:
            if line.left_minor > 0:
                self.fields[f"line_{line.position}"] = fields.Amount(
                    currency, most=line.left_minor, required=False, label=line.title,
                    help_text=f"{line.words}; {pieces.money(line.left_minor, currency)} of {pieces.money(line.amount_minor, currency)} is left",
                )  # fmt: skip
        self.order_fields(["what", "gross", *[name for name in self.fields if name.startswith("line_")], "why", "seen"])

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        given["lines"] = {
            line.position: given[name]
            for line in self.left.lines
            if given.get(name := f"line_{line.position}") is not None
        }
        if given.get("what") == AMOUNT and given.get("gross") is None and "gross" not in self.errors:
            self.add_error("gross", "How much?")
        if given.get("what") == LINES and not given["lines"]:
            self.add_error("what", "Fill in how much of which lines.")
        return given


def credit(admin: MoneyAdmin, request: HttpRequest, document: Document) -> HttpResponse:
    left = left_of(document)
    form = CreditForm(document, left, posted(request))
    question = Question(
        f"Credit {document}",
        "Makes a final credit note with a number of its own. It is set off against what is open on the invoice; what is beyond stays the"
        " customer’s credit. The invoice itself stays as it is.",
        "Make the credit note" if left.gross_minor else "",
        facts=[document.customer.name, f"Left to be credited: {pieces.money(left.gross_minor, document.currency)}"], danger=True,
    )  # fmt: skip

    def do(given: dict[str, Any]) -> Done:
        what: dict[str, Any] = {}
        if given["what"] == AMOUNT:
            what = {"gross_minor": given["gross"]}
        elif given["what"] == LINES:
            what = {"lines": given["lines"]}
        note = credits.credit(
            document, why=given["why"], actor=actor_of(request), left_seen_minor=given["seen"], **what
        )
        told = pieces.money(note.gross_minor, note.currency)
        return Done(f"Credit note {note} over {told} is made.", pieces.page_of(note))

    return ask(admin, request, question, form, do, obj=document)


def void(admin: MoneyAdmin, request: HttpRequest, document: Document) -> HttpResponse:
    question = Question(
        f"Void {document}",
        "Takes the whole invoice back with a credit note. Its visits and coupons are free again, so that its period is billed anew by the"
        " next run. Its number stays taken.",
        "Void the invoice",
        facts=[document.customer.name, pieces.money(document.gross_minor, document.currency), pieces.period(document.period_start, document.period_end)],
        danger=True,
    )  # fmt: skip

    def do(given: dict[str, Any]) -> str:
        note = credits.void(document, why=given["why"], actor=actor_of(request))
        return f"{document} is void: credit note {note} takes it back."

    return ask(admin, request, question, RequiredWhyForm(posted(request)), do, obj=document)
