"""When a message that did not arrive is sent again. Pure. Standard Webhooks' schedule: ten sendings in about three days."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

# Seconds before each sending after the first.
WAITS_S = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
MAX_ATTEMPTS = len(WAITS_S) + 1
JITTER = 0.2  # at most so much longer, so that a receiver that comes back is not met by all at once
LONGEST_S = 86_400  # that a receiver may ask for
OFF_AFTER = timedelta(days=5)  # of nothing but failures


def wait_s(attempts: int, chance: float, retry_after_s: float | None = None) -> float | None:
    """Seconds until it is sent again, after `attempts` sendings; None: not again.

    `chance`: 0 to 1. A receiver that asks for a longer wait is heard, up to a day.
    """
    if attempts >= MAX_ATTEMPTS:
        return None
    planned = WAITS_S[max(attempts, 1) - 1] * (1 + JITTER * chance)
    return max(planned, min(retry_after_s or 0.0, LONGEST_S))


def retry_after_s(text: str, now: datetime) -> float | None:
    """What the header Retry-After asks for: seconds, or a date. None: nothing that can be read."""
    told = text.strip()
    if told.isascii() and told.isdecimal():
        return float(min(int(told[:9]), LONGEST_S))
    try:
        at = parsedate_to_datetime(told)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return max(0.0, (at - now).total_seconds()) if at.tzinfo is not None else None
