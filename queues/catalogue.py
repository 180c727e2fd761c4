"""The queues of the house: one row each, in the order in which workers serve them. Pure data; no Django.

Every value may be overridden by the environment (`QUEUE_<NAME>_<FIELD>`) and, above that, in the admin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from queues.errors import UnknownQueue

EVERY = "all"  # stands for every queue where a verb takes it
RESERVED = frozenset(
    {EVERY, "jobs", "stats", "status", "health", "initialize", "error-rules"}
)  # they are paths of the API
Rank = Literal["high", "standard", "background"]
Executor = Literal["threads", "asyncio", "children"]


@dataclass(frozen=True)
class QueueSpec:
    """Concurrency counts slots over all workers together; memory in MB; `limited` queues call outside."""

    name: str
    title: str
    concurrency: int
    raised_concurrency: int
    memory_limit_mb: int
    batch: bool
    rank: Rank
    limited: bool = False
    executor: Executor = "threads"


CATALOGUE: tuple[QueueSpec, ...] = (
    QueueSpec("route-optimization", "Route optimisation", 2, 8, 2048, False, "high"),
    QueueSpec("billing", "Billing", 1, 1, 512, False, "high"),
    QueueSpec("notifications", "Notifications", 10, 50, 256, True, "high", limited=True),
    QueueSpec("email", "E-mail", 5, 25, 512, True, "high", limited=True),
    QueueSpec("external-api", "External APIs", 8, 30, 512, True, "high", limited=True),
    QueueSpec("data-sync", "Data synchronisation", 3, 3, 512, True, "standard", limited=True),
    QueueSpec("reports", "Reports", 2, 15, 1024, False, "standard"),
    QueueSpec("maintenance", "Maintenance", 1, 1, 512, False, "background"),
)
ALIASES = {"external-api-coordination": "external-api"}
NAMES: tuple[str, ...] = tuple(queue.name for queue in CATALOGUE)
_BY_NAME = {queue.name: queue for queue in CATALOGUE}


def get(name: str) -> QueueSpec:
    """A queue by name or alias. Raises UnknownQueue, which lists the names."""
    found = _BY_NAME.get(ALIASES.get(name, name))
    if found is None:
        raise UnknownQueue(name, NAMES)
    return found


def canonical(name: str) -> str:
    """The queue's own name for a name or alias. Raises UnknownQueue."""
    return get(name).name
