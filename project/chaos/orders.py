"""What the client asks for, in its order: pure, from the seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

KEYS = 5
QUEUES = ("route-optimization", "billing", "reports", "maintenance")  # as the house serves them
LIMITS = {"billing": 1, "reports": 8, "route-optimization": 6, "maintenance": 2}
KINDS = {"report": 5, "document": 2, "invoice": 1, "keyed": 2}  # kind → weight
WAYS = {"alone": 9, "ordered": 6, "rolled_back": 1, "many": 2, "later": 3}


@dataclass(frozen=True)
class Ask:
    """`count` jobs of one kind, numbered from `first`.

    Ways: alone (`.enqueue`), many (`.enqueue_many`), later (with `at`, `delay_s` from now), ordered (in a transaction
    that writes a business row too), rolled_back (the same, but it never commits).
    """

    first: int
    count: int
    kind: str
    way: str
    key: str = ""
    delay_s: float = 0.0
    work_s: float = 0.02

    @property
    def keys(self) -> list[str]:
        """The jobs' business keys."""
        return [business_key(n) for n in range(self.first, self.first + self.count)]


def business_key(number: int) -> str:
    return f"order-{number:06d}"


def asks(seed: int) -> Iterator[Ask]:
    """Without end."""
    rng, first = random.Random(f"orders {seed}"), 0  # nosec B311 # repeatable by its seed
    while True:
        way = rng.choices(list(WAYS), list(WAYS.values()))[0]
        kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
        count = rng.randint(3, 20 if kind == "report" else 8) if way == "many" else 1
        key = f"customer-{rng.randrange(KEYS)}" if kind == "keyed" else ""
        yield Ask(first, count, kind, way, key, round(rng.uniform(0.3, 5.0), 3) if way == "later" else 0.0)
        first += count
