"""What is done with a customer's saved ways to pay: one is made the one that is charged, or taken away for good."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from billing import ports
from billing.admin import pieces
from billing.admin.ask import Question, RequiredWhyForm, WhyForm, ask, posted
from billing.admin.base import BillingAdmin, actor_of
from billing.models import PaymentMethod
from billing.services import saved_methods


def _facts(method: PaymentMethod) -> list[str]:
    return [
        method.customer.name,
        f"{method.provider.capitalize()}: {method}, saved on {pieces.day(method.created_at.date())}",
    ]


def _there(method: PaymentMethod) -> bool:
    """Whether anything can be done with it from here."""
    return method.usable and ports.is_there(method.provider)


def prefer(admin: BillingAdmin, request: HttpRequest, method: PaymentMethod) -> HttpResponse:
    question = Question(
        f"Charge {method} from now on", "It is the one that is charged when an invoice is collected. The others stay saved.",
        "Charge this one" if _there(method) else "", facts=_facts(method),
    )  # fmt: skip

    def do(given: dict[str, Any]) -> str:
        saved_methods.prefer(method, actor=actor_of(request), why=given["why"])
        return f"{method} is charged from now on."

    return ask(admin, request, question, WhyForm(posted(request)), do, obj=method.customer)


def drop(admin: BillingAdmin, request: HttpRequest, method: PaymentMethod) -> HttpResponse:
    """By a job at the provider; here at once."""
    question = Question(
        f"Take {method} away",
        f"It is never charged again, here from now on, and a job has {method.provider.capitalize()} forget it. A charge that is under way goes"
        " on. The customer has to enter it anew to use it again.",
        "Take it away" if _there(method) else "", facts=_facts(method), danger=True,
    )  # fmt: skip

    def do(given: dict[str, Any]) -> str:
        saved_methods.ask_to_drop(method, actor=actor_of(request), why=given["why"])
        return f"{method} is never charged again."

    return ask(admin, request, question, RequiredWhyForm(posted(request)), do, obj=method.customer)


VERBS = {"prefer": prefer, "drop": drop}
