"""Calls to outside: looked for, looked at, and settled by hand where nobody else can tell. Read only otherwise."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from queues.admin import outbox_page, show
from queues.admin.base import ReadOnlyAdmin
from queues.admin.outbox_filters import ProviderFilter, StateFilter, tabs
from queues.admin.paginator import CappedPaginator
from queues.admin.runs_filters import CreatedFilter
from queues.models import OutboundCall


@admin.register(OutboundCall)
class OutboundCallAdmin(ReadOnlyAdmin):
    """Written by queues.ledger.outbox alone. For those who may see the jobs of External APIs."""

    list_display = ("state_badge", "what", "created", "attempts", "next", "note")
    list_display_links = None
    list_filter = (StateFilter, ProviderFilter, CreatedFilter)
    list_filter_submit = True
    list_per_page = 50
    list_before_template = "queues/runs_tabs.html"
    paginator = CappedPaginator
    show_full_result_count = False
    search_fields = ("key", "operation", "=idempotency_key", "error")
    search_help_text = "Key, operation, idempotency key, error"
    sortable_by = ()
    ordering = ("-id",)
    empty_hint = "A call appears here when a job has a provider do something: charge a card, send a mail."

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_view_permission(request)) and outbox_page.may_see(request.user)

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutboundCall]:
        return super().get_queryset(request).defer("request", "response")

    def get_urls(self) -> list[Any]:
        resolve = self.admin_site.admin_view(self.resolve_view)
        return [
            path("<uuid:call_id>/resolve/<str:outcome>/", resolve, name="queues_outboundcall_resolve"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, {**(extra_context or {}), "title": "Calls to outside"})
        context = getattr(response, "context_data", None)
        if context and "cl" in context:
            context["state_tabs"] = tabs(request, context["cl"])
        return response

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        return outbox_page.detail(self, request, object_id)

    def resolve_view(self, request: HttpRequest, call_id: UUID, outcome: str) -> HttpResponse:
        return outbox_page.resolve(self, request, str(call_id), outcome)

    @display(description="State")
    def state_badge(self, obj: OutboundCall) -> SafeString:
        return show.link(_url(obj), outbox_page.badge(obj.state), "rm-plain")

    @display(description="Call")
    def what(self, obj: OutboundCall) -> SafeString:
        return format_html(
            '<a class="rm-link rm-wrap" href="{}">{}</a><span class="rm-sub">{} {}</span>',
            _url(obj), obj.key, obj.provider, obj.operation,
        )  # fmt: skip

    @display(description="Created")
    def created(self, obj: OutboundCall) -> SafeString:
        return show.when(obj.created_at)

    @display(description="Looked after")
    def next(self, obj: OutboundCall) -> str | SafeString:
        return outbox_page.next_step(obj)

    @display(description="Note")
    def note(self, obj: OutboundCall) -> SafeString:
        text = obj.error if len(obj.error) <= 120 else obj.error[:119] + "…"
        return format_html('<span class="rm-wrap">{}</span>', text) if text else show.NONE


def _url(obj: OutboundCall) -> str:
    return reverse("admin:queues_outboundcall_change", args=[obj.pk])
