"""What Stripe says of a charge or a refund, in billing's words. Pure: it reads what was answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from billing.ports import Outcome, RefundSeen
from integrations.stripe.amounts import from_stripe

KEY = "roundsman_key"  # the metadata in which a charge and a refund bear our key
# Stripe's own list of declines that another attempt cannot change, and what says the same of the card.
HARD = frozenset({
    "authentication_required", "card_not_supported", "currency_not_supported", "expired_card", "fraudulent", "highest_risk_level",
    "incorrect_number", "invalid_account", "invalid_number", "lost_card", "merchant_blacklist", "payment_intent_authentication_failure",
    "pickup_card", "restricted_card", "revocation_of_all_authorizations", "revocation_of_authorization", "security_violation",
    "service_not_allowed", "stolen_card", "stop_payment_order", "transaction_not_allowed",
})  # fmt: skip


class NotDecided(Exception):
    """It is there, and nothing was decided yet: look again."""


def declined(error: Mapping[str, Any], reference: str = "") -> Outcome:
    """Of the `error` that Stripe tells, or keeps as `last_payment_error`."""
    code = str(error.get("decline_code") or error.get("code") or "declined")
    return Outcome(
        "declined", reference, code=code[:60], words=str(error.get("message") or "")[:300], hard=code in HARD
    )


def of_intent(intent: Mapping[str, Any]) -> Outcome:
    """How a PaymentIntent stands. Raises NotDecided."""
    reference, status = str(intent["id"]), intent.get("status")
    if status == "succeeded":
        had = intent.get("amount_received")  # less than the amount where a part was captured
        amount = intent["amount"] if had is None else had
        return Outcome("succeeded", reference, from_stripe(int(amount), str(intent["currency"]).upper()))
    if status in ("processing", "requires_capture"):
        return Outcome("processing", reference)
    if status == "canceled":
        return Outcome("declined", reference, code="canceled", words="It was cancelled at Stripe.")
    if status == "requires_action":
        words = "The bank wants the customer to confirm it."
        return Outcome("declined", reference, code="authentication_required", words=words, hard=True)
    if error := intent.get("last_payment_error"):
        return declined(error, reference)
    raise NotDecided(f"{reference} is {status}.")


def of_refund(refund: Mapping[str, Any]) -> RefundSeen:
    """How a refund stands."""
    reference, status = str(refund["id"]), refund.get("status")
    key = str((refund.get("metadata") or {}).get(KEY, ""))
    amount = from_stripe(int(refund["amount"]), str(refund["currency"]).upper())
    if status in ("failed", "canceled"):
        reason = str(refund.get("failure_reason") or status)
        outcome = Outcome("declined", reference, amount, reason[:60], f"Stripe says of the refund: {reason}.")
    else:
        outcome = Outcome("succeeded" if status == "succeeded" else "processing", reference, amount)
    return RefundSeen(key, id_of(refund.get("payment_intent")), outcome)


def label_of(method: Mapping[str, Any]) -> str:
    """What may be shown of a saved method: "Visa … 4242". Never a number."""
    kind = str(method.get("type") or "method")
    details = method.get(kind) or {}
    name = str(details.get("brand") or kind.replace("_", " ")).capitalize()
    last = str(details.get("last4") or "")
    return f"{name} … {last}"[:60] if last else name[:60]


def id_of(value: Any) -> str:
    """Of an object that is told by its id, or whole."""
    if isinstance(value, Mapping):
        return str(value.get("id") or "")
    return str(value or "")
