"""Who wants to be told of what: the webhooks that are on, kept in memory, so that an ending costs nothing where nobody does.

A worker reads them once a second (a tick of its tender) and goes by the last reading; whoever has the time (`fresh`) reads
when that is a second old. So a webhook that is made, changed or switched off counts everywhere within two seconds.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from queues import policy
from queues.models import WebhookEndpoint
from queues.policy import Action

FRESH_S = 1.0


@dataclass(frozen=True)
class Subscription:
    """What one webhook is told: `queues` are those of its own that its owner may read, `jobs` empty for all.

    `whole`: also what is of no queue.
    """

    endpoint: UUID
    events: frozenset[str]
    queues: frozenset[str]
    jobs: frozenset[str]
    whole: bool

    def wants(self, event: str, queue: str, job: str = "") -> bool:
        reach = queue in self.queues if queue else self.whole
        return event in self.events and reach and (not job or not self.jobs or job in self.jobs)


_known: tuple[Subscription, ...] = ()
_some = False
_read_s: float | None = None


def known() -> tuple[Subscription, ...]:
    """By the last reading; asks nobody."""
    return _known


def fresh() -> tuple[Subscription, ...]:
    """By a reading that is a second old at most. Raises DatabaseError."""
    if _read_s is None or time.monotonic() - _read_s > FRESH_S:
        refresh()
    return _known


def some_enabled() -> bool:
    """Whether any webhook is on, by the last reading."""
    return _some


def refresh() -> None:
    """Read now. Raises DatabaseError, and then the last reading stands."""
    global _known, _some, _read_s
    rows = list(with_owners(WebhookEndpoint.objects.filter(enabled=True)))
    _known, _some = tuple(_of(row) for row in rows if row.owner.is_active), bool(rows)
    _read_s = time.monotonic()


def forget(read_s: float | None = None) -> None:
    """As in a new process. `read_s`: as if they had been read then (tests: in eternity, so that nobody asks)."""
    global _known, _some, _read_s
    _known, _some, _read_s = (), False, read_s


def with_owners(rows: QuerySet[WebhookEndpoint]) -> QuerySet[WebhookEndpoint]:
    """With their owners and these' roles: two queries, however many; one where there are none."""
    return rows.select_related("owner").prefetch_related("owner__groups")


def readable(row: WebhookEndpoint) -> frozenset[str]:
    """Those of its queues that its owner may read now."""
    owner = _owner(row)
    return frozenset(name for name in row.queues if policy.may(owner, Action.READ, queue=name))


def sees_whole(row: WebhookEndpoint) -> bool:
    return row.whole and policy.may(_owner(row), Action.STATS)


def _owner(row: WebhookEndpoint) -> Any:
    """The owner with the roles that came with the rows (see with_owners)."""
    owner: Any = row.owner
    if "_roundsman_roles" not in owner.__dict__ and "groups" in getattr(owner, "_prefetched_objects_cache", {}):
        groups: Iterable[Any] = owner.groups.all()
        policy.keep_groups(owner, [group.name for group in groups])
    return owner


def _of(row: WebhookEndpoint) -> Subscription:
    return Subscription(row.id, frozenset(row.events), readable(row), frozenset(row.jobs), sees_whole(row))
