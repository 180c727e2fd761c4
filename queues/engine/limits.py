"""How much a worker takes at once. Pure."""

from __future__ import annotations

MAX_BATCH = 500
FIRST_BATCH = 5  # before anything is known of a queue's jobs
SLICE_S = 0.25  # one slot's batch should take about this long
SMOOTHING = 0.2
AHEAD_S = 0.5
TINY_S = 0.0005


def smooth(mean_s: float | None, latest_s: float) -> float:
    """A moving mean of durations; quick to rise, so that one long job ends the batching of long jobs."""
    if mean_s is None or latest_s > mean_s * 4:
        return latest_s
    return mean_s + SMOOTHING * (latest_s - mean_s)


def may_run_ahead(mean_s: float | None) -> bool:
    """Whether a slot may have a second batch at hand: not where that would wait long for the first."""
    return mean_s is not None and mean_s <= AHEAD_S


def ahead_pace_s(mean_s: float | None) -> float:
    """How long claims for slots that are still busy may gather: short against what a run takes."""
    return min(0.05, (mean_s or 0.0) / 6)


def batch_size(mean_s: float | None, first: int = FIRST_BATCH) -> int:
    """How many runs one slot should claim: short ones in batches, long ones singly; `first` while nothing is known."""
    if mean_s is None:
        return max(1, min(MAX_BATCH, first))
    return max(1, min(MAX_BATCH, int(SLICE_S / max(mean_s, 1e-6))))
