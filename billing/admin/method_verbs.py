"""What is done with a customer's saved ways to pay: one is saved, made the one that is charged, or taken away for good."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.http import urlencode
from unfold import widgets as unfold

from billing import ports
from billing.admin import fields, pieces
from billing.admin.ask import Done, Question, RequiredWhyForm, WhyForm, ask, posted
from billing.admin.base import BillingAdmin, actor_of
from billing.jobspecs.payments import METHOD_ID
from billing.models import Customer, PaymentMethod
from billing.services import saved_methods


class SaveForm(WhyForm):
    method = forms.RegexField(
        METHOD_ID, label="Its id at the provider", max_length=100, strip=True, widget=unfold.UnfoldAdminTextInputWidget(),
        help_text="At Stripe it begins with pm_. Never the number of a card.",
        error_messages={"invalid": "An id such as pm_1Nv0FGQ9, please; never the number of a card."},
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["provider"] = fields.choice(
            label="Provider", choices=[(each, each.capitalize()) for each in ports.names()]
        )
        self.order_fields(["provider", "method", "why"])


def save(admin: BillingAdmin, request: HttpRequest, customer: Customer) -> HttpResponse:
    """By a job, whose progress the customer's page shows."""
    question = Question(
        f"Save a way to pay of {customer.name}",
        "The customer has entered it at the provider. A job saves it; from then on it is the one that is charged. Nothing is charged now."
        if ports.names() else "No payment provider is set up here.",
        "Save it" if ports.names() else "",
    )  # fmt: skip

    def do(given: dict[str, Any]) -> Done:
        job = saved_methods.ask_to_save(
            customer, given["provider"], given["method"], actor=actor_of(request), why=given["why"]
        )
        return Done("It is being saved.", _back(customer, str(job.id)))

    return ask(admin, request, question, SaveForm(posted(request)), do, obj=customer, back=_back(customer))


def _facts(method: PaymentMethod) -> list[str]:
    return [
        method.customer.name,
        f"{method.provider.capitalize()}: {method}, saved on {pieces.day(method.created_at.date())}",
    ]


def _why_not(method: PaymentMethod) -> str:
    """Why nothing can be done with it from here, if so."""
    if not method.usable:
        return "It is taken away: it is never charged again."
    return "" if ports.is_there(method.provider) else f"{method.provider.capitalize()} is not set up here."


def _back(customer: Customer, job: str = "") -> str:
    """Where they stand on the customer's page."""
    query = f"?{urlencode({'job': job})}" if job else ""
    return f"{pieces.page_of(customer)}{query}#methods"


def prefer(admin: BillingAdmin, request: HttpRequest, method: PaymentMethod) -> HttpResponse:
    refused = _why_not(method)
    question = Question(
        f"Charge {method} from now on", refused or "It is the one that is charged when an invoice is collected. The others stay saved.",
        "" if refused else "Charge this one", facts=_facts(method),
    )  # fmt: skip

    def do(given: dict[str, Any]) -> str:
        saved_methods.prefer(method, actor=actor_of(request), why=given["why"])
        return f"{method} is charged from now on."

    return ask(admin, request, question, WhyForm(posted(request)), do, obj=method.customer, back=_back(method.customer))


def drop(admin: BillingAdmin, request: HttpRequest, method: PaymentMethod) -> HttpResponse:
    """By a job at the provider; here at once."""
    refused = _why_not(method)
    question = Question(
        f"Take {method} away",
        refused or f"It is never charged again, here from now on, and a job has {method.provider.capitalize()} forget it. A charge that is under way goes"
        " on. The customer has to enter it anew to use it again.",
        "" if refused else "Take it away", facts=_facts(method), danger=True,
    )  # fmt: skip

    def do(given: dict[str, Any]) -> str:
        saved_methods.ask_to_drop(method, actor=actor_of(request), why=given["why"])
        return f"{method} is never charged again."

    form = RequiredWhyForm(posted(request))
    return ask(admin, request, question, form, do, obj=method.customer, back=_back(method.customer))


VERBS = {"prefer": prefer, "drop": drop}
