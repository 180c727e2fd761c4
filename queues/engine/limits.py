"""How much a worker takes at once. Pure."""

from __future__ import annotations

MAX_BATCH = 50
FIRST_BATCH = 5  # before anything is known of a queue's jobs
SLICE_S = 0.25  # one slot's batch should take about this long
SMOOTHING = 0.2


def smooth(mean_s: float | None, latest_s: float) -> float:
    """A moving mean of durations; quick to rise, so that one long job ends the batching of long jobs."""
    if mean_s is None or latest_s > mean_s * 4:
        return latest_s
    return mean_s + SMOOTHING * (latest_s - mean_s)


def batch_size(mean_s: float | None) -> int:
    """How many runs one slot should claim: short ones in batches, long ones singly."""
    if mean_s is None:
        return FIRST_BATCH
    return max(1, min(MAX_BATCH, int(SLICE_S / max(mean_s, 1e-6))))
