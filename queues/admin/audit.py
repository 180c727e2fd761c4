"""The audit log: who changed what, when, from where and why. Read only, for administrators."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from queues import encryption
from queues.admin import access, show
from queues.admin.audit_filters import ActionFilter, ActorFilter, AgeFilter, DaysFilter, ObjectFilter, SourceFilter
from queues.admin.base import ReadOnlyAdmin
from queues.admin.paginator import CappedPaginator
from queues.admin.streamed import streamed
from queues.ledger import audit, audit_export, audit_rows, clock, masking
from queues.models import AuditEntry, AuditSeal

PAGES = {
    "definition": "admin:queues_jobdefinition_change",
    "schedule": "admin:queues_schedule_change",
    "run": "admin:queues_run_change",
    "queue": "admin:queues_queue_change",
    "call": "admin:queues_outboundcall_change",
    "error_rule": "admin:queues_errorrule_change",
    "api_key": "admin:queues_apikey_change",
    "user": "admin:auth_user_change",
}
OTHER_PAGES = ("p", "o", "all", "unmasked")  # of the list's address; an export has none of them


@admin.register(AuditEntry)
class AuditAdmin(ReadOnlyAdmin):
    """Written by the services, in each change's own transaction."""

    list_display = ("at_time", "actor", "deed", "what", "changed", "reason", "origin", "sealed")
    list_display_links = None
    list_filter = (ActorFilter, ActionFilter, ObjectFilter, SourceFilter, AgeFilter, ("at", DaysFilter))
    list_before_template = "queues/audit_head.html"
    list_filter_submit = True
    list_per_page = 50
    paginator = CappedPaginator
    show_full_result_count = False
    search_fields = ("actor", "action", "object_label", "=object_id", "why", "=request_id", "before", "after")
    search_help_text = "Actor, action, object, reason, request, what was changed"
    sortable_by = ()
    ordering = ("-id",)
    empty_hint = "Every change that somebody makes to a definition, a schedule, a queue or a run is entered here."

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access.may_audit(request.user)

    def attach(self, request: HttpRequest, rows: list[Any]) -> None:
        seals = AuditSeal.objects.filter(entry_id__in=[row.pk for row in rows]).in_bulk(field_name="entry_id")
        for row in rows:
            row.seal = seals.get(row.pk)

    def get_urls(self) -> list[Any]:
        export = path("export/<str:form>/", self.admin_site.admin_view(self.export_view), name="queues_audit_export")
        return [export, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        query = request.GET.copy()
        for name in OTHER_PAGES:
            query.pop(name, None)
        exports = [
            (label, reverse("admin:queues_audit_export", args=[form]) + (f"?{query.urlencode()}" if query else ""))
            for form, label in (("csv", "Export CSV"), ("jsonl", "Export JSON lines"))
        ]
        extra = {"exports": exports, "chain_head": audit_rows.head() if self.has_view_permission(request) else None}
        return super().changelist_view(request, {**extra, **(extra_context or {})})

    def export_view(self, request: HttpRequest, form: str) -> Any:
        """What the list's filters leave, all of it. Entered in the log; masked unless asked otherwise by who may."""
        if not self.has_view_permission(request):
            raise PermissionDenied("The audit log is for administrators.")
        if form not in audit_export.FORMATS:
            raise Http404("There is no such format.")
        unmasked = _unmasked(request)
        query = request.GET.copy()
        for name in OTHER_PAGES:
            query.pop(name, None)
        request.GET = query  # type: ignore[assignment]
        rows = self.get_changelist_instance(request).queryset.filter(pk__lte=audit_rows.newest_id())
        audit.write(
            access.actor_of(request), "audit.export", object_type="audit", object_id="log",
            after={"format": form, "masked": not unmasked, "filters": masking.value(dict(query.items()))},
        )  # fmt: skip
        pieces = audit_export.exported(rows, form, masked=not unmasked)  # type: ignore[arg-type]
        return streamed(
            request, pieces, content_type=audit_export.FORMATS[form],  # type: ignore[index]
            filename=f"audit-{clock.now():%Y-%m-%d-%H%M%S}.{form}",
        )  # fmt: skip

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        entry = AuditEntry.objects.filter(pk=object_id).first() if object_id.isdecimal() else None
        if entry is None:
            raise Http404("There is no such audit entry.")
        if not self.has_view_permission(request, entry):
            raise PermissionDenied("The audit log is for administrators.")
        unmasked = _unmasked(request)
        if unmasked:
            audit.write(
                access.actor_of(request), "audit.unmask", object_type="audit", object_id=str(entry.pk),
                object_label=f"entry {entry.pk}",
            )  # fmt: skip
        told = audit_export.told(entry, masked=not unmasked)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": (name := f"{entry.action} {told['object_label'] or told['object_id']}"),  # in the crumbs
            "title": name,
            "entry": told,
            "object_url": _object_url(entry),
            "rows": difference(told["before"], told["after"]),
            "seal": AuditSeal.objects.filter(entry_id=entry.pk).first(),
            "hides": not unmasked and told != audit_export.told(entry, masked=False),
            "may_unmask": access.may_unmask(request.user),
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
        url, label = _object_url(obj), masking.text(obj.object_label or obj.object_id)
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

    @display(description="Why")
    def reason(self, obj: AuditEntry) -> SafeString:
        return format_html('<span class="rm-wrap">{}</span>', masking.text(obj.why)) if obj.why else show.NONE

    @display(description="Seal")
    def sealed(self, obj: Any) -> SafeString:
        return show.badge(f"{obj.seal.seq:,}", "ok", obj.seal.digest) if obj.seal else show.faint("not yet")

    @display(description="From")
    def origin(self, obj: AuditEntry) -> str:
        return f"{obj.source} {obj.address}".strip()


def _unmasked(request: HttpRequest) -> bool:
    """Whether this is asked for. Raises PermissionDenied to whom it is not given."""
    if request.GET.get("unmasked") != "1":
        return False
    if not access.may_unmask(request.user):
        raise PermissionDenied("You may not see personal data in the audit log.")
    return True


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
    return show.pretty(value) if isinstance(value, dict | list | bool) else encryption.veil(str(value))


def _object_url(entry: AuditEntry) -> str:
    name = PAGES.get(entry.object_type)
    try:
        return reverse(name, args=[entry.object_id]) if name else ""
    except NoReverseMatch:
        return ""
