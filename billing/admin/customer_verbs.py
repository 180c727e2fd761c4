"""What is done with a customer's account as a whole: all credit is set against what is open."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from billing.admin import fields, pieces
from billing.admin.ask import Question, WhyForm, ask, posted
from billing.admin.base import BillingAdmin, actor_of
from billing.models import Customer
from billing.selectors import free
from billing.selectors.owed import owed
from billing.services import allocations


def settleable(customer: Customer) -> list[str]:
    """The currencies in which there is credit, and something it could pay."""
    due = owed([customer.pk]).get(customer.pk, {})
    return sorted(currency for currency in due if free.total(customer, currency))


class SettleForm(WhyForm):
    def __init__(self, currencies: list[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["currency"] = fields.choice(label="Currency", choices=[(each, each) for each in currencies])
        self.order_fields(["currency", "why"])


def settle(admin: BillingAdmin, request: HttpRequest, customer: Customer) -> HttpResponse:
    currencies, due = settleable(customer), owed([customer.pk]).get(customer.pk, {})
    question = Question(
        f"Set the credit of {customer.name} against what is open",
        "Credit notes first, then payments, the oldest first; the invoice that is longest due first. Each can be taken off again."
        if currencies else "There is no credit, or nothing that it could pay.",
        "Set it against what is open" if currencies else "",
        facts=[f"Credit: {pieces.money(free.total(customer, each), each)}; open: {pieces.money(due[each], each)}" for each in currencies],
    )  # fmt: skip

    def do(given: dict[str, Any]) -> str:
        made = allocations.settle(customer, given["currency"], actor=actor_of(request), why=given["why"])
        told = pieces.money(sum(each.amount_minor for each in made), given["currency"])
        return f"{told} is set against {', '.join(dict.fromkeys(str(each.document) for each in made)) or 'nothing'}."

    return ask(admin, request, question, SettleForm(currencies, posted(request)), do, obj=customer)
