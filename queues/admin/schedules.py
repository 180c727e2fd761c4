"""Schedules: when a definition runs by itself. In words, with the next fires, paused with a reason."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin import display
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from queues import registry
from queues.admin import access, confirm, params_form, schedules_preview, show
from queues.admin.base import PolicyAdmin
from queues.admin.schedules_columns import ScheduleColumns
from queues.admin.schedules_form import ScheduleForm
from queues.errors import RoundsmanError, UnknownJob
from queues.models import Fire, JobDefinition, Run, Schedule
from queues.timetable import schedules as service
from queues.timetable.proof import OWN


@admin.register(Schedule)
class ScheduleAdmin(ScheduleColumns, PolicyAdmin):
    """Two steps to add one: which definition, then when."""

    list_display = ("name", "definition_link", "in_words", "next_fire", "last_fire", "status", "verb")
    list_filter = ("enabled", "kind")
    list_select_related = ("definition",)
    list_per_page = 50
    search_fields = ("name", "definition__name", "definition__job")
    search_help_text = "Name, definition, job"
    show_full_result_count = False
    actions = None
    readonly_fields = ("forecast", "told")
    # those who only read have no form, and so no `kind` to ask
    conditional_fields = {column: f"typeof kind === 'undefined' || kind == '{kind}'" for kind, column in OWN.items()}
    change_form_before_template = "queues/schedule_head.html"
    change_form_outer_after_template = "queues/schedule_fires.html"
    empty_hint = "A schedule runs a job definition by itself: by cron in a time zone, at an interval, or once."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Schedule]:
        rows = access.readable_schedules(super().get_queryset(request), request.user)
        fires = Fire.objects.filter(schedule=OuterRef("pk")).order_by("-fire_at")
        run_state = Run.objects.filter(pk=OuterRef("last_run_id")).values("state")
        return rows.annotate(
            last_run_id=Subquery(fires.values("run_id")[:1]),
            last_outcome=Subquery(fires.values("outcome")[:1]),
            last_at=Subquery(fires.values("fire_at")[:1]),
        ).annotate(last_run_state=Subquery(run_state[:1]))

    def attach(self, request: HttpRequest, rows: list[Any]) -> None:
        for row in rows:
            row.may_pause = access.may_operate(request.user, row)

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("preview/", wrap(self.preview_view), name="queues_schedule_preview"),
            path("<int:pk>/pause/", wrap(self.pause_view), name="queues_schedule_pause"),
            path("<int:pk>/resume/", wrap(self.resume_view), name="queues_schedule_resume"),
            *super().get_urls(),
        ]

    # --- the form ---

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied("Your roles do not let you schedule jobs.")
        definition = self._definition(request, None)
        if definition is None:
            return self._choose_definition(request)
        if not access.may_operate(request.user, definition):
            raise PermissionDenied(f"Your roles do not let you schedule {show.job_title(definition.job)}.")
        response: HttpResponse = super().add_view(request, form_url, extra_context)
        return response

    def get_form(self, request: HttpRequest, obj: Schedule | None = None, change: bool = False, **kwargs: Any) -> Any:
        definition = self._definition(request, obj)
        spec = _spec(definition)
        if spec is None:
            return super().get_form(request, obj, change, **kwargs)
        form = params_form.with_params(ScheduleForm, spec, partial=True)
        form.definition = definition
        return super().get_form(request, obj, change, **{**kwargs, "form": form})

    def get_fieldsets(self, request: HttpRequest, obj: Schedule | None = None) -> Any:
        spec = _spec(self._definition(request, obj))
        writable = obj is None or self.has_change_permission(request, obj)
        names = list(params_form.fields(spec.params, partial=True)) if spec is not None and writable else []
        when = ["cron", "interval_s", "run_at"] if obj is None or writable else [OWN[obj.kind]]
        return [
            (None, {"fields": ["name", "enabled"]}),
            (
                "When",
                {"fields": ["kind", *when, "timezone", "forecast" if writable else "told"]},
            ),
            ("If something is in the way", {"fields": ["misfire", "overlap", "starts_at", "ends_at"]}),
            *(
                [
                    (
                        "Parameters over the definition's",
                        {"fields": names, "description": "An empty field keeps the definition's value."},
                    )
                ]
                if names
                else []
            ),
        ]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        from django.utils import timezone

        definition = self._definition(request, None)
        given = super().get_changeform_initial_data(request)
        return {
            "name": definition.name if definition else "",
            "timezone": timezone.get_current_timezone_name(),
            **given,
        }

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        obj = self.get_object(request, object_id) if object_id else None
        extra: dict[str, Any] = {"definition": self._definition(request, obj), "schedule": obj}
        if obj is not None:
            fires = list(Fire.objects.filter(schedule=obj)[:20])
            states: dict[Any, str] = dict(
                Run.objects.filter(pk__in=[f.run_id for f in fires if f.run_id]).values_list("pk", "state")
            )
            extra |= {
                "fires": [(fire, states.get(fire.run_id, "")) for fire in fires],
                "may_change": self.has_change_permission(request, obj),
                "params_text": show.pretty(obj.params) if obj.params else "",
            }
        return super().changeform_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    def save_model(self, request: HttpRequest, obj: Schedule, form: Any, change: bool) -> None:
        service.save_schedule(obj, actor=access.actor_of(request))

    def delete_question(self, obj: Any) -> str:
        return "It fires no more and its fires are forgotten; the runs it started stay."

    def delete_with_reason(self, request: HttpRequest, obj: Any, why: str) -> None:
        service.delete_schedule(obj, actor=access.actor_of(request), why=why)

    @display(description="That means")
    def forecast(self, obj: Schedule | None = None) -> SafeString:
        """Words and fires; asked anew from the preview endpoint while somebody types."""
        return format_html(
            '<div id="schedule-preview" class="rm-preview" hx-post="{}" hx-include="closest form" hx-swap="innerHTML" '
            'hx-trigger="load, input delay:250ms from:closest form, change from:closest form" hx-sync="this:queue last">'
            "{}</div>",
            reverse("admin:queues_schedule_preview"),
            self.told(obj),
        )

    @display(description="That means")
    def told(self, obj: Schedule | None = None) -> SafeString:
        """The same for those who only read."""
        if obj is None or obj.pk is None:
            return SafeString("")
        return render_to_string("queues/schedule_preview.html", {"forecast": schedules_preview.forecast(obj)})

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_module_permission(request):
            raise PermissionDenied
        return schedules_preview.preview(request)

    # --- pause and resume ---

    def pause_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._deed(request, pk, "pause")

    def resume_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._deed(request, pk, "resume")

    def _deed(self, request: HttpRequest, pk: int, verb: str) -> HttpResponse:
        schedule = get_object_or_404(Schedule.objects.select_related("definition"), pk=pk)
        if not self.has_change_permission(request, schedule):
            raise PermissionDenied(f"Your roles do not let you {verb} this schedule.")
        back = reverse("admin:queues_schedule_change", args=[pk])
        asked = confirm.RequiredWhyForm if verb == "pause" else confirm.WhyForm
        form = asked(request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                act = service.pause_schedule if verb == "pause" else service.resume_schedule
                act(schedule, actor=access.actor_of(request), why=form.cleaned_data["why"])
            except (RoundsmanError, ValidationError) as refused:
                messages.warning(request, str(refused))
            else:
                messages.success(request, f"“{schedule.name}” is {verb}d.")
            return HttpResponseRedirect(back)
        question = (
            "It fires no more until somebody resumes it. Runs that are in the queue already still run."
            if verb == "pause"
            else "It fires again from its next time on. What passed meanwhile follows its rule for missed fires."
        )
        return confirm.page(
            request, self.admin_site, title=f"{verb.capitalize()} “{schedule.name}”", question=question, form=form,
            submit=f"{verb.capitalize()} the schedule", cancel_url=back, obj=schedule,
        )  # fmt: skip

    # --- the definition behind it ---

    def _definition(self, request: HttpRequest, obj: Schedule | None) -> JobDefinition | None:
        if obj is not None:
            return obj.definition
        asked = request.GET.get("definition", "")
        if not asked:
            return None
        found = JobDefinition.objects.filter(pk=asked).first() if asked.isdecimal() else None
        if found is None:
            raise Http404("There is no such job definition.")
        return found

    def _choose_definition(self, request: HttpRequest) -> TemplateResponse:
        jobs = access.operable_jobs(request.user)
        groups: dict[str, list[dict[str, str]]] = {}
        for definition in JobDefinition.objects.filter(job__in=jobs, enabled=True):
            groups.setdefault(show.queue_title(show.job_queue(definition.job)), []).append(
                {
                    "title": definition.name,
                    "text": definition.description or show.job_title(definition.job),
                    "url": "?" + urlencode({"definition": definition.pk}),
                    "name": definition.job,
                }
            )
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Which definition should run?",
            "groups": list(groups.items()),
            "nothing": "There is no job definition to schedule yet.",
            "nothing_link": reverse("admin:queues_jobdefinition_add"),
            "nothing_label": "Define a job first",
        }
        return TemplateResponse(request, "queues/choose.html", context)


def _spec(definition: JobDefinition | None) -> registry.JobSpec[Any] | None:
    try:
        return registry.get(definition.job) if definition is not None else None
    except UnknownJob:
        return None
