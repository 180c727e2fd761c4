"""Who sees and may do what in the admin: questions to queues.policy, queue by queue; and who acts."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from queues import catalogue, policy, registry
from queues.admin import show
from queues.contract import Actor
from queues.models import JobDefinition, Run, Schedule
from queues.policy import Action


def actor_of(request: HttpRequest) -> Actor:
    """The signed-in person, for the audit log."""
    user: Any = request.user
    return Actor(
        label=user.get_username(),
        source="admin",
        user_id=user.pk,
        address=request.META.get("REMOTE_ADDR", ""),
        request_id=str(getattr(request, "request_id", "")),
    )


# --- queue by queue; asked of the policy once a request, for the user object lives as long as the request ---


def _queues(user: Any, action: Action) -> list[str]:
    kept: dict[Action, list[str]] = user.__dict__.setdefault("_roundsman_queues", {})
    if action not in kept:
        kept[action] = [name for name in catalogue.NAMES if policy.may(user, action, queue=name)]
    return kept[action]


def readable_queues(user: Any) -> list[str]:
    """The queues whose runs, definitions and schedules the user may see, in serving order."""
    return _queues(user, Action.READ)


def operable_queues(user: Any) -> list[str]:
    """The queues on which the user may run, cancel, retry, define and schedule jobs, in serving order."""
    return _queues(user, Action.ENQUEUE)


def _jobs(names: list[str]) -> list[str]:
    return [spec.name for spec in registry.specs() if show.job_queue(spec.name) in names]


def readable_jobs(user: Any) -> list[str]:
    return _jobs(readable_queues(user))


def operable_jobs(user: Any) -> list[str]:
    return _jobs(operable_queues(user))


def may_administer(user: Any) -> bool:
    """Pause queues and override their settings."""
    return policy.may(user, Action.ADMINISTER)


def may_audit(user: Any) -> bool:
    return policy.may(user, Action.AUDIT)


def may_operate(user: Any, obj: Run | JobDefinition | Schedule) -> bool:
    """Change this row, or act on it, by the queue of its job."""
    if isinstance(obj, Run):
        return obj.queue in operable_queues(user)
    job = obj.definition.job if isinstance(obj, Schedule) else obj.job
    return show.job_queue(job) in operable_queues(user)


def may_see(user: Any, obj: Model) -> bool:
    names = readable_queues(user)
    if isinstance(obj, Run):
        return obj.queue in names
    if isinstance(obj, JobDefinition | Schedule):
        job = obj.definition.job if isinstance(obj, Schedule) else obj.job
        return show.job_queue(job) in names or len(names) == len(catalogue.NAMES)
    return bool(names)


def readable_definitions(rows: QuerySet[JobDefinition], user: Any) -> QuerySet[JobDefinition]:
    """Who sees every queue also sees definitions whose handler is gone."""
    if len(readable_queues(user)) == len(catalogue.NAMES):
        return rows
    return rows.filter(job__in=readable_jobs(user))


def readable_schedules(rows: QuerySet[Schedule], user: Any) -> QuerySet[Schedule]:
    if len(readable_queues(user)) == len(catalogue.NAMES):
        return rows
    return rows.filter(definition__job__in=readable_jobs(user))
