"""An installation made ready: rows that are missing, and what is wrong with the rest. Safe to do again, and at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from queues import catalogue, registry
from queues.contract import Actor
from queues.engine import control
from queues.ledger import clock
from queues.ledger.queue_settings import ensure_queues
from queues.models import JobDefinition, Queue, Schedule
from queues.registry import JobSpec
from queues.timetable.schedules import save_schedule
from queues.watch import standing, validate
from queues.watch.findings import Finding
from queues.watch.look import workers_now


@dataclass(frozen=True)
class Made:
    """Names of what was missing."""

    queues: list[str] = field(default_factory=list)
    definitions: list[str] = field(default_factory=list)
    schedules: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Found:
    connections: list[standing.Connection]
    wrong: list[Finding]


def make_missing(*, actor: Actor, why: str = "") -> Made:
    """Rows of queues; and, of each job that recurs (JobSpec.recurs), a definition if it has none, and a schedule if none
    of its definitions has one. What is there is left as it is. Audited. Raises DatabaseError.

    Two at once: the second waits, and finds nothing missing.
    """
    made = Made()
    with transaction.atomic():
        there = set(Queue.objects.values_list("pk", flat=True))
        ensure_queues()
        list(Queue.objects.select_for_update().order_by("pk").values_list("pk", flat=True))
        made.queues.extend(name for name in catalogue.NAMES if name not in there)
        for spec in registry.specs():
            if spec.recurs is not None and spec.run is not None:
                _recur(spec, made, actor, why)
    return made


def look() -> Found:
    """Every connection asked, and what `manage.py validate` says of the configuration. Raises DatabaseError."""
    wrong = [each for each in (*validate.configuration(), *validate.connections()) if each.level != "ok"]
    for row in JobDefinition.objects.filter(enabled=True).exclude(job__in=_known()):
        text = f"Its job {row.job!r} is not declared any more: it cannot run."
        wrong.append(Finding("configuration", f"definition {row.name}", "warning", text, "Switch it off."))
    for spec in registry.specs():
        if spec.run is None:
            text = "It is declared, and no handler is bound to it: its runs would fail."
            wrong.append(Finding("configuration", f"job {spec.name}", "fault", text, "Bind a handler in its jobs.py."))
    if not workers_now(clock.now()):
        text = "No worker is live: runs are accepted and wait."
        wrong.append(Finding("queues", "workers", "warning", text, "python manage.py rqworker"))
    return Found(standing.connections(), wrong)


def _known() -> list[str]:
    return [name for spec in registry.specs() for name in (spec.name, *spec.aliases)]


def _recur(spec: JobSpec[Any], made: Made, actor: Actor, why: str) -> None:
    names = (spec.name, *spec.aliases)
    if Schedule.objects.filter(definition__job__in=names).exists():
        return
    definition = JobDefinition.objects.filter(job__in=names, enabled=True).order_by("pk").first()
    if definition is None:
        name = _free(spec.title, JobDefinition)
        description = f"{spec.description}\n\nMade by initialize.".strip()
        definition = control.save_definition(
            JobDefinition(name=name, job=spec.name, description=description), actor=actor, why=why
        )
        made.definitions.append(definition.name)
    schedule = Schedule(
        name=_free(f"{definition.name}, by itself"[:120], Schedule),
        definition=definition,
        kind="cron",
        cron=spec.recurs or "",
    )
    made.schedules.append(save_schedule(schedule, actor=actor, why=why).name)


def _free(name: str, model: type[JobDefinition] | type[Schedule]) -> str:
    """The name, or with the first number behind it that makes it free."""
    taken = set(model._default_manager.filter(name__startswith=name).values_list("name", flat=True))
    return next(each for each in (name, *(f"{name} {n}" for n in range(2, len(taken) + 3))) if each not in taken)
