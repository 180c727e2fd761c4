"""Makes Stripe known to the outbox and to billing."""

from __future__ import annotations

from collections.abc import Sequence

from billing import ports as billing
from integrations.stripe.client import ANSWER_S, Client
from integrations.stripe.provider import StripeProvider
from integrations.stripe.values import BASE
from queues.contract import ports


def start(key: str, *, secrets: Sequence[str] = (), api_base: str = BASE, answer_s: float = ANSWER_S) -> StripeProvider:
    """Once, when the application starts."""
    provider = StripeProvider(Client(key, api_base, answer_s=answer_s), secrets)
    ports.postbox().provider(provider)
    billing.register(provider)
    return provider
