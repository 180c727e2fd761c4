"""Stripe's events, read: which of them tell something, and what. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from billing.ports import BadWebhook, ChargeSeen, DisputeSeen, Event, MethodSeen, News, RefundedSeen
from integrations.stripe.amounts import from_stripe
from integrations.stripe.outcomes import KEY, NotDecided, id_of, label_of, of_intent, of_refund

Body = Mapping[str, Any]


def read(body: str) -> Event:
    """Raises BadWebhook for what is no event of Stripe's."""
    try:
        told = json.loads(body)
        thing, kind = told["data"]["object"], str(told["type"])[:80]
        id, created_at = str(told["id"])[:100], datetime.fromtimestamp(int(told["created"]), UTC)
        found = READERS.get(kind)
        return Event(id, kind, created_at, _news(found, thing) if found else None)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise BadWebhook(f"The body is no event of Stripe's: {type(error).__name__} at {error}.") from None


def _news(reader: Callable[[Body], News], thing: Body) -> News:
    try:
        return reader(thing)
    except NotDecided:
        return None


def _charge(intent: Body) -> News:
    return ChargeSeen(str((intent.get("metadata") or {}).get(KEY, "")), of_intent(intent))


def _refunded(charge: Body) -> News:
    """The sum alone: which refunds these were, their own events tell, or the books."""
    currency = str(charge["currency"]).upper()
    return RefundedSeen(id_of(charge.get("payment_intent")), from_stripe(int(charge["amount_refunded"]), currency))


def _dispute(dispute: Body) -> News:
    status = str(dispute["status"])
    state = {"won": "won", "warning_closed": "won", "prevented": "won", "charge_refunded": "won", "lost": "lost"}
    amount = from_stripe(int(dispute["amount"]), str(dispute["currency"]).upper())
    return DisputeSeen(
        str(dispute["id"]), id_of(dispute.get("payment_intent")), amount, state.get(status, "open"),  # type: ignore[arg-type]
        str(dispute.get("reason") or "")[:100],
    )  # fmt: skip


def _attached(method: Body) -> News:
    return MethodSeen(str(method["id"]), id_of(method.get("customer")), label_of(method))


def _detached(method: Body) -> News:
    return MethodSeen(str(method["id"]), "", label_of(method))


READERS: dict[str, Callable[[Body], News]] = {
    **dict.fromkeys(
        (f"payment_intent.{what}" for what in ("succeeded", "payment_failed", "processing", "canceled", "requires_action", "amount_capturable_updated", "partially_funded")),
        _charge,
    ),
    **dict.fromkeys(("refund.created", "refund.updated", "refund.failed", "charge.refund.updated"), of_refund),
    "charge.refunded": _refunded,
    **dict.fromkeys((f"charge.dispute.{what}" for what in ("created", "updated", "closed", "funds_withdrawn", "funds_reinstated")), _dispute),
    "payment_method.attached": _attached,
    "payment_method.updated": _attached,
    "payment_method.automatically_updated": _attached,
    "payment_method.detached": _detached,
}  # fmt: skip
