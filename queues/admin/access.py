"""Who sees and may do what in the admin: questions to queues.policy, queue by queue; and who acts."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from queues import policy
from queues.client_address import address_of
from queues.contract import Actor
from queues.engine import reach
from queues.models import JobDefinition, Run, Schedule
from queues.policy import Action


def actor_of(request: HttpRequest) -> Actor:
    """The signed-in person, for the audit log."""
    user: Any = request.user
    return Actor(
        label=user.get_username(),
        source="admin",
        user_id=user.pk,
        address=address_of(request),
        request_id=str(getattr(request, "request_id", "")),
    )


# --- queue by queue ---


def readable_queues(user: Any) -> list[str]:
    """The queues whose runs, definitions and schedules the user may see, in serving order."""
    return reach.queues(user, Action.READ)


def operable_queues(user: Any) -> list[str]:
    """The queues on which the user may run, cancel, retry, define and schedule jobs, in serving order."""
    return reach.queues(user, Action.ENQUEUE)


def readable_jobs(user: Any) -> list[str]:
    return reach.jobs(user, Action.READ)


def operable_jobs(user: Any) -> list[str]:
    return reach.jobs(user, Action.ENQUEUE)


def may_administer(user: Any) -> bool:
    """Pause queues and override their settings."""
    return policy.may(user, Action.ADMINISTER)


def subscribable_queues(user: Any) -> list[str]:
    """The queues of which the user may have a webhook told, in serving order."""
    return reach.queues(user, Action.SUBSCRIBE)


def may_audit(user: Any) -> bool:
    return policy.may(user, Action.AUDIT)


def may_unmask(user: Any) -> bool:
    """See personal data in the audit log: for administrators to whom it was given by name (superusers have it)."""
    return may_audit(user) and bool(user.has_perm("queues.see_unmasked_audit"))


def may_operate(user: Any, obj: Run | JobDefinition | Schedule) -> bool:
    """Change this row, or act on it, by the queue of its job."""
    if isinstance(obj, Run):
        return obj.queue in operable_queues(user)
    return reach.may(user, Action.ENQUEUE, obj)


def may_see(user: Any, obj: Model) -> bool:
    names = readable_queues(user)
    if isinstance(obj, Run):
        return obj.queue in names
    if isinstance(obj, JobDefinition | Schedule):
        return reach.may(user, Action.READ, obj)
    return bool(names)


def readable_definitions(rows: QuerySet[JobDefinition], user: Any) -> QuerySet[JobDefinition]:
    return reach.definitions(rows, user)


def readable_schedules(rows: QuerySet[Schedule], user: Any) -> QuerySet[Schedule]:
    return reach.schedules(rows, user)
