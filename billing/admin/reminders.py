"""Reminders that were sent, and the calendar they are sent by."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.admin import display
from django.utils.safestring import SafeString

from billing.admin import pieces, show
from billing.admin.frame import MoneyAdmin
from billing.models import Dunning, Reminder

TONES = {"active": "warn", "paused": "info", "stopped": "idle"}


@admin.register(Reminder)
class ReminderAdmin(MoneyAdmin):
    """Steps that were taken, each once."""

    list_title = "Reminders"
    list_display = ("sent", "document_told", "customer", "title", "balance", "outcome")
    list_filter = ("step",)
    list_filter_submit = True
    list_select_related = ("document__customer",)
    search_fields = ("document__number", "document__customer__name", "document__customer__code")
    ordering = ("-at",)
    sortable_by = ("sent",)
    fields = readonly_fields = ("document_told", "customer", "step", "title", "balance", "sent", "outcome")
    empty_hint = "Reminders are sent day by day for what is overdue."

    @display(description="Sent", ordering="at")
    def sent(self, obj: Reminder) -> SafeString:
        return pieces.when(obj.at)

    @display(description="Document")
    def document_told(self, obj: Reminder) -> SafeString:
        return show.document_link(obj.document)

    @display(description="Customer")
    def customer(self, obj: Reminder) -> str:
        return str(obj.document.customer)

    @display(description="Open then")
    def balance(self, obj: Reminder) -> SafeString:
        return pieces.cell(obj.balance_minor, obj.currency)


@admin.register(Dunning)
class DunningAdmin(MoneyAdmin):
    """Overdue documents: how far each is, and what stops it."""

    list_title = "Overdue and reminded"
    list_display = ("document_told", "customer", "state_badge", "done_step", "next_told", "promised", "reason")
    list_display_links = None
    list_filter = ("state",)
    list_filter_submit = True
    list_select_related = ("document__customer",)
    search_fields = ("document__number", "document__customer__name", "document__customer__code")
    ordering = ("state", "next_on")
    sortable_by = ("next_told",)
    fields = readonly_fields = (
        "document_told",
        "customer",
        "state_badge",
        "done_step",
        "next_told",
        "promised",
        "reason",
    )
    empty_hint = "An overdue invoice appears here once the daily job has seen it."

    @display(description="Document")
    def document_told(self, obj: Dunning) -> SafeString:
        return show.document_link(obj.document)

    @display(description="Customer")
    def customer(self, obj: Dunning) -> str:
        return str(obj.document.customer)

    @display(description="State", ordering="state")
    def state_badge(self, obj: Dunning) -> SafeString:
        return pieces.badge(obj.get_state_display(), TONES[obj.state])

    @display(description="Next on", ordering="next_on")
    def next_told(self, obj: Dunning) -> str | SafeString:
        return pieces.day(obj.next_on) or pieces.NONE

    @display(description="Promised until")
    def promised(self, obj: Dunning) -> str | SafeString:
        return pieces.day(obj.promised_until) or pieces.NONE
