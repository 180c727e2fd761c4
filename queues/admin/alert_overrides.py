"""Lines and mutes: what is said of an alert rule, on one queue or on all. For admins alone."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin import display
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from unfold import widgets as unfold

from queues import catalogue
from queues.admin import access, show
from queues.admin.base import PolicyAdmin
from queues.admin.params_fields import native
from queues.ledger import clock
from queues.models import AlertOverride
from queues.watch import alert_overrides
from queues.watch.alert_rules import BY_NAME, RULES, Lines, Rule, lines_of, shown

WHAT = ("rule", "queue")
EVERYWHERE = "Every queue without a word of its own, or the whole house"


def lines_in_words(rule: Rule, lines: Lines) -> str:
    """ "warning over 5 s, critical over 10 s" """
    side = "under" if rule.below else "over"
    told = [("warning", lines.warning), ("critical", lines.critical)]
    return ", ".join(f"{level} {side} {shown(line, rule.unit)}" for level, line in told if line is not None)


def url_of(rule: str, queue: str, row: AlertOverride | None) -> str:
    """Where to say something of a rule on a queue: the row there is, else a new one."""
    if row is not None:
        return reverse("admin:queues_alertoverride_change", args=[row.pk])
    return f"{reverse('admin:queues_alertoverride_add')}?{urlencode({'rule': rule, 'queue': queue})}"


class OverrideForm(forms.ModelForm):  # type: ignore[type-arg]
    """About which rule and where, other lines, and perhaps silence. What it is about stays as it was written."""

    rule = forms.ChoiceField(
        choices=[(r.name, f"{r.title}: {lines_in_words(r, lines_of(r))}") for r in RULES],
        widget=unfold.UnfoldAdminSelectWidget(),
    )
    queue = forms.ChoiceField(
        choices=[("", EVERYWHERE), *((name, catalogue.get(name).title) for name in catalogue.NAMES)],
        required=False,
        widget=unfold.UnfoldAdminSelectWidget(),
    )
    muted_until = forms.DateTimeField(
        required=False,
        widget=native("datetime-local"),
        help_text="Until then alerts are shown, and nobody is told. Empty: not muted.",
    )

    class Meta:
        model = AlertOverride
        fields = (*WHAT, "warning", "critical", "muted_until", "reason")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        about = {name: cleaned.get(name, getattr(self.instance, name)) for name in WHAT}
        said = {name: cleaned.get(name) for name in ("warning", "critical", "muted_until")}
        if not self.errors:
            alert_overrides.prove(AlertOverride(**about, **said, reason=cleaned["reason"]))
        return cleaned


@admin.register(AlertOverride)
class AlertOverrideAdmin(PolicyAdmin):
    """There is a row only where staff said something; for all others the shipped lines hold."""

    form = OverrideForm
    list_display = ("title", "place", "lines", "mute", "reason")
    list_display_links = ("title",)
    list_per_page = 50
    list_after_template = "queues/alert_rules.html"
    show_full_result_count = False
    sortable_by = ()
    actions = None
    empty_hint = (
        "The lines are as shipped. Write another here for a rule, on one queue or on all; or mute it for a while."
    )
    fieldsets = (
        (
            None,
            {
                "fields": (*WHAT, "warning", "critical", "muted_until", "reason"),
                "description": "What is said of a queue goes before what is said of all. In force at the next look, within "
                "15 seconds.",
            },
        ),
    )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_view_permission(request)) and access.may_administer(request.user)

    has_change_permission = has_delete_permission = has_view_permission

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        held = alert_overrides.in_force()
        told = [
            (rule, lines_in_words(rule, held.lines(rule, "")), url_of(rule.name, "", held.rows.get((rule.name, ""))))
            for rule in RULES
        ]
        return super().changelist_view(request, {**(extra_context or {}), "title": "Lines and mutes", "told": told})

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else WHAT

    def save_model(self, request: HttpRequest, obj: AlertOverride, form: Any, change: bool) -> None:
        alert_overrides.save_override(obj, actor=access.actor_of(request))

    def delete_question(self, obj: Any) -> str:
        return "What is said of every queue, or what is shipped, holds again at the next look."

    def delete_with_reason(self, request: HttpRequest, obj: Any, why: str) -> None:
        alert_overrides.delete_override(obj, actor=access.actor_of(request), why=why)

    @display(description="Rule")
    def title(self, obj: AlertOverride) -> str:
        rule = BY_NAME.get(obj.rule)
        return rule.title if rule else obj.rule

    @display(description="Where")
    def place(self, obj: AlertOverride) -> str:
        if obj.queue:
            return show.queue_title(obj.queue)
        rule = BY_NAME.get(obj.rule)
        return "Every other queue" if rule is None or rule.per_queue else "The whole house"

    @display(description="Lines")
    def lines(self, obj: AlertOverride) -> str | SafeString:
        rule = BY_NAME.get(obj.rule)
        told = lines_in_words(rule, Lines(obj.warning, obj.critical)) if rule else ""
        return told or show.faint("as shipped")

    @display(description="Muted until")
    def mute(self, obj: AlertOverride) -> SafeString:
        return show.when(obj.muted_until) if obj.mutes(clock.now()) else show.NONE
