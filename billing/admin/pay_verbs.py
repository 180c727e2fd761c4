"""Money that came by hand or by bank is recorded: for an invoice, or for a customer, who pays what is longest due."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse

from billing.admin import fields, pieces
from billing.admin.ask import Done, Question, WhyForm, ask, posted
from billing.admin.base import BillingAdmin, actor_of
from billing.admin.money_fields import money_field, to_minor
from billing.models import Customer, Document
from billing.selectors.owed import currencies_of, owed
from billing.selectors.sellers import today
from billing.services import received


class ReceivedForm(WhyForm):
    received_on = fields.day(label="Received on", initial=today, not_yet="Money that has not come yet is not recorded.")
    reference = fields.text(
        label="Reference", required=False, max_length=100, help_text="Of the transfer, the cheque, the receipt."
    )
    key = fields.key()

    field_order = ("currency", "amount", "received_on", "reference", "why", "key")


class InvoicePaidForm(ReceivedForm):
    def __init__(self, document: Document, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        takes = document.standing.balance_minor + document.standing.written_off_minor
        self.fields["amount"] = fields.Amount(
            document.currency, shown=takes or None, help_text="What is beyond the balance stays the customer’s credit."
        )
        self.order_fields(self.field_order)


def for_invoice(admin: BillingAdmin, request: HttpRequest, document: Document) -> HttpResponse:
    standing, currency = document.standing, document.currency
    facts = [document.customer.name, f"To be paid: {pieces.money(standing.balance_minor, currency)}"]
    words = "Books money that came by hand or by bank, and sets it against this invoice. Bookings of a bank statement are imported, not typed."
    if standing.written_off_minor:
        facts.append(f"Written off: {pieces.money(standing.written_off_minor, currency)}")
        words += " What was written off is taken back as far as it is paid."
    question = Question(f"Record a payment for {document}", words, "Record it", facts=facts)

    def do(given: dict[str, Any]) -> str:
        received.receive(
            f"manual:{given['key']}", "manual", document.customer, currency, given["amount"], given["received_on"],
            given["reference"], document, actor=actor_of(request), why=given["why"],
        )  # fmt: skip
        return f"{pieces.money(given['amount'], currency)} recorded for {document}."

    return ask(admin, request, question, InvoicePaidForm(document, posted(request)), do, obj=document)


class CustomerPaidForm(ReceivedForm):
    amount = money_field(label="Amount", help_text="What is beyond what is open stays the customer’s credit.")

    def __init__(self, currencies: list[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["currency"] = fields.choice(label="Currency", choices=[(each, each) for each in currencies])
        self.order_fields(self.field_order)

    def clean(self) -> dict[str, Any]:
        """The amount in minor units, once its currency is known."""
        given: dict[str, Any] = super().clean() or {}
        if given.get("amount") is not None and given.get("currency"):
            try:
                given["amount"] = to_minor(given["amount"], given["currency"])
            except forms.ValidationError as wrong:
                self.add_error("amount", wrong)
            else:
                if given["amount"] <= 0:
                    self.add_error("amount", "An amount above nothing, please.")
        return given


def for_customer(admin: BillingAdmin, request: HttpRequest, customer: Customer) -> HttpResponse:
    due = owed([customer.pk]).get(customer.pk, {})
    question = Question(
        f"Record a payment of {customer.name}",
        "Books money that came by hand or by bank. It pays what is open in its currency, the longest due first. Bookings of a bank statement"
        " are imported, not typed.",
        "Record it", facts=[f"To be paid: {pieces.money(minor, currency)}" for currency, minor in due.items()] or ["Nothing is open."],
    )  # fmt: skip

    def do(given: dict[str, Any]) -> Done:
        payment = received.receive(
            f"manual:{given['key']}", "manual", customer, given["currency"], given["amount"], given["received_on"],
            given["reference"], actor=actor_of(request), why=given["why"],
        )  # fmt: skip
        return Done(f"{pieces.money(payment.amount_minor, payment.currency)} recorded.", pieces.page_of(payment))

    return ask(admin, request, question, CustomerPaidForm(currencies_of(customer), posted(request)), do, obj=customer)
