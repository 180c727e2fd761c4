"""Queues: what is in force, what staff put over it; and the buttons to pause, drain, resume and clean them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from queues import catalogue
from queues.admin import access, queues_clean, queues_deeds, show
from queues.admin.base import PolicyAdmin
from queues.admin.queues_facts import Facts, drain_left, status_badge
from queues.engine import queue_verbs
from queues.ledger import switches
from queues.ledger.queue_settings import QueueSettings, as_set, effective
from queues.models import Queue
from queues.models.queue import Executor
from queues.watch import allowed

FIELDS = queue_verbs.OVERRIDES


class QueueForm(forms.ModelForm):  # type: ignore[type-arg]
    """The overrides; an empty one puts the default back."""

    class Meta:
        model = Queue
        fields = FIELDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        plain = as_set(self.instance.name) if self.instance.pk else None
        for name in FIELDS if plain else ():
            field: Any = self.fields.get(name)
            if field is None or name == "enabled":
                continue
            default = getattr(plain, name) or "none"
            if name == "executor":
                default = Executor(default).label
                field.choices = [("", f"Default: {default}"), *Executor.choices]
            field.help_text = f"{HELP.get(name, '')}Empty: {default}, from the environment or the catalogue."
            field.widget.attrs["placeholder"] = str(default)

    def clean_rate_limit(self) -> str:
        return queue_verbs.prove_rate(self.cleaned_data["rate_limit"])


HELP = {"executor": "Where its runs execute. "}


@admin.register(Queue)
class QueueAdmin(PolicyAdmin):
    """The rows are made from the catalogue; nobody adds or removes one here."""

    form = QueueForm
    list_display = ("name_and_rank", "status", "waiting", "running", "workers", "slots", "limits", "health", "verbs")
    list_display_links = None
    actions = None
    ordering = ("position",)
    sortable_by = ()
    fieldsets = (
        (
            None,
            {
                "fields": FIELDS,
                "description": "An empty field means: as the environment or the catalogue says.",
            },
        ),
    )
    list_before_template = "queues/queues_head.html"
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
            path("all/pause/", wrap(self.all_view), {"verb": "pause"}, name="queues_queue_pause_all"),
            path("all/resume/", wrap(self.all_view), {"verb": "resume"}, name="queues_queue_resume_all"),
            path("<slug:name>/clean/", wrap(self.clean_view), name="queues_queue_clean"),
            *(
                path(f"<slug:name>/{verb}/", wrap(self.verb_view), {"verb": verb}, name=f"queues_queue_{verb}")
                for verb in queues_deeds.DEEDS
            ),
            *super().get_urls(),
        ]

    def attach(self, request: HttpRequest, rows: list[Any]) -> None:
        facts, may = Facts.gather(), access.may_administer(request.user)
        for row in rows:
            row.facts, row.in_force, row.may_steer = facts, effective(row), may

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(
            request,
            {
                "may_steer": access.may_administer(request.user),
                "plain": not switches.on("optimization"),
                "all_off": not switches.on("queues"),
                **(extra_context or {}),
            },
        )

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        queue = self.get_object(request, object_id) if object_id else None
        in_force = effective(queue) if queue else None
        extra = {
            "queue": queue,
            "in_force": in_force,
            "status": status_badge(in_force, brief=True) if in_force else "",
            "executor": Executor(in_force.executor).label if in_force else "",
            "allowed": allowed.of_queue(queue.pk) if queue and catalogue.get(queue.pk).limited else {},
            "drain_left": drain_left(in_force) if in_force and in_force.draining else None,
            "buttons": _buttons(queue, in_force) if in_force and access.may_administer(request.user) else "",
        }
        return super().changeform_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    def save_model(self, request: HttpRequest, obj: Queue, form: Any, change: bool) -> None:
        queue_verbs.save_queue(obj, actor=access.actor_of(request))

    def verb_view(self, request: HttpRequest, name: str, verb: str) -> HttpResponse:
        return queues_deeds.one(self, request, name, verb)

    def all_view(self, request: HttpRequest, verb: str) -> HttpResponse:
        return queues_deeds.every(self, request, verb)

    def clean_view(self, request: HttpRequest, name: str) -> HttpResponse:
        return queues_clean.view(self, request, name)

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
        lines = [rate]
        if obj.executor or in_force.executor != Executor.THREADS:
            lines.append(_overridden(Executor(in_force.executor).label.lower(), bool(obj.executor)))
        subs = format_html_join("", '<span class="rm-sub">{}</span>', ((line,) for line in lines))
        return format_html("{}{}", memory, subs)

    @display(description="Health")
    def health(self, obj: Any) -> SafeString:
        found = obj.facts.health.get(obj.pk)
        return show.grade(found.grade, found.score) if found else show.NONE

    @display(description="")
    def verbs(self, obj: Any) -> SafeString:
        return _buttons(obj, obj.in_force, "rm-small") if obj.may_steer else SafeString("")


def _buttons(queue: Any, in_force: QueueSettings, size: str = "") -> SafeString:
    """A button for each verb that makes sense now; each leads to its question."""
    links = [
        (reverse(f"admin:queues_queue_{verb}", args=[queue.pk]), _LOOK.get(verb, ""), verb.capitalize())
        for verb in queues_deeds.verbs_for(in_force)
    ]
    row = format_html_join(
        "", '<a class="rm-btn {} {}" href="{}">{}</a>', ((size, css, url, text) for url, css, text in links)
    )
    return format_html('<span class="rm-buttons">{}</span>', row)


_LOOK = {"resume": "rm-primary", "clean": "rm-danger-text"}


def _overridden(text: str, own: bool) -> SafeString:
    if not own:
        return format_html('<span class="rm-figure">{}</span>', text)
    return format_html('<b class="rm-figure" title="Set here, over the default">{}*</b>', text)


def _runs_link(queue: str, state: str, number: int) -> SafeString:
    if not number:
        return show.faint("0")
    return show.link(f"{reverse('admin:queues_run_changelist')}?queue={queue}&state={state}", f"{number:,}")
