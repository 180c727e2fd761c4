"""The filters of the messages' list, the tabs above it, and a payload for reading."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from queues.admin import show
from queues.admin.paginator import capped_count, count_text
from queues.engine import webhook_reach
from queues.ledger.webhook_events import EVENTS, TEST
from queues.models import WebhookDelivery


class StateFilter(admin.SimpleListFilter):
    """Chosen by the tabs, so it needs no place in the filters' sheet."""

    title, parameter_name = "state", "state"
    template = "queues/nothing.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, str(label)) for value, label in WebhookDelivery.State.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> QuerySet[WebhookDelivery]:
        return queryset.filter(state=self.value()) if self.value() else queryset


class WebhookFilter(DropdownFilter):  # type: ignore[misc]
    """Those that one sees."""

    title, parameter_name = "webhook", "webhook"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(row.pk), str(row)) for row in webhook_reach.webhooks(request.user)[:500]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> QuerySet[WebhookDelivery]:
        try:
            return queryset.filter(endpoint=UUID(self.value())) if self.value() else queryset
        except ValueError:
            return queryset.none()


class EventFilter(DropdownFilter):  # type: ignore[misc]
    title, parameter_name = "event", "event"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in (*EVENTS, TEST)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> QuerySet[WebhookDelivery]:
        return queryset.filter(event=self.value()) if self.value() else queryset


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
            *((str(label), value, rows.filter(state=value)) for value, label in WebhookDelivery.State.choices),
        ]
    ]


def pretty(payload: str) -> str:
    """For reading; what is sent is one line."""
    return show.pretty(json.loads(payload))
