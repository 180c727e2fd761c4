"""Job definitions: what staff define, with the job's parameters as a form, and "run now"."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import display
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from queues import catalogue, registry
from queues.admin import access, params_form, run_now, show
from queues.admin.base import PolicyAdmin
from queues.admin.definitions_form import OVERRIDES, DefinitionForm
from queues.engine import control
from queues.errors import UnknownJob
from queues.models import JobDefinition, Run, Schedule


@admin.register(JobDefinition)
class JobDefinitionAdmin(PolicyAdmin):
    """Two steps to add one: which job, then its parameters."""

    list_display = ("name", "job_and_queue", "on", "last_run", "schedule_count", "run_count", "run_link")
    list_filter = ("enabled",)
    search_fields = ("name", "job", "description")
    search_help_text = "Name, job, description"
    list_per_page = 50
    show_full_result_count = False
    actions = None
    change_form_before_template = "queues/definition_head.html"
    change_form_outer_after_template = "queues/definition_runs.html"
    empty_hint = "A definition names a job with its parameters; then it can be run now or put on a schedule."

    def get_queryset(self, request: HttpRequest) -> QuerySet[JobDefinition]:
        rows = access.readable_definitions(super().get_queryset(request), request.user)
        runs = Run.objects.filter(definition=OuterRef("pk")).order_by("-id")
        return rows.annotate(
            last_run_id=Subquery(runs.values("pk")[:1]),
            last_run_state=Subquery(runs.values("state")[:1]),
            last_run_at=Subquery(runs.values("created_at")[:1]),
            runs_counted=Coalesce(Subquery(_count(Run.objects.filter(definition=OuterRef("pk")))), 0),
            schedules_counted=Coalesce(Subquery(_count(Schedule.objects.filter(definition=OuterRef("pk")))), 0),
        )

    def attach(self, request: HttpRequest, rows: list[Any]) -> None:
        for row in rows:
            row.may_run = access.may_operate(request.user, row)

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.run_view)
        return [path("<int:pk>/run/", view, name="queues_jobdefinition_run"), *super().get_urls()]

    # --- the form ---

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied("Your roles do not let you define jobs.")
        if request.GET.get("job") not in access.operable_jobs(request.user):
            return self._choose_job(request)
        response: HttpResponse = super().add_view(request, form_url, extra_context)
        return response

    def get_form(
        self, request: HttpRequest, obj: JobDefinition | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        spec = self._spec(request, obj)
        if spec is not None:
            kwargs["form"] = params_form.with_params(DefinitionForm, spec)
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: JobDefinition | None = None) -> Any:
        spec = self._spec(request, obj)
        names = list(params_form.fields(spec.params)) if spec is not None else []
        if obj is not None and not self.has_change_permission(request, obj):
            names = []  # a reader sees them as text, above the form
        return [
            (None, {"fields": ["name", "description", "enabled"]}),
            *([("Parameters", {"fields": names})] if names else []),
            ("Rules", {"fields": ["unique", *OVERRIDES], "description": self._rules_text(spec)}),
        ]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        spec = self._spec(request, None)
        given = super().get_changeform_initial_data(request)
        return {**({"name": spec.title, **params_form.initial(spec.params, {})} if spec else {}), **given}

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        obj = JobDefinition.objects.filter(pk=object_id).first() if object_id and object_id.isdecimal() else None
        spec = self._spec(request, obj)
        extra = {
            "spec": spec,
            "definition": obj,
            "queue_title": show.queue_title(spec.queue) if spec else "",
            "params_text": show.pretty(obj.params) if obj else "",
            "may_run": obj is not None and access.may_operate(request.user, obj),
            "may_schedule": obj is not None and access.may_operate(request.user, obj),
            "recent_runs": list(
                Run.objects.filter(definition=obj).defer("error_detail", "result", "params", "packed")[:10]
            )
            if obj
            else [],
            "schedules": list(obj.schedules.all()) if obj else [],
        }
        return super().changeform_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    def save_model(self, request: HttpRequest, obj: JobDefinition, form: Any, change: bool) -> None:
        control.save_definition(obj, actor=access.actor_of(request))

    def delete_question(self, obj: Any) -> str:
        schedules = obj.schedules.count()
        also = (
            f" Its {schedules} schedules go with it."
            if schedules > 1
            else " Its schedule goes with it."
            if schedules
            else ""
        )
        return f"The definition is removed for good; its runs and their history stay.{also}"

    def delete_with_reason(self, request: HttpRequest, obj: Any, why: str) -> None:
        control.delete_definition(obj, actor=access.actor_of(request), why=why)

    # --- run now ---

    def run_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return run_now.view(self, request, pk)

    def response_add(
        self, request: HttpRequest, obj: JobDefinition, post_url_continue: str | None = None
    ) -> HttpResponse:
        if "_continue" in request.POST or "_addanother" in request.POST:
            answer: HttpResponse = super().response_add(request, obj, post_url_continue)
            return answer
        messages.success(request, format_html("“{}” is defined. Run it now, or put it on a schedule.", obj.name))
        return HttpResponseRedirect(reverse("admin:queues_jobdefinition_change", args=[obj.pk]))

    # --- the list ---

    @display(description="Job", ordering="job")
    def job_and_queue(self, obj: JobDefinition) -> SafeString:
        return format_html(
            '{}<span class="rm-sub">{}</span>', show.job_title(obj.job), show.queue_title(show.job_queue(obj.job))
        )

    @display(description="Enabled", boolean=True, ordering="enabled")
    def on(self, obj: JobDefinition) -> bool:
        return obj.enabled

    @display(description="Last run")
    def last_run(self, obj: Any) -> SafeString:
        if obj.last_run_id is None:
            return show.faint("never")
        return format_html(
            '{}<span class="rm-sub">{}</span>',
            show.link(show.run_url(obj.last_run_id), show.state(obj.last_run_state), "rm-plain"),
            show.when(obj.last_run_at),
        )

    @display(description="Schedules")
    def schedule_count(self, obj: Any) -> SafeString:
        return _counted(obj.schedules_counted, "admin:queues_schedule_changelist", f"definition__id__exact={obj.pk}")

    @display(description="Runs")
    def run_count(self, obj: Any) -> SafeString:
        return _counted(obj.runs_counted, "admin:queues_run_changelist", f"definition={obj.pk}")

    @display(description="")
    def run_link(self, obj: Any) -> SafeString:
        if not obj.enabled or not obj.may_run:
            return format_html('<span class="rm-none">{}</span>', "" if obj.enabled else "off")
        return show.link(reverse("admin:queues_jobdefinition_run", args=[obj.pk]), "Run now", "rm-btn rm-small")

    # --- the job behind it ---

    def _spec(self, request: HttpRequest, obj: JobDefinition | None) -> registry.JobSpec[Any] | None:
        return self._spec_of(obj.job if obj is not None else request.GET.get("job", ""))

    def _spec_of(self, name: str) -> registry.JobSpec[Any] | None:
        try:
            return registry.get(name)
        except UnknownJob:
            return None

    def _rules_text(self, spec: registry.JobSpec[Any] | None) -> str:
        if spec is None:
            return "Empty means: as the job declares."
        return (
            f"Empty means as the job declares: {show.span(spec.timeout_s)} at most, {spec.max_attempts} attempts, "
            f"priority {spec.priority}, results {_reused_text(spec.cache_ttl_s)}, finished runs kept for "
            f"{spec.retention_days} days."
        )

    def _choose_job(self, request: HttpRequest) -> TemplateResponse:
        mine = access.operable_jobs(request.user)
        groups = []
        for queue in catalogue.CATALOGUE:
            specs = [spec for spec in registry.specs() if spec.name in mine and show.job_queue(spec.name) == queue.name]
            choices = [
                {"title": s.title, "text": s.description, "url": f"?job={s.name}", "name": s.name} for s in specs
            ]
            if choices:
                groups.append((queue.title, choices))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Which job should it run?",
            "groups": groups,
            "nothing": "No job is declared on the queues that your roles reach.",
        }
        return TemplateResponse(request, "queues/choose.html", context)


def _reused_text(ttl_s: float | None) -> str:
    return f"reused for {show.span(ttl_s)}" if ttl_s else "not reused"


def _count(rows: QuerySet[Any]) -> Any:
    return rows.order_by().values("definition").annotate(n=Count("pk")).values("n")


def _counted(number: int, name: str, query: str) -> SafeString:
    if not number:
        return show.faint("0")
    return show.link(f"{reverse(name)}?{query}", f"{number:,}")
