"""Runs: looked for, looked at, cancelled and retried. Read only otherwise; the ledger is their only writer."""

from __future__ import annotations

import re
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from queues import registry
from queues.admin import access, dashboard, runs_bulk, runs_page, runs_progress, runs_retry, runs_reuse, show
from queues.admin.base import PolicyAdmin
from queues.admin.paginator import capped_count, count_text
from queues.admin.runs_filters import (
    DefinitionFilter,
    JobFilter,
    QueueFilter,
    RunCreatedFilter,
    StateFilter,
)
from queues.admin.runs_pages import RunsPaginator, strands
from queues.ledger import clock
from queues.models import Run

HEX = re.compile(r"^[0-9a-f-]{4,36}$", re.IGNORECASE)


@admin.register(Run)
class RunAdmin(PolicyAdmin):
    """See the module's docstring."""

    list_display = (
        "state_badge",
        "run",
        "definition_link",
        "queue_name",
        "created",
        "waited",
        "took",
        "attempts",
        "progress",
    )
    list_display_links = None
    list_filter = (StateFilter, QueueFilter, JobFilter, DefinitionFilter, RunCreatedFilter)
    list_filter_submit = True
    list_select_related = ("definition",)
    list_per_page = 50
    list_before_template = "queues/runs_tabs.html"
    paginator = RunsPaginator
    show_full_result_count = False
    search_fields = ("job", "definition__name", "error_message", "dedupe_key", "concurrency_key")
    search_help_text = "Id, job, definition, error, key"
    ordering = ("-id",)
    sortable_by = ("created", "queue_name")
    actions: ClassVar[list[Any]] = ["retry_selected", "cancel_selected"]
    empty_hint = "A run appears here when a definition is run now, a schedule fires, or a client asks for a job."
    empty_link = ("admin:queues_jobdefinition_changelist", "Go to the job definitions")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Bulk actions need it; the fields themselves are nobody's to change."""
        return bool(access.operable_queues(request.user)) if obj is None else access.may_operate(request.user, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        """Every state is named, so that the index by state, queue and job finds what there is of a queue or a job."""
        return (
            super()
            .get_queryset(request)
            .filter(queue__in=access.readable_queues(request.user), state__in=Run.State.values)
            .defer("error_detail", "result", "params", "packed")
        )

    def get_paginator(self, request: HttpRequest, queryset: QuerySet[Run], per_page: int, *args: Any) -> RunsPaginator:
        return RunsPaginator(queryset, per_page, *args, strands=strands(request))

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("dashboard/", wrap(dashboard.live), name="queues_dashboard_live"),
            path("retry-dead/", wrap(self.retry_dead_view), name="queues_run_retry_dead"),
            path("<uuid:run_id>/live/", wrap(self.live_view), name="queues_run_live"),
            path("<uuid:run_id>/progress/", wrap(self.progress_view), name="queues_run_progress"),
            path("<uuid:run_id>/cancel/", wrap(self.cancel_view), name="queues_run_cancel"),
            path("<uuid:run_id>/retry/", wrap(self.retry_view), name="queues_run_retry"),
            path("<uuid:run_id>/anew/", wrap(self.anew_view), name="queues_run_anew"),
            *super().get_urls(),
        ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Run], search_term: str
    ) -> tuple[QuerySet[Run], bool]:
        """Also by a job's title and by an id or a part of one."""
        term = search_term.strip()
        if len(term) == 36 and HEX.match(term):
            try:
                return queryset.filter(pk=UUID(term)), False
            except ValueError:
                pass
        found, duplicates = super().get_search_results(request, queryset, search_term)
        titled = [spec.name for spec in registry.specs() if term and term.lower() in spec.title.lower()]
        more = Q(job__in=titled)
        if HEX.match(term):
            more |= Q(pk__icontains=term)
        return found | queryset.filter(more), duplicates

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, {**(extra_context or {}), "title": "Runs"})
        context = getattr(response, "context_data", None)
        if context and "cl" in context:
            context["state_tabs"] = _tabs(request, context["cl"])
            context["retry_dead_url"] = _retry_dead_url(request, context["cl"])
        return response

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        return runs_page.detail(self, request, object_id)

    def retry_dead_view(self, request: HttpRequest) -> HttpResponseBase:
        return runs_retry.all_dead(self, request)

    def live_view(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        return runs_page.live(self, request, str(run_id))

    def progress_view(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        return runs_progress.progress(self, request, str(run_id))

    def cancel_view(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        return runs_page.deed(self, request, str(run_id), "cancel")

    def retry_view(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        return runs_page.deed(self, request, str(run_id), "retry")

    def anew_view(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        return runs_reuse.anew(self, request, runs_page.run_of(self, request, str(run_id)))

    @admin.action(description="Retry", permissions=["change"])
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[Run]) -> HttpResponseBase | None:
        return runs_retry.selected(self, request, queryset)

    @admin.action(description="Cancel", permissions=["change"])
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Run]) -> HttpResponseBase | None:
        return runs_bulk.cancel_selected(self, request, queryset)

    @display(description="State")
    def state_badge(self, run: Run) -> SafeString:
        return show.link(show.run_url(run.pk), show.state(run.state), "rm-plain")

    @display(description="Job")
    def run(self, run: Run) -> SafeString:
        return format_html(
            '<a class="rm-link" href="{}">{}</a><span class="rm-sub">{}</span>',
            show.run_url(run.pk), show.job_title(run.job), str(run.pk)[-12:],
        )  # fmt: skip

    @display(description="Definition")
    def definition_link(self, run: Run) -> SafeString:
        if run.definition is None:
            return show.NONE
        return show.link(show.maybe_url("admin:queues_jobdefinition_change", run.definition_id), run.definition.name)

    @display(description="Queue", ordering="queue")
    def queue_name(self, run: Run) -> str:
        return show.queue_title(run.queue)

    @display(description="Created", ordering="id")
    def created(self, run: Run) -> SafeString:
        return show.when(run.created_at)

    @display(description="Wait")
    def waited(self, run: Run) -> SafeString:
        if run.state == Run.State.SCHEDULED:
            return format_html('<span class="rm-sub rm-due">due {}</span>', show.when(run.due_at))
        begun = run.started_at or run.claimed_at or run.finished_at
        return _figure(show.lasted(run.due_at, begun or clock.now()))

    @display(description="Took")
    def took(self, run: Run) -> SafeString:
        end = run.finished_at or (clock.now() if run.state == Run.State.RUNNING else None)
        return _figure(show.lasted(run.started_at or run.claimed_at, end))

    @display(description="Attempt")
    def attempts(self, run: Run) -> SafeString:
        return _figure(f"{run.attempt} of {run.max_attempts}")

    @display(description="Progress")
    def progress(self, run: Run) -> SafeString:
        if run.state == Run.State.SUCCEEDED:
            return show.NONE  # the state says it
        return show.meter(run.progress_done, run.progress_total, run.progress_note)


def _figure(text: str) -> SafeString:
    return format_html('<span class="rm-figure">{}</span>', text) if text else show.NONE


def _retry_dead_url(request: HttpRequest, changelist: Any) -> str:
    """Where to retry all dead runs under the present filters; nowhere where there is none, or it is not theirs to do."""
    shown = request.GET.get("state") == Run.State.DEAD and changelist.result_count
    if not shown or not access.operable_queues(request.user):
        return ""
    return f"{reverse('admin:queues_run_retry_dead')}{changelist.get_query_string({}, ['p', 'e', 'o'])}"


def _tabs(request: HttpRequest, changelist: Any) -> list[dict[str, Any]]:
    """All and each state with the count under the other filters; each a link that keeps them."""
    rows = changelist.get_queryset(request, exclude_parameters=["state"])
    chosen = request.GET.get("state", "")
    tabs = [("All", "", rows)]
    tabs += [
        (str(label).removesuffix(" letter"), value, rows.filter(state=value)) for value, label in Run.State.choices
    ]
    return [
        {
            "label": label,
            # a search reads every row: once for the list is enough
            "count": "" if changelist.query else count_text(capped_count(found)),
            "active": value == chosen,
            "url": changelist.get_query_string({"state": value}, ["p", "e"])
            if value
            else changelist.get_query_string({}, ["p", "e", "state"]),
        }
        for label, value, found in tabs
    ]
