"""The filters of the calls' list, and the tabs above it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from queues.admin.paginator import capped_count, count_text
from queues.models import OutboundCall


class StateFilter(admin.SimpleListFilter):
    """Chosen by the tabs, so it needs no place in the filters' sheet."""

    title, parameter_name = "state", "state"
    template = "queues/nothing.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, str(label)) for value, label in OutboundCall.State.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[OutboundCall]) -> QuerySet[OutboundCall]:
        return queryset.filter(state=self.value()) if self.value() else queryset


class ProviderFilter(DropdownFilter):  # type: ignore[misc]
    """The providers of the newest calls."""

    title, parameter_name = "provider", "provider"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        newest = OutboundCall.objects.order_by("-id").values_list("provider", flat=True)[:2000]
        return [(name, name) for name in sorted(set(newest))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[OutboundCall]) -> QuerySet[OutboundCall]:
        return queryset.filter(provider=self.value()) if self.value() else queryset


def tabs(request: HttpRequest, changelist: Any) -> list[dict[str, Any]]:
    """All and each state, the count under the other filters beside it; each a link that keeps them."""
    rows = changelist.get_queryset(request, exclude_parameters=["state"])
    chosen = request.GET.get("state", "")
    return [
        {
            "label": label,
            # a search reads every row: once for the list is enough
            "count": "" if changelist.query else count_text(capped_count(found)),
            "active": value == chosen,
            "url": changelist.get_query_string({"state": value} if value else {}, ["state"]),
        }
        for label, value, found in [
            ("All", "", rows),
            *((str(label), value, rows.filter(state=value)) for value, label in OutboundCall.State.choices),
        ]
    ]
