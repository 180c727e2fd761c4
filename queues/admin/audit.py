"""The audit log: who changed what, when, from where and why. Read only, for administrators."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter

from queues.admin import access, show
from queues.admin.base import ReadOnlyAdmin
from queues.admin.paginator import CappedPaginator
from queues.admin.runs_filters import SPANS
from queues.ledger import clock
from queues.models import AuditEntry

PAGES = {
    "definition": "admin:queues_jobdefinition_change",
    "schedule": "admin:queues_schedule_change",
    "run": "admin:queues_run_change",
    "queue": "admin:queues_queue_change",
    "call": "admin:queues_outboundcall_change",
    "error_rule": "admin:queues_errorrule_change",
}


class _Distinct(DropdownFilter):  # type: ignore[misc]
    """The values that occur in the newest entries."""

    field = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        newest = AuditEntry.objects.order_by("-id").values_list(self.field, flat=True)[:2000]
        return [(value, value) for value in sorted(set(newest))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(**{self.field: self.value()}) if self.value() else queryset


class ActorFilter(_Distinct):
    title = parameter_name = field = "actor"


class ActionFilter(_Distinct):
    title, parameter_name, field = "action", "deed", "action"


class ObjectFilter(_Distinct):
    title, parameter_name, field = "object type", "type", "object_type"


class AgeFilter(DropdownFilter):  # type: ignore[misc]
    title, parameter_name = "time", "age"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(key, label) for key, (label, _) in SPANS.items()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        found = SPANS.get(self.value() or "")
        return queryset.filter(at__gte=clock.now() - timedelta(seconds=found[1])) if found else queryset


@admin.register(AuditEntry)
class AuditAdmin(ReadOnlyAdmin):
    """Written by the services, in each change's own transaction."""

    list_display = ("at_time", "actor", "deed", "what", "changed", "why", "origin")
    list_display_links = None
    list_filter = (ActorFilter, ActionFilter, ObjectFilter, AgeFilter)
    list_filter_submit = True
    list_per_page = 50
    paginator = CappedPaginator
    show_full_result_count = False
    search_fields = ("actor", "action", "object_label", "=object_id", "why")
    search_help_text = "Actor, action, object, reason"
    sortable_by = ()
    ordering = ("-id",)
    empty_hint = "Every change that somebody makes to a definition, a schedule, a queue or a run is entered here."

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access.may_audit(request.user)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        entry = AuditEntry.objects.filter(pk=object_id).first() if object_id.isdecimal() else None
        if entry is None:
            raise Http404("There is no such audit entry.")
        if not self.has_view_permission(request, entry):
            raise PermissionDenied("The audit log is for administrators.")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": entry,
            "title": f"{entry.action} {entry.object_label}",
            "entry": entry,
            "object_url": _object_url(entry),
            "rows": difference(entry.before, entry.after),
        }
        return TemplateResponse(request, "queues/audit_entry.html", context)

    @display(description="At")
    def at_time(self, obj: AuditEntry) -> SafeString:
        return show.link(reverse("admin:queues_auditentry_change", args=[obj.pk]), show.when(obj.at))

    @display(description="Action")
    def deed(self, obj: AuditEntry) -> SafeString:
        return show.badge(obj.action, "idle")

    @display(description="Object")
    def what(self, obj: AuditEntry) -> SafeString:
        url, label = _object_url(obj), obj.object_label or obj.object_id
        return format_html(
            '<span class="rm-wrap">{}</span><span class="rm-sub">{}</span>',
            show.link(url, label) if url and not obj.action.endswith(".delete") else label,
            obj.object_type,
        )

    @display(description="Changed")
    def changed(self, obj: AuditEntry) -> SafeString:
        if obj.before is None and obj.action.endswith(".create"):
            return show.NONE
        names = [name for name, *_ in difference(obj.before, obj.after)]
        return format_html('<span class="rm-wrap">{}</span>', ", ".join(names[:6]) + (", …" if len(names) > 6 else ""))

    @display(description="From")
    def origin(self, obj: AuditEntry) -> str:
        return f"{obj.source} {obj.address}".strip()


def difference(before: Any, after: Any) -> list[tuple[str, str, str, bool]]:
    """(name, before, after, differs) for every name on either side, as text for reading."""
    left, right = before or {}, after or {}
    return [
        (
            name,
            _text(left[name]) if name in left else "",
            _text(right[name]) if name in right else "",
            left.get(name) != right.get(name),
        )
        for name in [*left, *(name for name in right if name not in left)]
    ]


def _text(value: Any) -> str:
    if value is None:
        return "empty"
    return show.pretty(value) if isinstance(value, dict | list | bool) else str(value)


def _object_url(entry: AuditEntry) -> str:
    name = PAGES.get(entry.object_type)
    try:
        return reverse(name, args=[entry.object_id]) if name else ""
    except NoReverseMatch:
        return ""
