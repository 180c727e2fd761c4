"""Whether a webhook is Stripe's, and of now."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from stripe import SignatureVerificationError, WebhookSignature

from billing.ports import BadWebhook

HEADER = "Stripe-Signature"
TOLERANCE_S = 300  # either way: an old message is a replay, one from the future is made for later
_SENT_AT = re.compile(r"(?:^|,)\s*t=([0-9]{1,12})(?=,|$)")


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> None:
    """Raises BadWebhook. Any of the secrets will do: while one is replaced, both are in force."""
    given = headers.get(HEADER, "")
    if not 0 < len(given) <= 2000:
        raise BadWebhook(f"There is no {HEADER} header, or it is over 2,000 characters.")
    if not secrets:
        raise BadWebhook("No signing secret is set here, so nothing can be believed: set STRIPE_WEBHOOK_SECRET.")
    sent = _SENT_AT.findall(given)
    if len(sent) != 1:
        raise BadWebhook(f"{HEADER} does not say once when it was sent.")
    if not any(_signed(body, given, secret) for secret in secrets):
        raise BadWebhook("The signature is not Stripe's for this body.")
    off_s = now.timestamp() - int(sent[0])
    if abs(off_s) > TOLERANCE_S:
        which = "ago" if off_s > 0 else "ahead"
        raise BadWebhook(f"It was signed {abs(off_s):,.0f} s {which}; at most {TOLERANCE_S} s are believed.")


def _signed(body: bytes, given: str, secret: str) -> bool:
    try:
        return bool(
            WebhookSignature.verify_header(body, given, secret)
        )  # no tolerance: it knows of one direction alone
    except (SignatureVerificationError, UnicodeDecodeError):
        return False
