"""Webhooks, and what they were told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from .models import Delivery, Json, Webhook
from .paging import items, path_of, text_of
from .transport import KEY, Transport

_PATH = "api/v1/webhooks"


class Hooks:
    """Part of Client."""

    _transport: Transport

    def webhooks(self, **filters: Any) -> Iterator[Webhook]:
        """Yours, the newest first, with how they fare. Filters: `enabled`, `owner`."""
        return map(Webhook.of, items(self._transport, _PATH, filters))

    def make_webhook(
        self, url: str, events: Sequence[str], queues: Sequence[str], *, jobs: Sequence[str] = (), description: str = "",
        why: str = "",
    ) -> Webhook:  # fmt: skip
        """The new webhook with its `secret`, which is told this once."""
        body = {"url": url, "events": [*events], "queues": [*queues], "jobs": [*jobs], "description": description, "why": why}  # fmt: skip
        return Webhook.of(self._post("", body))

    def rotate_webhook(self, webhook_id: str, why: str = "", both_sign_s: int | None = None) -> Webhook:
        """With its new `secret`. The one before signs as well, for a day unless you say otherwise."""
        body: Json = {"why": why} | ({} if both_sign_s is None else {"both_sign_s": both_sign_s})
        return Webhook.of(self._post(f"/{path_of(webhook_id)}/rotate", body))

    def test_webhook(self, webhook_id: str, why: str = "") -> Delivery:
        """Have it told `webhook.test`; look at the delivery for what comes of it."""
        return Delivery.of(self._post(f"/{path_of(webhook_id)}/test", {"why": why}))

    def deliveries(self, webhook_id: str, **filters: Any) -> Iterator[Delivery]:
        """What it was told, the newest first. Filters: `state`, `event`, `since`."""
        return map(Delivery.of, items(self._transport, f"{_PATH}/{path_of(webhook_id)}/deliveries", filters))

    def replay_webhook(self, webhook_id: str, since: datetime | str, why: str = "") -> int:
        """Send all its dead messages since then again; how many there are."""
        told = self._post(f"/{path_of(webhook_id)}/replay", {"since": text_of(since), "why": why})
        return int(told["replayed"])

    def _post(self, path: str, body: Json) -> Json:
        told: Json = self._transport.ask("POST", _PATH + path, body=body, headers={KEY: str(uuid4())}).json()
        return told
