"""Which claimed run goes to which slot, within the limits of definitions and keys. Pure.

A slot runs its share serially, so limits count slots: many runs of one key may share a slot and never run together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
Group = Hashable  # what a limit is about: ("key", "customer-17"), ("definition", 4)


@dataclass(frozen=True)
class Wish(Generic[T]):
    """A run that may be claimed. `limits`: group → slots free for it; `alone`: shares its slot with no other."""

    item: T
    limits: Mapping[Group, int] = field(default_factory=dict)
    alone: bool = False


def allot(wishes: Sequence[Wish[T]], slots: int, share: int) -> tuple[list[list[T]], list[T]]:
    """Spread wishes, in their order, over at most `slots` slots of at most `share` runs each.

    Returns the shares (none empty) and what found no place. A group never has runs in more slots than are free for it.
    """
    shares: list[list[T]] = [[] for _ in range(slots)]
    closed: set[int] = set()
    used: dict[Group, set[int]] = defaultdict(set)
    left: list[T] = []
    for wish in wishes:
        fits = (index for index in _by_load(shares) if _fits(wish, index, shares, closed, used, share))
        index = next(fits, None)
        if index is None:
            left.append(wish.item)
            continue
        shares[index].append(wish.item)
        if wish.alone:
            closed.add(index)
        for group in wish.limits:
            used[group].add(index)
    return [share for share in shares if share], left


def _by_load(shares: Sequence[Sequence[object]]) -> list[int]:
    return sorted(range(len(shares)), key=lambda index: len(shares[index]))


def _fits(
    wish: Wish[T],
    index: int,
    shares: Sequence[Sequence[T]],
    closed: set[int],
    used: Mapping[Group, set[int]],
    most: int,
) -> bool:
    if index in closed or len(shares[index]) >= most or (wish.alone and shares[index]):
        return False
    return all(index in used.get(group, ()) or len(used.get(group, ())) < free for group, free in wish.limits.items())
