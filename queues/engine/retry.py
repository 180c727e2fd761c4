"""When a failed attempt is tried again. Pure."""

from __future__ import annotations

import random


def backoff_s(attempt: int, base_s: float, cap_s: float, rng: random.Random | None = None) -> float:
    """Seconds to wait after failed attempt number `attempt` (1 for the first).

    Exponential from `base_s`, capped at `cap_s`, with jitter: uniform over the upper half, so that a crowd that
    failed together does not return together. Always within [min(base_s, cap_s) / 2, cap_s].
    """
    if attempt < 1:
        raise ValueError(f"attempt counts from 1, not {attempt}")
    whole = cap_s if attempt > 64 else min(cap_s, base_s * 2.0 ** (attempt - 1))
    return whole * (rng or random).uniform(0.5, 1.0)
