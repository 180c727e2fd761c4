"""The levels at which a job's cost is taken, and how they compare. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Level:
    """So many runs wait, so many are finished, while jobs are worked off."""

    name: str
    waiting: int = 1_000
    finished: int = 0


LEVELS = (
    Level("1000"), Level("100000", waiting=100_000), Level("1000000", waiting=1_000_000),
    Level("finished_1000000", finished=1_000_000), Level("1000 again"),
)  # fmt: skip


def ratios(costs: Mapping[str, float]) -> dict[str, float | None]:
    """Costs by level → each as a multiple of what the first level cost, before and after. None where one is missing."""
    few = [costs[name] for name in ("1000", "1000 again") if name in costs]
    base = sum(few) / len(few) if few else None

    def times(name: str) -> float | None:
        return round(costs[name] / base, 3) if base and name in costs else None

    return {
        "hundred_thousand_waiting_ratio": times("100000"),
        "million_waiting_ratio": times("1000000"),
        "million_finished_ratio": times("finished_1000000"),
        "noise_ratio": round(few[1] / few[0], 3) if len(few) == 2 else None,
    }
