"""Queues: what is in force, what staff put over it, paused and resumed with a reason."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import display
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from queues.admin import access, confirm, show
from queues.admin.base import PolicyAdmin
from queues.admin.queues_facts import Facts, status_badge
from queues.engine import control
from queues.errors import WrongState
from queues.ledger.queue_settings import effective
from queues.models import Queue

OVERRIDES = ("concurrency", "memory_limit_mb", "rate_limit")


class QueueForm(forms.ModelForm):  # type: ignore[type-arg]
    """The overrides; an empty one puts the default back."""

    class Meta:
        model = Queue
        fields = ("enabled", *OVERRIDES)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        plain = effective(Queue(name=self.instance.name)) if self.instance.pk else None
        for name in OVERRIDES if plain else ():
            if name in self.fields:
                default = getattr(plain, name) or "none"
                self.fields[name].help_text = f"Empty: {default}, from the environment or the catalogue."
                self.fields[name].widget.attrs["placeholder"] = str(default)


@admin.register(Queue)
class QueueAdmin(PolicyAdmin):
    """The rows are made from the catalogue; nobody adds or removes one here."""

    form = QueueForm
    list_display = ("name_and_rank", "status", "waiting", "running", "workers", "slots", "limits", "health", "verb")
    list_display_links = None
    actions = None
    ordering = ("position",)
    sortable_by = ()
    fieldsets = (
        (
            None,
            {
                "fields": ("enabled", *OVERRIDES),
                "description": "An empty field means: as the environment or the catalogue says.",
            },
        ),
    )
    change_form_before_template = "queues/queue_head.html"
    empty_hint = "Queues appear when a worker starts, or by: manage.py migrate and manage.py rqworker."

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request) and (obj is None or obj.pk in access.readable_queues(request.user))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access.may_administer(request.user)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Queue]:
        return super().get_queryset(request).filter(pk__in=access.readable_queues(request.user))

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("<slug:name>/pause/", wrap(self.pause_view), name="queues_queue_pause"),
            path("<slug:name>/resume/", wrap(self.resume_view), name="queues_queue_resume"),
            *super().get_urls(),
        ]

    def attach(self, request: HttpRequest, rows: list[Any]) -> None:
        facts, may = Facts.gather(), access.may_administer(request.user)
        for row in rows:
            row.facts, row.in_force, row.may_pause = facts, effective(row), may

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        queue = self.get_object(request, object_id) if object_id else None
        extra = {
            "queue": queue,
            "in_force": effective(queue) if queue else None,
            "may_pause": access.may_administer(request.user),
        }
        return super().changeform_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    def save_model(self, request: HttpRequest, obj: Queue, form: Any, change: bool) -> None:
        control.save_queue(obj, actor=access.actor_of(request))

    def pause_view(self, request: HttpRequest, name: str) -> HttpResponse:
        return self._deed(request, name, "pause")

    def resume_view(self, request: HttpRequest, name: str) -> HttpResponse:
        return self._deed(request, name, "resume")

    def _deed(self, request: HttpRequest, name: str, verb: str) -> HttpResponse:
        queue = get_object_or_404(Queue, pk=name)
        if not access.may_administer(request.user):
            raise PermissionDenied(f"Your roles do not let you {verb} queues.")
        back = reverse("admin:queues_queue_changelist")
        form = (confirm.PauseForm if verb == "pause" else confirm.WhyForm)(request.POST or None)
        if form.is_valid():
            actor, why = access.actor_of(request), form.cleaned_data["why"]
            try:
                if verb == "pause":
                    control.pause_queue(name, actor=actor, why=why, until=form.cleaned_data["until"])
                else:
                    control.resume_queue(name, actor=actor, why=why)
                messages.success(request, f"{queue.title} is {verb}d.")
                return HttpResponseRedirect(back)
            except WrongState as refused:
                form.add_error(None, str(refused))
        question = (
            "Workers take nothing more from it; what runs now goes on, what waits stays, and jobs can still be asked for."
            if verb == "pause"
            else "Workers take from it again at once."
        )
        return confirm.page(
            request, self.admin_site, title=f"{verb.capitalize()} {queue.title}", question=question, form=form,
            submit=f"{verb.capitalize()} the queue", cancel_url=back, obj=queue,
        )  # fmt: skip

    # --- the list ---

    @display(description="Queue")
    def name_and_rank(self, obj: Any) -> SafeString:
        url = reverse("admin:queues_queue_change", args=[obj.pk])
        return format_html(
            '<a class="rm-link" href="{}">{}</a><span class="rm-sub">{}, {} priority</span>',
            url,
            obj.title,
            obj.pk,
            obj.in_force.rank,
        )

    @display(description="Status")
    def status(self, obj: Any) -> SafeString:
        return status_badge(obj.in_force)

    @display(description="Waiting")
    def waiting(self, obj: Any) -> SafeString:
        return _runs_link(obj.pk, "pending", obj.facts.counts.get((obj.pk, "pending"), 0))

    @display(description="Running")
    def running(self, obj: Any) -> SafeString:
        return _runs_link(obj.pk, "running", obj.facts.counts.get((obj.pk, "running"), 0))

    @display(description="Workers")
    def workers(self, obj: Any) -> int:
        return int(obj.facts.workers.get(obj.pk, 0))

    @display(description="Slots")
    def slots(self, obj: Any) -> SafeString:
        return _overridden(str(obj.in_force.concurrency), obj.concurrency is not None)

    @display(description="Limits")
    def limits(self, obj: Any) -> SafeString:
        in_force = obj.in_force
        memory = _overridden(f"{in_force.memory_limit_mb} MB", obj.memory_limit_mb is not None)
        rate = _overridden(in_force.rate_limit or "no rate limit", bool(obj.rate_limit))
        return format_html('{}<span class="rm-sub">{}</span>', memory, rate)

    @display(description="Health")
    def health(self, obj: Any) -> SafeString:
        found = obj.facts.health.get(obj.pk)
        return show.grade(found.grade, found.score) if found else show.NONE

    @display(description="")
    def verb(self, obj: Any) -> SafeString:
        if not obj.may_pause:
            return SafeString("")
        verb = "resume" if obj.in_force.paused else "pause"
        return show.link(reverse(f"admin:queues_queue_{verb}", args=[obj.pk]), verb.capitalize(), "rm-btn rm-small")


def _overridden(text: str, own: bool) -> SafeString:
    if not own:
        return format_html('<span class="rm-figure">{}</span>', text)
    return format_html('<b class="rm-figure" title="Set here, over the default">{}*</b>', text)


def _runs_link(queue: str, state: str, number: int) -> SafeString:
    if not number:
        return show.faint("0")
    return show.link(f"{reverse('admin:queues_run_changelist')}?queue={queue}&state={state}", f"{number:,}")
