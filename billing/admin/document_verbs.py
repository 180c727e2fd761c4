"""What is done to an invoice that is to be paid: a payment is recorded, a saved method charged, a promise noted, the rest written off."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.http import urlencode
from uuid_utils.compat import uuid7

from billing.admin import fields, show
from billing.admin.ask import Question, RequiredWhyForm, WhyForm, ask, posted
from billing.admin.frame import MoneyAdmin, actor_of
from billing.models import Document
from billing.selectors.payments import method_of
from billing.selectors.sellers import today
from billing.services import collecting, dunning, received, write_offs


def _left(document: Document) -> str:
    return f"To be paid: {show.money(document.standing.balance_minor, document.currency)}"


class PayForm(WhyForm):
    """`key` makes the same form count once, however often it is sent."""

    def __init__(self, document: Document, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        balance, currency = document.standing.balance_minor, document.currency
        self.fields["amount"] = fields.Amount(
            currency,
            label="Amount",
            initial=fields.Amount.initial_of(balance, currency),
            help_text="What is beyond the balance stays the customer’s credit.",
        )
        self.fields["received_on"] = fields.day(label="Received on", initial=today())
        self.fields["reference"] = fields.text(
            label="Reference", required=False, max_length=100, help_text="Of the transfer, the cheque, the receipt."
        )
        self.fields["key"] = forms.UUIDField(widget=forms.HiddenInput(), initial=uuid7)
        self.order_fields(["amount", "received_on", "reference", "why", "key"])

    def clean_received_on(self) -> Any:
        if self.cleaned_data["received_on"] > today():
            raise forms.ValidationError("Money that has not come yet is not recorded.")
        return self.cleaned_data["received_on"]


def pay(admin: MoneyAdmin, request: HttpRequest, document: Document) -> HttpResponse:
    question = Question(
        f"Record a payment for {document}",
        "Books money that came by hand or by bank, and sets it against this invoice. Bookings of a bank statement are imported, not typed.",
        "Record it", facts=[document.customer.name, _left(document)],
    )  # fmt: skip

    def do(given: dict[str, Any]) -> str:
        received.receive(
            f"manual:{given['key']}", "manual", document.customer, document.currency, given["amount"], given["received_on"],
            given["reference"], document, actor=actor_of(request), why=given["why"],
        )  # fmt: skip
        return f"{show.money(given['amount'], document.currency)} recorded for {document}."

    return ask(
        admin,
        request,
        question,
        PayForm(document, posted(request)),
        do,
        back=show.page_of("document", document.pk),
        obj=document,
    )


def write_off(admin: MoneyAdmin, request: HttpRequest, document: Document) -> HttpResponse:
    question = Question(
        f"Write {document} off",
        "Nobody is asked for it any more: what is open is booked as a bad debt, and the invoice is uncollectible. Money that comes later is"
        " still taken.",
        "Write it off", facts=[document.customer.name, _left(document)], danger=True,
    )  # fmt: skip

    def do(given: dict[str, Any]) -> str:
        write_offs.write_off(document, why=given["why"], actor=actor_of(request))
        return f"{document} is written off."

    return ask(
        admin, request, question, RequiredWhyForm(posted(request)), do, back=show.page_of("document", document.pk), obj=document
    )  # fmt: skip


def charge(admin: MoneyAdmin, request: HttpRequest, document: Document) -> HttpResponse:
    """By a job, whose progress the document's page shows."""
    method = method_of(document.customer)
    question = Question(
        f"Charge {document}",
        "The provider is asked to take what is open from the customer’s saved method. It is taken once, whatever happens on the way."
        if method else "The customer has no saved method that can be charged here.",
        "Charge it" if method else "", facts=[document.customer.name, _left(document), *([f"{method.provider}: {method}"] if method else [])],
        danger=True,
    )  # fmt: skip
    address: list[str] = []

    def do(given: dict[str, Any]) -> str:
        job = collecting.ask(document, actor=actor_of(request), why=given["why"])
        address.append(f"{show.page_of('document', document.pk)}?{urlencode({'job': str(job.id)})}")
        return f"{document} is being charged."

    return ask(
        admin, request, question, WhyForm(posted(request)), do, back=show.page_of("document", document.pk), done=lambda: address[0], obj=document
    )  # fmt: skip


class PromiseForm(RequiredWhyForm):
    until = fields.day(label="Pays by", help_text="Nobody is reminded until that day is over.")

    field_order = ("until", "why")


def promise(admin: MoneyAdmin, request: HttpRequest, document: Document) -> HttpResponse:
    question = Question(
        f"A promise to pay {document}", "The customer has said until when it will be paid. Reminders wait until then.", "Note the promise",
        facts=[document.customer.name, _left(document), f"Due {show.day(document.due_date)}"],
    )  # fmt: skip

    def do(given: dict[str, Any]) -> str:
        dunning.promise(document, given["until"], actor=actor_of(request), why=given["why"])
        return f"No reminder of {document} before {show.day(given['until'])} is over."

    return ask(
        admin, request, question, PromiseForm(posted(request)), do, back=show.page_of("document", document.pk), obj=document
    )  # fmt: skip
