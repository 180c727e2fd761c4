"""Health: how each queue is now, with its reasons, and how it was."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from queues.admin import access, show
from queues.admin.base import ReadOnlyAdmin
from queues.admin.paginator import CappedPaginator
from queues.admin.runs_filters import QueueFilter
from queues.admin.sparkline import sparkline
from queues.ledger import clock
from queues.models import HealthSample, QueueHealth

POINTS = 60


def reasons(values: Any) -> SafeString:
    """The reasons of a score ([{code, text, points}]), one a line with what it costs."""
    told = [f"{value['text']} (-{value['points']})" for value in values or []]
    if not told:
        return show.NONE
    return format_html(
        '<ul class="rm-reasons">{}</ul>', format_html_join("", "<li>{}</li>", ((text,) for text in told))
    )


def graded(obj: QueueHealth | HealthSample) -> SafeString:
    """The grade with its score beside it."""
    return format_html(
        '<span class="rm-figure">{} <span class="rm-sub rm-inline">{}</span></span>',
        show.grade(obj.grade, obj.score),
        obj.score,
    )


def recent_samples(hours: int = 1) -> dict[str, list[HealthSample]]:
    """Each queue's samples of the last hours, old to new, thinned to what a sparkline can show. One query."""
    since = clock.now() - timedelta(hours=hours)
    found: dict[str, list[HealthSample]] = defaultdict(list)
    for sample in (
        HealthSample.objects.filter(at__gte=since).order_by("at").only("queue", "at", "score", "depth")[:5000]
    ):
        found[sample.queue].append(sample)
    return {queue: rows[:: max(1, len(rows) // POINTS)] for queue, rows in found.items()}


@admin.register(QueueHealth)
class QueueHealthAdmin(ReadOnlyAdmin):
    """Written by the watch."""

    list_display = (
        "queue_link",
        "grade_badge",
        "score_line",
        "depth_line",
        "why",
        "finished",
        "last_failure",
    )
    list_display_links = None
    sortable_by = ()
    fields = (
        "grade_badge",
        "why",
        "finished",
        "retried",
        "last_run",
        "last_success",
        "last_failure",
        "sampled",
        "history",
    )
    readonly_fields = fields
    empty_hint = "Health is sampled every 30 seconds by the workers: start one with: python manage.py rqworker"

    def get_queryset(self, request: HttpRequest) -> QuerySet[QueueHealth]:
        return super().get_queryset(request).filter(pk__in=access.readable_queues(request.user))

    def attach(self, request: HttpRequest, rows: list[Any]) -> None:
        samples = recent_samples()
        for row in rows:
            row.samples = samples.get(row.pk, [])

    @display(description="Queue", ordering="queue")
    def queue_link(self, obj: QueueHealth) -> SafeString:
        return show.link(reverse("admin:queues_queuehealth_change", args=[obj.pk]), show.queue_title(obj.queue))

    @display(description="Grade")
    def grade_badge(self, obj: QueueHealth) -> SafeString:
        return graded(obj)

    @display(description="Score, last hour")
    def score_line(self, obj: Any) -> SafeString:
        return sparkline([s.score for s in obj.samples], title="Score over the last hour", top=100) or show.NONE

    @display(description="Depth, last hour")
    def depth_line(self, obj: Any) -> SafeString:
        rows = obj.samples
        title = f"Depth over the last hour, at most {max((s.depth for s in rows), default=0):,}"
        return sparkline([s.depth for s in rows], title=title) or show.NONE

    @display(description="Reasons")
    def why(self, obj: QueueHealth) -> SafeString:
        return reasons(obj.reasons)

    @display(description="Finished")
    def finished(self, obj: QueueHealth) -> SafeString:
        return format_html(
            '{} succeeded<span class="rm-sub">{} dead, {} cancelled</span>',
            f"{obj.succeeded:,}", f"{obj.dead:,}", f"{obj.cancelled:,}",
        )  # fmt: skip

    @display(description="Last run")
    def last_run(self, obj: QueueHealth) -> SafeString:
        return show.when(obj.last_run_at)

    @display(description="Last success")
    def last_success(self, obj: QueueHealth) -> SafeString:
        return show.when(obj.last_success_at)

    @display(description="Last failure")
    def last_failure(self, obj: QueueHealth) -> SafeString:
        if obj.last_failure_at is None:
            return show.NONE
        return format_html(
            '{}<span class="rm-sub rm-wrap">{}</span>', show.when(obj.last_failure_at), obj.last_error[:120]
        )

    @display(description="Sampled")
    def sampled(self, obj: QueueHealth) -> SafeString:
        return show.when(obj.sampled_at)

    @display(description="History")
    def history(self, obj: QueueHealth) -> SafeString:
        return show.link(
            f"{reverse('admin:queues_healthsample_changelist')}?queue={obj.pk}", "Every sample of this queue"
        )


@admin.register(HealthSample)
class HealthSampleAdmin(ReadOnlyAdmin):
    """The samples themselves."""

    list_display = (
        "at_time",
        "queue_title",
        "grade_badge",
        "depth",
        "running",
        "dead",
        "oldest_wait",
        "rate_per_min",
        "workers",
        "why",
    )
    list_display_links = None
    list_filter = (QueueFilter,)
    list_filter_submit = True
    list_per_page = 60
    paginator = CappedPaginator
    show_full_result_count = False
    sortable_by = ()
    ordering = ("-at",)
    empty_hint = "Health is sampled every 30 seconds by the workers: start one with: python manage.py rqworker"

    def get_queryset(self, request: HttpRequest) -> QuerySet[HealthSample]:
        return super().get_queryset(request).filter(queue__in=access.readable_queues(request.user))

    @display(description="At")
    def at_time(self, obj: HealthSample) -> SafeString:
        return show.when(obj.at)

    @display(description="Queue")
    def queue_title(self, obj: HealthSample) -> str:
        return show.queue_title(obj.queue)

    @display(description="Grade")
    def grade_badge(self, obj: HealthSample) -> SafeString:
        return graded(obj)

    @display(description="Oldest wait")
    def oldest_wait(self, obj: HealthSample) -> str | SafeString:
        return show.span(obj.oldest_wait_s) if obj.oldest_wait_s else show.NONE

    @display(description="Reasons")
    def why(self, obj: HealthSample) -> SafeString:
        return reasons(obj.reasons)
