"""What payment providers told us, as they told it, and what it changed."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter

from billing.admin import pieces
from billing.admin.frame import MoneyAdmin
from billing.models import ProviderEvent


class AppliedFilter(DropdownFilter):  # type: ignore[misc]
    title, parameter_name = "applied", "applied"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "Not applied yet"), ("yes", "Applied")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ProviderEvent]) -> QuerySet[ProviderEvent]:
        return queryset.filter(applied_at__isnull=self.value() == "no") if self.value() else queryset


@admin.register(ProviderEvent)
class ProviderEventAdmin(MoneyAdmin):
    """Verified webhooks: stored once, applied once."""

    list_title = "Provider events"
    list_display = ("received", "kind", "state_badge", "told", "event_id")
    list_display_links = ("kind",)
    list_filter = (AppliedFilter, "provider")
    list_filter_submit = True
    search_fields = ("=event_id", "kind", "effect")
    sortable_by = ("received",)
    fields = readonly_fields = (
        "kind", "provider", "event_id", "state_badge", "created", "received", "applied", "effect", "error", "body_told",
    )  # fmt: skip
    empty_hint = "Messages of payment providers appear here as they come in."

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProviderEvent]:
        rows: QuerySet[ProviderEvent] = super().get_queryset(request)
        return rows.defer("body")

    @display(description="Received", ordering="received_at")
    def received(self, obj: ProviderEvent) -> SafeString:
        return pieces.when(obj.received_at)

    @display(description="Created by the provider")
    def created(self, obj: ProviderEvent) -> SafeString:
        return pieces.when(obj.created_at)

    @display(description="Applied")
    def applied(self, obj: ProviderEvent) -> SafeString:
        return pieces.when(obj.applied_at)

    @display(description="State")
    def state_badge(self, obj: ProviderEvent) -> SafeString:
        if obj.applied_at is not None:
            return pieces.badge("Applied", "ok")
        return pieces.badge("Waits", "bad" if obj.error else "warn", obj.error)

    @display(description="What it changed")
    def told(self, obj: ProviderEvent) -> str | SafeString:
        return obj.effect or obj.error or pieces.NONE

    @display(description="As it came")
    def body_told(self, obj: ProviderEvent) -> SafeString:
        try:
            text = json.dumps(json.loads(obj.body), indent=2, ensure_ascii=False)
        except ValueError:
            text = obj.body
        return format_html('<pre class="rm-pre">{}</pre>', text)
