"""Events as Stripe tells them, signed as Stripe signs them."""

from __future__ import annotations

import json
import time
from typing import Any

from django.test import Client
from stripe import WebhookSignature

from .stand_in import SECRET

URL = "/webhooks/stripe/"
OTHER = "whsec_the_one_that_goes"


def event(kind: str, thing: dict[str, Any], id: str = "") -> bytes:
    told = {"id": id or f"evt_{kind}_{thing['id']}_{thing.get('status', '')}", "object": "event", "type": kind}
    return json.dumps({**told, "created": int(time.time()), "data": {"object": thing}}).encode()


def intent(status: str, **over: Any) -> dict[str, Any]:
    had = 120_00 if status == "succeeded" else 0
    return {
        "id": "pi_1", "object": "payment_intent", "status": status, "amount": 120_00, "amount_received": had, "currency": "eur", "customer": "cus_1",
        "metadata": {"roundsman_key": "charge:INV-000001:1"}, "last_payment_error": None, **over,
    }  # fmt: skip


def refunded(status: str, amount: int = 50_00, id: str = "re_1", **over: Any) -> dict[str, Any]:
    return {
        "id": id,
        "object": "refund",
        "status": status,
        "amount": amount,
        "currency": "eur",
        "payment_intent": "pi_1",
        "metadata": {},
        **over,
    }


def disputed(status: str) -> dict[str, Any]:
    return {
        "id": "dp_1",
        "object": "dispute",
        "status": status,
        "amount": 120_00,
        "currency": "eur",
        "payment_intent": "pi_1",
        "reason": "fraudulent",
    }


def tell(body: bytes, *, secret: str = SECRET, at: float | None = None, header: str | None = None) -> Any:
    signed = WebhookSignature.generate_signature_header(body.decode(), secret, int(time.time() if at is None else at))
    return Client(enforce_csrf_checks=True, raise_request_exception=False).post(
        URL, body, content_type="application/json", headers={"Stripe-Signature": signed if header is None else header}
    )


BODY = event("payment_intent.succeeded", intent("succeeded"))
