"""What clients, workers and the bench share and needs nothing else: the payload, and a summary of times."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Sequence
from typing import Any


def payload() -> dict[str, Any]:
    """What every system is given: about 200 bytes of JSON."""
    now = datetime.datetime.now(datetime.UTC)
    return {
        "messageId": str(uuid.uuid4()),
        "userId": "user-123",
        "messageType": "BIRTHDAY",
        "scheduledSendTime": now.isoformat(),
        "timestamp": int(now.timestamp() * 1000),
        "retryCount": 0,
    }


def pct(times: Sequence[float], percent: float) -> float | None:
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(percent / 100 * len(ordered)))] if ordered else None


def summary(times: Sequence[float], scale: float = 1000) -> dict[str, Any]:
    """Seconds → percentiles in ms, and how many there were; None where there were none."""

    def scaled(value: float | None) -> float | None:
        return None if value is None else round(value * scale, 4)

    found: dict[str, Any] = {f"p{percent}": scaled(pct(times, percent)) for percent in (50, 95, 99)}
    return found | {"max": scaled(max(times, default=None)), "n": len(times)}
