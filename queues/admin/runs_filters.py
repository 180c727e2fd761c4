"""The filters of the runs' list. They live in the URL, so that a view of it can be sent to somebody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from queues import registry
from queues.admin import access, show
from queues.engine.bulk_count import names_of
from queues.ledger import clock
from queues.ledger.requests import SKEW, id_floor
from queues.models import JobDefinition, Run

SPANS = {
    "10m": ("Last 10 minutes", 600),
    "1h": ("Last hour", 3600),
    "24h": ("Last 24 hours", 86_400),
    "7d": ("Last 7 days", 604_800),
}


class StateFilter(admin.SimpleListFilter):
    """Chosen by the tabs above the list, so it needs no place in the filters' sheet."""

    title, parameter_name = "state", "state"
    template = "queues/nothing.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, str(label)) for value, label in Run.State.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Run]) -> QuerySet[Run]:
        return queryset.filter(state=self.value()) if self.value() else queryset


class QueueFilter(DropdownFilter):  # type: ignore[misc]
    title, parameter_name = "queue", "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, show.queue_title(name)) for name in access.readable_queues(request.user)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Run]) -> QuerySet[Run]:
        return queryset.filter(queue=self.value()) if self.value() else queryset


class JobFilter(DropdownFilter):  # type: ignore[misc]
    title, parameter_name = "job", "job"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        readable = access.readable_queues(request.user)
        return [(spec.name, spec.title) for spec in registry.specs() if show.job_queue(spec.name) in readable]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Run]) -> QuerySet[Run]:
        """Under its aliases too: runs keep the name under which they were asked for."""
        return queryset.filter(job__in=names_of(self.value())) if self.value() else queryset


class DefinitionFilter(DropdownFilter):  # type: ignore[misc]
    title, parameter_name = "definition", "definition"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        jobs = access.readable_jobs(request.user)
        return [
            (str(pk), name) for pk, name in JobDefinition.objects.filter(job__in=jobs).values_list("pk", "name")[:500]
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Run]) -> QuerySet[Run]:
        value = self.value() or ""
        return queryset.filter(definition_id=int(value)) if value.isdecimal() else queryset


class CreatedFilter(DropdownFilter):  # type: ignore[misc]
    title, parameter_name = "time created", "created"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(key, label) for key, (label, _) in SPANS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Run]) -> QuerySet[Run]:
        found = SPANS.get(self.value() or "")
        return queryset.filter(created_at__gte=clock.now() - timedelta(seconds=found[1])) if found else queryset


class RunCreatedFilter(CreatedFilter):
    """Runs' ids are in the order of creation: so the index of ids bounds the search."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Run]) -> QuerySet[Run]:
        rows = super().queryset(request, queryset)
        found = SPANS.get(self.value() or "")
        return rows.filter(pk__gte=id_floor(clock.now() - timedelta(seconds=found[1]) - SKEW)) if found else rows
