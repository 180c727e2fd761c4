"""Chance that can be repeated: each thing has its own, so that one more contract changes no other. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import date, timedelta
from typing import TypeVar

T = TypeVar("T")


class Chance(random.Random):
    """Drawn from a seed and the name of what it is for."""

    @classmethod
    def of(cls, seed: int, *name: object) -> Chance:
        return cls("/".join(map(str, (seed, *name))))  # nosec B311 # a sample, no secret

    def happens(self, percent: float) -> bool:
        return self.random() * 100 < percent

    def one_of(self, weights: Mapping[T, int]) -> T:
        """One of them, as often as its weight says."""
        return self.choices(list(weights), list(weights.values()))[0]

    def day(self, first: date, end: date) -> date:
        """From `first`, up to but not including `end`."""
        return first + timedelta(days=self.randrange((end - first).days))
