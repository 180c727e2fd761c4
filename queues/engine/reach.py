"""Whom a definition or a schedule is open to: by the queue of its job. For the admin and the API alike."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from queues import catalogue, policy, registry
from queues.errors import UnknownJob, UnknownQueue
from queues.models import JobDefinition, Schedule
from queues.policy import Action


def queue_of(job: str) -> str:
    """The queue that a job runs on; empty for one that is no longer declared."""
    try:
        return catalogue.canonical(registry.get(job).queue)
    except (UnknownJob, UnknownQueue):
        return ""


def queues(user: Any, action: Action) -> list[str]:
    """The queues on which the user may do this, in serving order. Asked of the policy once for each user object."""
    kept: dict[Action, list[str]] = user.__dict__.setdefault("_roundsman_queues", {})
    if action not in kept:
        kept[action] = [name for name in catalogue.NAMES if policy.may(user, action, queue=name)]
    return kept[action]


def jobs(user: Any, action: Action) -> list[str]:
    """The names of the jobs on those queues."""
    names = queues(user, action)
    return [spec.name for spec in registry.specs() if queue_of(spec.name) in names]


def jobs_of(queue: str) -> list[str]:
    """The names of the jobs on a queue (its own name)."""
    return [spec.name for spec in registry.specs() if queue_of(spec.name) == queue]


def may(user: Any, action: Action, row: JobDefinition | Schedule) -> bool:
    """Whether the user may see (READ) or change and run (ENQUEUE) this row.

    Who sees every queue also sees what a job that is gone has left; nobody changes it.
    """
    names = queues(user, action)
    job = row.definition.job if isinstance(row, Schedule) else row.job
    everywhere = action is Action.READ and len(names) == len(catalogue.NAMES)
    return everywhere or queue_of(job) in names


def definitions(rows: QuerySet[JobDefinition], user: Any) -> QuerySet[JobDefinition]:
    """Those that the user may see."""
    return rows if _sees_all(user) else rows.filter(job__in=jobs(user, Action.READ))


def schedules(rows: QuerySet[Schedule], user: Any) -> QuerySet[Schedule]:
    """Those that the user may see."""
    return rows if _sees_all(user) else rows.filter(definition__job__in=jobs(user, Action.READ))


def _sees_all(user: Any) -> bool:
    return len(queues(user, Action.READ)) == len(catalogue.NAMES)
