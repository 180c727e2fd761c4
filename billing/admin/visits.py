"""What happened: visits and what was weighed. What is on a document is looked at, not changed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter, RangeDateFilter

from billing.admin import pieces, show
from billing.admin.base import BillingAdmin, BillingStackedInline
from billing.models import Visit, WeighTicket
from billing.money import told

TONES = {"done": "ok", "missed_by_us": "bad", "missed_by_customer": "warn", "blocked": "warn"}


class BilledFilter(DropdownFilter):  # type: ignore[misc]
    title, parameter_name = "billing", "billed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "Not billed yet"), ("yes", "On a document")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        wanted = {"no": True, "yes": False}.get(self.value() or "")
        return queryset if wanted is None else queryset.filter(billed_on__isnull=wanted)


class TicketInline(BillingStackedInline):
    model = WeighTicket
    fields = ("code", ("gross", "tare"), ("unit", "net"), "weighed_at")
    readonly_fields = ("net",)
    max_num = 1
    verbose_name_plural = "Weighed"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_change_permission(request, obj)) and (obj is None or obj.billed_on_id is None)

    has_add_permission = has_delete_permission = has_change_permission

    @display(description="Net")
    def net(self, obj: WeighTicket) -> str:
        return f"{told(obj.net_kg.normalize())} kg" if obj.net_kg is not None else ""


@admin.register(Visit)
class VisitAdmin(BillingAdmin):
    list_display = ("code", "on_day", "which", "outcome_badge", "marks", "weighed", "billed")
    list_select_related = ("service", "service__contract", "ticket", "billed_on")
    list_filter = ("outcome", "extra", "contaminated", BilledFilter, ("day", RangeDateFilter))
    search_fields = (
        "code",
        "service__code",
        "service__contract__code",
        "service__contract__customer__name",
        "ticket__code",
    )
    search_help_text = "Visit, service, contract, customer, weigh ticket"
    autocomplete_fields = ("service",)
    inlines = (TicketInline,)
    empty_hint = "What the drivers did: recorded here, or imported."
    fieldsets = (
        (None, {"fields": ("code", "service", ("day", "planned_on"), "outcome")}),
        ("What was found", {"fields": ("containers", "extra", "contaminated", "evidence", "note")}),
    )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_change_permission(request, obj)) and (obj is None or obj.billed_on_id is None)

    @display(description="Day", ordering="day")
    def on_day(self, obj: Visit) -> str | SafeString:
        return pieces.day(obj.day)

    @display(description="Service", ordering="service__code")
    def which(self, obj: Visit) -> SafeString:
        return pieces.link(pieces.page_of(obj.service), obj.service.code)

    @display(description="Outcome", ordering="outcome")
    def outcome_badge(self, obj: Visit) -> SafeString:
        return pieces.badge(obj.get_outcome_display(), TONES[obj.outcome], obj.note)

    @display(description="Remarks")
    def marks(self, obj: Visit) -> str | SafeString:
        late = obj.planned_on is not None and obj.planned_on != obj.day
        found = (
            ("extra", obj.extra),
            ("contaminated", obj.contaminated),
            (f"planned for {pieces.day(obj.planned_on)}", late),
        )
        return ", ".join(word for word, true in found if true) or pieces.NONE

    @display(description="Weighed")
    def weighed(self, obj: Visit) -> SafeString:
        ticket = getattr(obj, "ticket", None)
        return pieces.figure(f"{told(ticket.net_kg.normalize())} kg") if ticket is not None else pieces.NONE

    @display(description="Billed on", ordering="billed_on")
    def billed(self, obj: Visit) -> str | SafeString:
        if obj.billed_on is None:
            return pieces.NONE
        return show.document_link(obj.billed_on)
