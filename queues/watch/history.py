"""What is kept of the past, and the deletion of the rest, in short transactions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from queues import registry
from queues.ledger import clock, states
from queues.ledger.idempotency import KEPT_DAYS
from queues.models import Alert, HealthSample, IdempotencyRecord, JobDefinition, Run, WebhookDelivery

WEBHOOK_DAYS = 30  # messages and their tries are kept so long
UNKNOWN_JOB_DAYS = 30  # for runs of a job that no longer exists


@dataclass(frozen=True)
class Plan:
    """What is past its retention: the groups to delete from, and what they held when counted."""

    groups: tuple[Q, ...]
    samples_before: datetime
    keys_before: datetime
    by_job: dict[str, int]
    samples: int
    keys: int  # idempotency keys
    alerts_before: datetime
    alerts: int  # resolved ones
    messages_before: datetime
    messages: int  # of webhooks

    @property
    def runs(self) -> int:
        return sum(self.by_job.values())


def plan(*, samples_days: int, alerts_days: int = 90) -> Plan:
    """Count what is past its retention now. A definition's own retention goes before its job's."""
    groups = tuple(_groups(clock.now()))
    by_job: Counter[str] = Counter()
    for group in groups:
        rows = _expired(group).order_by().values_list("job").annotate(count=Count("pk"))
        by_job.update(dict(rows))
    samples_before = clock.now() - timedelta(days=samples_days)
    keys_before = clock.now() - timedelta(days=KEPT_DAYS)
    alerts_before = clock.now() - timedelta(days=alerts_days)
    messages_before = clock.now() - timedelta(days=WEBHOOK_DAYS)
    return Plan(
        groups,
        samples_before,
        keys_before,
        dict(sorted(by_job.items())),
        samples=HealthSample.objects.filter(at__lt=samples_before).count(),
        keys=IdempotencyRecord.objects.filter(created_at__lt=keys_before).count(),
        alerts_before=alerts_before,
        alerts=Alert.objects.filter(resolved_at__lt=alerts_before).count(),
        messages_before=messages_before,
        messages=WebhookDelivery.objects.filter(created_at__lt=messages_before).count(),
    )


def delete_runs(plan: Plan, chunk: int) -> Iterator[int]:
    """Delete chunk by chunk, each in a transaction of its own; yields how many are gone so far.

    Rows are locked and looked at again first: one that was put back to work since it was counted stays.
    """
    done = 0
    for group in plan.groups:
        while True:
            with transaction.atomic():
                ids = list(
                    _expired(group)
                    .select_for_update(skip_locked=True)
                    .order_by("id")
                    .values_list("id", flat=True)[:chunk]
                )
                Run.objects.filter(id__in=ids).delete()  # with its events and log lines
            if not ids:
                break
            done += len(ids)
            yield done


def delete_samples(plan: Plan, chunk: int) -> Iterator[int]:
    """Delete old health samples, chunk by chunk; yields how many are gone so far."""
    done = 0
    while True:
        ids = list(
            HealthSample.objects.filter(at__lt=plan.samples_before).order_by("at").values_list("id", flat=True)[:chunk]
        )
        if not ids:
            return
        deleted, _ = HealthSample.objects.filter(id__in=ids).delete()
        done += deleted
        yield done


def delete_keys(plan: Plan, chunk: int) -> Iterator[int]:
    """Delete idempotency keys past their days, chunk by chunk; yields how many are gone so far."""
    done = 0
    old = IdempotencyRecord.objects.filter(created_at__lt=plan.keys_before).order_by("created_at")
    while ids := list(old.values_list("id", flat=True)[:chunk]):
        deleted, _ = IdempotencyRecord.objects.filter(id__in=ids).delete()
        done += deleted
        yield done


def delete_alerts(plan: Plan, chunk: int) -> Iterator[int]:
    """Delete alerts that resolved long ago, with what happened to them, chunk by chunk; yields how many are gone so far."""
    done = 0
    old = Alert.objects.filter(resolved_at__lt=plan.alerts_before).order_by("resolved_at")
    while ids := list(old.values_list("id", flat=True)[:chunk]):
        Alert.objects.filter(id__in=ids).delete()
        done += len(ids)
        yield done


def delete_messages(plan: Plan, chunk: int) -> Iterator[int]:
    """Delete what webhooks were told and each try, chunk by chunk; yields how many are gone so far. Whatever their state:
    what has waited so long is of a webhook that is off, or gone."""
    done = 0
    old = WebhookDelivery.objects.filter(created_at__lt=plan.messages_before).order_by("id")
    while ids := list(old.values_list("id", flat=True)[:chunk]):
        WebhookDelivery.objects.filter(id__in=ids).delete()  # with its tries
        done += len(ids)
        yield done


def _groups(now: datetime) -> Iterator[Q]:
    """Disjoint groups of expired runs: by definitions with a retention of their own, then by job."""
    own = dict(JobDefinition.objects.filter(retention_days__isnull=False).values_list("pk", "retention_days"))
    for definition_id, days in own.items():
        yield Q(definition_id=definition_id, finished_at__lt=now - timedelta(days=days or 0))
    others = Q(definition_id__isnull=True) | ~Q(definition_id__in=list(own))
    known = []
    for spec in registry.specs():
        names = [spec.name, *spec.aliases]
        known += names
        yield others & Q(job__in=names, finished_at__lt=now - timedelta(days=spec.retention_days))
    yield others & ~Q(job__in=known) & Q(finished_at__lt=now - timedelta(days=UNKNOWN_JOB_DAYS))


def _expired(group: Q) -> QuerySet[Run]:
    return Run.objects.filter(group, state__in=states.FINISHED, finished_at__isnull=False)
