"""How errors are judged: what is in force and what it decided lately; rules of staff are written and taken back. Admins."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import VERTICAL
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.http import urlencode
from unfold import widgets as unfold

from queues.admin import access
from queues.admin import error_rules_rows as told
from queues.admin.base import PolicyAdmin
from queues.ledger import clock, error_rules
from queues.ledger.error_counts import lately
from queues.models import ErrorRule

HOW = [
    (True, "Permanent: a dead letter at once"),
    (False, "Transient: tried again"),
]


class JudgeForm(forms.Form):
    """Which errors, and how they are judged."""

    error_type = forms.CharField(
        label="Error",
        max_length=200,
        widget=unfold.UnfoldAdminTextInputWidget(),
        help_text="The class's own name, as a run shows it: ConnectTimeout. Exception stands for all that is not known.",
    )
    error_code = forms.CharField(
        label="Code",
        max_length=64,
        required=False,
        widget=unfold.UnfoldAdminTextInputWidget(),
        help_text="Its own code or its HTTP status (429), or a family of them (4xx). Empty: every code.",
    )
    permanent = forms.TypedChoiceField(
        label="It is",
        choices=HOW,
        coerce=lambda value: value == "True",
        widget=unfold.UnfoldAdminRadioSelectWidget(radio_style=VERTICAL),
        error_messages={"required": "Say whether another attempt could help."},
    )
    note = forms.CharField(
        max_length=300,
        required=False,
        widget=unfold.UnfoldAdminTextInputWidget(),
        help_text="For those who read the rule later.",
    )
    why = forms.CharField(
        label="Why now",
        max_length=300,
        required=False,
        widget=unfold.UnfoldAdminTextInputWidget(),
        help_text="Kept in the audit log.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if "error_type" in cleaned and "error_code" in cleaned:
            error_rules.prove(cleaned["error_type"], cleaned["error_code"])
        return cleaned


@admin.register(ErrorRule)
class ErrorRuleAdmin(PolicyAdmin):
    """The list shows what is shipped as well, and what failed lately under no rule. One form writes any rule."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_view_permission(request)) and access.may_administer(request.user)

    has_change_permission = has_delete_permission = has_view_permission

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("judge/", wrap(self.judge_view), name="queues_errorrule_judge"),
            path("preview/", wrap(self.preview_view), name="queues_errorrule_preview"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self._require(request)
        words, tab = request.GET.get("q", ""), request.GET.get("tab", "used")
        counted = lately(clock.now())
        rows = told.rows(error_rules.read(), ErrorRule.objects.all(), counted)
        fitting = [row for row in rows if told.matches(row, words)]
        tabs = [
            {
                "label": label,
                "count": sum(told.in_tab(row, name) for row in fitting),
                "active": name == tab,
                "url": "?" + urlencode({"tab": name, **({"q": words} if words else {})}),
            }
            for name, label in told.TABS.items()
        ]
        shown = [row for row in fitting if told.in_tab(row, tab)]
        return self._page(
            request, "queues/error_rules.html", "Error rules", rows=shown, state_tabs=tabs, q=words, tab=tab, counted=counted
        )  # fmt: skip

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """One form for all: of a rule that is there, with its words in it."""
        self._require(request)
        rule = self.get_object(request, object_id) if object_id else None
        if object_id and rule is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        name = {"error_type": rule.error_type, "error_code": rule.error_code} if rule else told.given(request.GET)
        return HttpResponseRedirect(f"{reverse('admin:queues_errorrule_judge')}?{urlencode(name)}")

    def judge_view(self, request: HttpRequest) -> HttpResponse:
        """The form about an error: what stands in it is the rule there is, or what the link says."""
        self._require(request)
        initial = told.given(request.GET)
        key = initial.get("error_type", ""), initial.get("error_code", "")
        rule = ErrorRule.objects.filter(error_type=key[0], error_code=key[1]).first()
        if rule is not None:
            initial = {"permanent": str(rule.permanent), "note": rule.note, **initial}
        form = JudgeForm(request.POST or None, initial=initial)
        if form.is_valid():
            try:
                saved, _ = error_rules.save_rule(**form.cleaned_data, actor=access.actor_of(request))
            except ValidationError as refused:
                form.add_error(None, refused)
            else:
                word = "permanent" if saved.permanent else "transient"
                messages.success(request, f"{saved} is {word} from now on: on every worker within five seconds.")
                return HttpResponseRedirect(_list())
        return self._page(
            request, "queues/error_rule_form.html", "How is this error judged?", form=form, rule=rule, cancel_url=_list(),
            lines=self._forecast(initial) if not form.is_bound else [],
        )  # fmt: skip

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """What the rule in the form would change, while it is being typed. Nothing is stored."""
        self._require(request)
        return TemplateResponse(request, "queues/error_rule_preview.html", {"lines": self._forecast(request.POST)})

    def delete_question(self, obj: Any) -> str:
        after = told.without(error_rules.read(), (obj.error_type, obj.error_code))
        if after.source == "unknown":
            return "What the error says of itself, or a rule for one of its base classes, decides again; else it is transient."  # fmt: skip
        return f"Then it is {'permanent' if after.permanent else 'transient'} again, by {after.by}, unless the error says otherwise itself."  # fmt: skip

    def delete_with_reason(self, request: HttpRequest, obj: Any, why: str) -> None:
        error_rules.delete_rule(obj, actor=access.actor_of(request), why=why)

    def _forecast(self, given: Any) -> list[str]:
        key = str(given.get("error_type", "")).strip(), str(given.get("error_code", "")).strip()
        try:
            error_rules.prove(*key)
        except ValidationError as wrong:
            return [message for message in wrong.messages if key[0]]
        if given.get("permanent") not in ("True", "False"):
            return []
        return told.forecast(error_rules.read(), lately(clock.now()), key, given["permanent"] == "True")

    def _require(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied("How errors are judged is for admins.")

    def _page(self, request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
        request.current_app = self.admin_site.name  # type: ignore[attr-defined]
        frame = {**self.admin_site.each_context(request), "opts": self.opts, "title": title, "media": self.media}
        return TemplateResponse(request, template, {**frame, **context})


def _list() -> str:
    return reverse("admin:queues_errorrule_changelist")
