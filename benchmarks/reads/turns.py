"""The order in which the addresses are asked. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping

SEED = 7


def turns(paths: Mapping[str, list[str]], count: int) -> list[tuple[str, str]]:
    """Every address as often as any other, in an order that is new in each turn and the same in each measurement."""
    drawn, found, turn = random.Random(SEED), list[tuple[str, str]](), 0
    while len(found) < count:
        names = sorted(paths)
        drawn.shuffle(names)
        found += [(name, paths[name][turn % len(paths[name])]) for name in names]
        turn += 1
    return found
