"""Who may do what: one table for the API, the admin and RQ's pages. Deny by default. Pure but for reading a user's groups.

Roles are Django groups of these names; a superuser is an admin. They are read from the database once a request, so a
change binds at the next one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from queues import catalogue

ADMIN, MANAGER, DISPATCHER, CUSTOMER, DRIVER = "admin", "manager", "dispatcher", "customer", "driver"
ROLES = (ADMIN, MANAGER, DISPATCHER, CUSTOMER, DRIVER)


class Action(StrEnum):
    """What one may want of a queue, or (the last three) of the whole."""

    READ = "read"  # runs, definitions, schedules, figures of a queue
    ENQUEUE = "enqueue"  # run, cancel, retry, define and schedule the jobs of a queue
    SUBSCRIBE = "subscribe"  # have a webhook of one's own told what happens on a queue
    STATS = "stats"  # the figures of all queues together
    ADMINISTER = "administer"  # pause, drain, clean, retry in bulk, override settings, initialise
    AUDIT = "audit"  # read the audit log


OF_A_QUEUE = frozenset({Action.READ, Action.ENQUEUE, Action.SUBSCRIBE})
_ALL = frozenset(catalogue.NAMES)
_READS: dict[str, frozenset[str]] = {MANAGER: _ALL, DISPATCHER: _ALL}
_OPERATES: dict[str, frozenset[str]] = {
    MANAGER: frozenset({"billing", "data-sync", "route-optimization", "reports"}),
    DISPATCHER: frozenset({"route-optimization", "notifications", "email"}),
}

# What a change of each field takes, by what it is a field of. A field that is not here is changed by nobody.
CHANGES: dict[str, dict[str, Action]] = {
    "definition": dict.fromkeys(
        (
            "name", "description", "params", "enabled", "unique", "priority", "timeout_s", "max_attempts",
            "cache_ttl_s", "retention_days", "sla_warning_s", "sla_critical_s",
        ),
        Action.ENQUEUE,
    ),
    "schedule": dict.fromkeys(
        (
            "name", "enabled", "kind", "cron", "interval_s", "run_at", "timezone", "params", "misfire", "overlap",
            "starts_at", "ends_at",
        ),
        Action.ENQUEUE,
    ),
    "queue": dict.fromkeys(
        ("enabled", "concurrency", "memory_limit_mb", "rate_limit", "executor"), Action.ADMINISTER
    ),
    "webhook": dict.fromkeys(
        ("url", "description", "events", "queues", "jobs", "enabled"), Action.SUBSCRIBE
    ),
}  # fmt: skip


def allows(roles: Collection[str], action: Action, queue: str | None = None) -> bool:
    """Whether any of these roles may do this; `queue` is required for those of a queue (an unknown one is refused)."""
    if ADMIN in roles:
        return queue is None or queue in _ALL
    if action in OF_A_QUEUE:
        table = _OPERATES if action is Action.ENQUEUE else _READS
        return any(queue in table.get(role, ()) for role in roles)
    if action is Action.STATS:
        return any(role in _READS for role in roles)
    return False


def roles_of(user: Any) -> frozenset[str]:
    """The roles of a signed-in user; none for anybody else. Asked of the database once for each user object."""
    if user is None or not getattr(user, "is_authenticated", False) or not user.is_active:
        return frozenset()
    kept: frozenset[str] | None = user.__dict__.get("_roundsman_roles")
    return kept if kept is not None else keep_groups(user, user.groups.values_list("name", flat=True))


def keep_groups(user: Any, groups: Iterable[str]) -> frozenset[str]:
    """The roles of a user object whose groups were just read, all of them; from now on `roles_of` tells the same."""
    names = set(groups) & set(ROLES)
    kept = frozenset(names | ({ADMIN} if user.is_superuser else set()))
    user.__dict__["_roundsman_roles"] = kept
    return kept


@dataclass(frozen=True)
class Scope:
    """What is left of the rights of a user who comes by an API key: these actions, on these queues."""

    actions: frozenset[str]
    queues: frozenset[str]

    @classmethod
    def of(cls, actions: Iterable[str], queues: Iterable[str]) -> Scope:
        return cls(frozenset(actions), frozenset(queues))

    def allows(self, action: Action, queue: str | None = None) -> bool:
        """To administer the whole takes all of its queues; figures of the whole and the audit log are of no queue."""
        if action not in self.actions:
            return False
        if queue is None:
            return action is not Action.ADMINISTER or self.queues >= _ALL
        return queue in self.queues


def keep_scope(user: Any, scope: Scope) -> None:
    """From now on this user object has no more rights than that."""
    user.__dict__["_roundsman_scope"] = scope


def scope_of(user: Any) -> Scope | None:
    """That of the API key by which this user object comes; None: by none."""
    found: Scope | None = user.__dict__.get("_roundsman_scope")
    return found


def may(user: Any, action: Action, *, queue: str | None = None) -> bool:
    """Whether this user may do this, on this queue where it is about one."""
    if not allows(roles_of(user), action, queue):
        return False
    scope = scope_of(user)
    return scope is None or scope.allows(action, queue)


def refused(user: Any, kind: str, fields: Iterable[str], *, queue: str) -> list[str]:
    """Which of these fields of a "definition", "schedule", "queue" or "webhook" this user may not change, by the queue it is of."""
    needs = CHANGES[kind]
    return [name for name in fields if name not in needs or not may(user, needs[name], queue=queue)]


def operable_queues(user: Any) -> list[str]:
    """The queues whose jobs this user may run, in the order in which workers serve them."""
    return [name for name in catalogue.NAMES if may(user, Action.ENQUEUE, queue=name)]
