"""Stripe's library, as the outbox wants it: it ends in time, tries nothing twice, and says what surely was not sent."""

from __future__ import annotations

import os
from functools import cache

import httpx
import stripe

from integrations.stripe.values import BASE
from queues.outbound import NotSent

CONNECT_S, ANSWER_S = 5.0, 30.0
CONFIGURED_WRONG_S = 300.0


class Client:
    """One for each process: connections do not survive a fork."""

    def __init__(self, key: str, api_base: str = BASE, *, answer_s: float = ANSWER_S) -> None:
        self._key, self._base, self.answer_s = key, api_base, answer_s
        self._of_process = cache(self._made)
        self._https: list[stripe.HTTPXClient] = []

    @property
    def v1(self) -> stripe.V1Services:
        return self._of_process(os.getpid()).v1

    def close(self) -> None:
        """Its connections; it makes new ones if it is asked again."""
        for each in self._https:
            each.close()  # type: ignore[no-untyped-call]
        self._of_process.cache_clear()
        self._https.clear()

    def _made(self, pid: int) -> stripe.StripeClient:
        timeout = httpx.Timeout(self.answer_s, connect=min(CONNECT_S, self.answer_s))
        http = stripe.HTTPXClient(timeout=timeout, allow_sync_methods=True)
        self._https.append(http)
        base = {"api": self._base}
        return stripe.StripeClient(self._key, http_client=http, base_addresses=base, max_network_retries=0)  # type: ignore[arg-type]


def not_sent(error: stripe.StripeError) -> NotSent | None:
    """The error as what it surely means: nobody was there, or it was turned away unread. None: it may have been read."""
    cause = error.__cause__
    if isinstance(error, stripe.APIConnectionError) and isinstance(cause, httpx.ConnectError | httpx.ConnectTimeout):
        return NotSent("Stripe could not be reached.")
    if isinstance(error, stripe.RateLimitError):
        return NotSent("Stripe says: too many requests.", _after_s(error))
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        return NotSent("Stripe does not accept STRIPE_API_KEY for this.", CONFIGURED_WRONG_S)
    return None


def _after_s(error: stripe.StripeError) -> float | None:
    text = (error.headers or {}).get("Retry-After", "")
    return float(text) if text.isdigit() else None
