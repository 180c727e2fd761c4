"""What a customer's page tells below its form: the credit there is, and the saved ways to pay, each with what can be done."""

from __future__ import annotations

from typing import Any

from billing import ports
from billing.admin import customer_verbs, note_verbs, payment_verbs, pieces, show
from billing.models import Customer, PaymentMethod
from billing.selectors import free
from billing.selectors.payments import method_of

SHOWN = 50  # of each kind


def parts(customer: Customer) -> dict[str, Any]:
    charged = method_of(customer)
    methods = customer.payment_methods.order_by("-usable", "-preferred", "-created_at", "-id")[:SHOWN]
    notes = [
        (pieces.page_of(each.document), f"Credit note {each.document}", each.balance_minor, each.currency, note_verbs.verbs(each.document))
        for each in free.notes_of(customer)[:SHOWN]
    ]  # fmt: skip
    payments = [
        (pieces.page_of(each), f"Payment of {pieces.day(each.received_on)}, {show.way(each).lower()}", free.free_of(each), each.currency, payment_verbs.verbs(each))
        for each in free.payments_of(customer).prefetch_related("refunds")[:SHOWN]
    ]  # fmt: skip
    settles = customer_verbs.settleable(customer)
    return {
        "credit": [*notes, *payments],
        "settle_url": pieces.url("customer_settle", customer.pk) if settles else "",
        "save_url": pieces.url("customer_save_method", customer.pk) if ports.names() else "",
        "methods": [(each, _state(each, charged), _verbs(each, charged)) for each in methods],
    }


def _state(method: PaymentMethod, charged: PaymentMethod | None) -> Any:
    if not method.usable:
        return pieces.badge("Taken away", "idle")
    if not ports.is_there(method.provider):
        return pieces.badge("Not set up here", "warn", f"{method.provider} takes no payments here")
    return pieces.badge("Is charged", "ok") if method == charged else pieces.badge("Saved", "info")


def _verbs(method: PaymentMethod, charged: PaymentMethod | None) -> list[pieces.Button]:
    if not method.usable or not ports.is_there(method.provider):
        return []
    first = [] if method == charged else [("prefer", "Charge this one…", "")]
    return pieces.buttons("customer", method.pk, [*first, ("drop", "Take away…", "")])
