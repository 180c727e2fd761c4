"""What is done to an invoice that is to be paid: a saved method is charged, a promise noted."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.http import urlencode

from billing.admin import fields, pieces
from billing.admin.ask import Done, Question, RequiredWhyForm, WhyForm, ask, posted
from billing.admin.frame import MoneyAdmin, actor_of
from billing.models import Document
from billing.selectors.payments import method_of
from billing.services import collecting, dunning


def _left(document: Document) -> str:
    return f"To be paid: {pieces.money(document.standing.balance_minor, document.currency)}"


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

    def do(given: dict[str, Any]) -> Done:
        job = collecting.ask(document, actor=actor_of(request), why=given["why"])
        return Done(f"{document} is being charged.", f"{pieces.page_of(document)}?{urlencode({'job': str(job.id)})}")

    return ask(admin, request, question, WhyForm(posted(request)), do, obj=document)


class PromiseForm(RequiredWhyForm):
    until = fields.day(label="Pays by", help_text="Nobody is reminded until that day is over.")

    field_order = ("until", "why")


def promise(admin: MoneyAdmin, request: HttpRequest, document: Document) -> HttpResponse:
    question = Question(
        f"A promise to pay {document}", "The customer has said until when it will be paid. Reminders wait until then.", "Note the promise",
        facts=[document.customer.name, _left(document), f"Due {pieces.day(document.due_date)}"],
    )  # fmt: skip

    def do(given: dict[str, Any]) -> str:
        dunning.promise(document, given["until"], actor=actor_of(request), why=given["why"])
        return f"No reminder of {document} before {pieces.day(given['until'])} is over."

    return ask(admin, request, question, PromiseForm(posted(request)), do, obj=document)
