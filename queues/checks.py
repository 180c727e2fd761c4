"""System checks: every declared job can run, and no queue's name hides a path of the API."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core import checks

from queues import catalogue, registry
from queues.errors import UnknownQueue


@checks.register("queues")
def jobs_can_run(app_configs: Any = None, **_: Any) -> list[checks.CheckMessage]:
    """Every job's queue is in the catalogue, and every job has a handler."""
    found: list[checks.CheckMessage] = []
    for spec in registry.specs():
        try:
            catalogue.canonical(spec.queue)
        except UnknownQueue as error:
            hint = f"Name one of the catalogue's queues where {spec.name} is declared (jobspecs.py)."
            found.append(checks.Error(f"The job {spec.name}: {error}", hint=hint, obj=spec.name, id="queues.E001"))
        if spec.run is None:
            hint = f"Bind one in the domain's jobs.py with @<the spec of {spec.name}>.handler; apps find that module."
            found.append(
                checks.Error(f"The job {spec.name} has no handler.", hint=hint, obj=spec.name, id="queues.E002")
            )
    return found


@checks.register("queues")
def queue_names_are_free(app_configs: Any = None, **_: Any) -> list[checks.CheckMessage]:
    """No queue and no alias bears a name that is a path of the API, and every alias leads to a queue."""
    return [*_reserved((*catalogue.NAMES, *catalogue.ALIASES)), *_dangling(catalogue.ALIASES.items())]


def _reserved(names: Iterable[str]) -> list[checks.CheckMessage]:
    reserved = ", ".join(sorted(catalogue.RESERVED))
    return [
        checks.Error(
            f"The queue name {name!r} is a path of the API.",
            hint=f"Call the queue otherwise; reserved are: {reserved}.",
            obj=name,
            id="queues.E003",
        )
        for name in names
        if name in catalogue.RESERVED
    ]


def _dangling(aliases: Iterable[tuple[str, str]]) -> list[checks.CheckMessage]:
    return [
        checks.Error(
            f"The alias {alias!r} stands for {target!r}, which is no queue.",
            hint="Let it stand for one of the catalogue's queues, or take it out.",
            obj=alias,
            id="queues.E004",
        )
        for alias, target in aliases
        if target not in catalogue.NAMES
    ]
