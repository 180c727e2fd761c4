"""Workers: which processes serve the queues, and whether they give signs of life."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from queues.admin import show
from queues.admin.base import ReadOnlyAdmin
from queues.ledger import clock
from queues.models import Worker

TONES = {"running": "ok", "stopping": "warn", "stopped": "idle", "lost": "bad"}
LATE_S = 30.0


class LivenessFilter(admin.SimpleListFilter):
    title, parameter_name = "liveness", "live"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Live"), ("no", "Stopped or lost")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Worker]) -> QuerySet[Worker]:
        if self.value() == "yes":
            return queryset.filter(stopped_at__isnull=True, lost_at__isnull=True)
        return queryset.exclude(stopped_at__isnull=True, lost_at__isnull=True) if self.value() == "no" else queryset


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    """Written by the workers themselves."""

    list_display = ("state_badge", "name", "place", "serves", "use", "beat", "memory", "started")
    list_filter = (LivenessFilter,)
    list_per_page = 50
    search_fields = ("name", "host")
    show_full_result_count = False
    sortable_by = ()
    fields = ("name", "state_badge", "place", "serves", "use", "beat", "memory", "started", "ended")
    readonly_fields = fields
    empty_hint = "No worker has started yet. Start one with: python manage.py rqworker"

    @display(description="State")
    def state_badge(self, obj: Worker) -> SafeString:
        return show.badge(obj.state, TONES.get(obj.state, "idle"))

    @display(description="Host and process")
    def place(self, obj: Worker) -> str:
        return f"{obj.host}, pid {obj.pid}"

    @display(description="Queues")
    def serves(self, obj: Worker) -> SafeString:
        return format_html('<span class="rm-wrap">{}</span>', ", ".join(show.queue_title(name) for name in obj.queues))

    @display(description="Busy")
    def use(self, obj: Worker) -> str:
        return f"{obj.busy} of {obj.slots} slots"

    @display(description="Last sign of life")
    def beat(self, obj: Worker) -> SafeString:
        age = (clock.now() - obj.beat_at).total_seconds()
        if obj.state in ("stopped", "lost"):
            return show.when(obj.beat_at)
        return format_html('<span class="{}">{} ago</span>', "rm-late" if age > LATE_S else "", show.span(age))

    @display(description="Memory")
    def memory(self, obj: Worker) -> str | SafeString:
        return f"{obj.rss_mb:,.0f} MB" if obj.rss_mb else show.NONE

    @display(description="Started")
    def started(self, obj: Worker) -> SafeString:
        return show.when(obj.started_at)

    @display(description="Ended")
    def ended(self, obj: Worker) -> SafeString:
        return show.when(obj.lost_at or obj.stopped_at)
