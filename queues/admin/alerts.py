"""Alerts: the open ones first, with what was found, since when, and what to do; acknowledged here, resolved by themselves."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter

from queues.admin import alerts_facts, alerts_page, show
from queues.admin.base import ReadOnlyAdmin
from queues.admin.paginator import CappedPaginator, capped_count, count_text
from queues.ledger import clock
from queues.models import Alert
from queues.watch import alert_rights
from queues.watch.alert_overrides import in_force
from queues.watch.alert_rules import BY_NAME, RULES

STATES = {"": "All", "open": "Open", "resolved": "Resolved"}


class StateFilter(admin.SimpleListFilter):
    """Chosen by the tabs above the list."""

    title, parameter_name = "state", "state"
    template = "queues/nothing.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, label) for value, label in STATES.items() if value]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Alert]) -> QuerySet[Alert]:
        return queryset.filter(resolved_at__isnull=self.value() == "open") if self.value() else queryset


class LevelFilter(DropdownFilter):  # type: ignore[misc]
    title, parameter_name = "level", "level"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, str(label)) for value, label in Alert.Level.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Alert]) -> QuerySet[Alert]:
        return queryset.filter(level=self.value()) if self.value() else queryset


class RuleFilter(DropdownFilter):  # type: ignore[misc]
    title, parameter_name = "rule", "rule"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(rule.name, rule.title) for rule in RULES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Alert]) -> QuerySet[Alert]:
        return queryset.filter(rule=self.value()) if self.value() else queryset


class PlaceFilter(DropdownFilter):  # type: ignore[misc]
    title, parameter_name = "queue", "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        names = alert_rights.scopes(request.user)
        return [(name or "house", show.queue_title(name) if name else "The whole house") for name in names]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Alert]) -> QuerySet[Alert]:
        value = self.value()
        return queryset.filter(queue="" if value == "house" else value) if value else queryset


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    """Written by the watch."""

    list_display = ("level_badge", "what", "found", "since", "care")
    list_display_links = None
    list_filter = (StateFilter, LevelFilter, RuleFilter, PlaceFilter)
    list_filter_submit = True
    list_per_page = 50
    list_before_template = "queues/alerts_head.html"
    paginator = CappedPaginator
    show_full_result_count = False
    sortable_by = ()
    ordering = (F("resolved_at").desc(nulls_first=True), "level", "-id")
    empty_hint = "An alert opens by itself when a figure is beyond its line, and resolves when all is well again."

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may = bool(super().has_view_permission(request))
        return may and (obj is None or alert_rights.may_see(request.user, obj))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alert]:
        return alert_rights.visible(super().get_queryset(request), request.user)

    def get_urls(self) -> list[Any]:
        acknowledge = self.admin_site.admin_view(self.acknowledge_view)
        return [path("<uuid:pk>/acknowledge/", acknowledge, name="queues_alert_acknowledge"), *super().get_urls()]

    def attach(self, request: HttpRequest, rows: list[Any]) -> None:
        rules, now = in_force(), clock.now()
        for row in rows:
            row.told = alerts_facts.told(row, rules, now)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, {**(extra_context or {}), "title": "Alerts"})
        context = getattr(response, "context_data", None)
        if context and "cl" in context:
            context["state_tabs"] = _tabs(request, context["cl"])
            context["may_steer"] = alerts_page.may_steer(request)
        return response

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        return alerts_page.detail(self, request, object_id)

    def acknowledge_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return alerts_page.acknowledge(self, request, str(pk))

    @display(description="Level")
    def level_badge(self, obj: Any) -> SafeString:
        return show.link(obj.told.url, obj.told.badge, "rm-plain")

    @display(description="Alert")
    def what(self, obj: Any) -> SafeString:
        rule = BY_NAME.get(obj.rule)
        return format_html(
            '<span class="rm-alert-what"><a class="rm-link" href="{}">{}</a>, {}<span class="rm-sub rm-wrap">{}</span>'
            '<span class="rm-sub rm-wrap">{}</span></span>',
            obj.told.url, obj.told.title, obj.told.where, obj.text, rule.act if rule and obj.open else "",
        )  # fmt: skip

    @display(description="Found")
    def found(self, obj: Any) -> SafeString:
        return format_html(
            '<span class="rm-figure">{}</span><span class="rm-sub">line {}</span>', obj.told.value, obj.told.line
        )

    @display(description="Since")
    def since(self, obj: Any) -> SafeString:
        how = "for" if obj.open else "lasted"
        return format_html('{}<span class="rm-sub">{} {}</span>', show.when(obj.opened_at), how, obj.told.lasted)

    @display(description="Who is on it")
    def care(self, obj: Any) -> SafeString:
        care: SafeString = obj.told.care
        return care


def _tabs(request: HttpRequest, changelist: Any) -> list[dict[str, Any]]:
    rows = changelist.get_queryset(request, exclude_parameters=["state"])
    chosen = request.GET.get("state", "")
    return [
        {
            "label": label,
            "count": count_text(capped_count(rows.filter(resolved_at__isnull=value == "open") if value else rows)),
            "active": value == chosen,
            "url": changelist.get_query_string({"state": value} if value else {}, ["state", "p"]),
        }
        for value, label in STATES.items()
    ]
