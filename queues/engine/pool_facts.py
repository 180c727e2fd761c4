"""What a pool of connections tells of itself. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class PoolFacts:
    """One pool of one process. The first six are of now, the others count since the process began.

    `peak`: most connections used at once since it was last told; `waits`: how often somebody had to wait for a free one,
    for `waited_s` seconds in all; `replaced`: connections made again because theirs had broken; `errors`: attempts to
    connect, questions and waits that came to nothing.
    """

    purpose: str
    in_use: int = 0
    idle: int = 0
    peak: int = 0
    least: int = 0
    most: int = 0
    waits: int = 0
    waited_s: float = 0.0
    created: int = 0
    replaced: int = 0
    errors: int = 0

    @property
    def use(self) -> float:
        """The part of the pool that was used at most, 0 to 1."""
        return min(1.0, max(self.peak, self.in_use) / self.most) if self.most else 0.0


def told(pools: Iterable[PoolFacts]) -> list[dict[str, Any]]:
    """As JSON."""
    return [asdict(pool) for pool in pools]


def heard(values: Iterable[dict[str, Any]]) -> list[PoolFacts]:
    """From JSON, which another version of this code may have told: what is strange is left out."""
    known = {field.name for field in fields(PoolFacts)}
    return [
        PoolFacts(**{name: value for name, value in each.items() if name in known})
        for each in values
        if isinstance(each.get("purpose"), str)
    ]
