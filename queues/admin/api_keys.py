"""API keys of machines: made, given a new secret, revoked. The whole key is shown once, by the answer that made it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import display
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.cache import add_never_cache_headers
from django.utils.safestring import SafeString
from unfold import widgets as unfold

from queues import catalogue
from queues.admin import access, confirm, show
from queues.admin.base import PolicyAdmin
from queues.admin.params_fields import native
from queues.errors import WrongState
from queues.ledger import api_keys, clock
from queues.models import ApiKey
from queues.policy import Action

WORDS = {
    Action.READ: "Read runs, definitions and schedules",
    Action.ENQUEUE: "Run, cancel, retry, define and schedule jobs",
    Action.SUBSCRIBE: "Make webhooks of its owner’s, and see them",
    Action.STATS: "Read the figures of all queues together",
    Action.ADMINISTER: "Administer queues",
    Action.AUDIT: "Read the audit log",
}


class KeyForm(forms.Form):
    """Whose key, what for, and how far it reaches."""

    name = forms.CharField(
        max_length=120,
        widget=unfold.UnfoldAdminTextInputWidget(attrs={"autofocus": True}),
        help_text="Which machine it is for: “Depot gate, weighing”.",
    )
    owner = forms.ModelChoiceField(
        queryset=User.objects.filter(is_active=True).order_by("username"),
        widget=unfold.UnfoldAdminSelectWidget(),
        help_text="The key never reaches further than this account's roles, as they are at each request.",
    )
    actions = forms.MultipleChoiceField(
        choices=[(action.value, words) for action, words in WORDS.items()],
        widget=unfold.UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text="To administer the whole (pause all, retry failed, error rules) takes every queue.",
    )
    queues = forms.MultipleChoiceField(
        label="On the queues",
        required=False,
        choices=[(name, catalogue.get(name).title) for name in catalogue.NAMES],
        widget=unfold.UnfoldAdminCheckboxSelectMultipleWidget(),
    )
    expires_at = forms.DateTimeField(
        label="Expires", required=False, widget=native("datetime-local"), help_text="Empty: when it is revoked."
    )
    why = forms.CharField(
        label="Why",
        max_length=300,
        required=False,
        widget=unfold.UnfoldAdminTextInputWidget(),
        help_text="Kept in the audit log.",
    )


@admin.register(ApiKey)
class ApiKeyAdmin(PolicyAdmin):
    """For administrators. A key is not changed: its scopes are what whoever holds it was told."""

    list_display = ("name", "shown", "owner", "reach", "used", "ends", "state")
    list_display_links = ("name",)
    list_select_related = ("owner",)
    list_per_page = 50
    search_fields = ("name", "prefix", "owner__username")
    search_help_text = "Name, prefix, owner"
    show_full_result_count = False
    sortable_by = ()
    actions = None
    empty_hint = "Machines sign in with a key of their own instead of somebody's password. Make one here."

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_view_permission(request)) and access.may_administer(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # the audit log names them: revoke them instead

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        verbs = [
            path(f"<int:pk>/{verb}/", wrap(self.verb_view), {"verb": verb}, name=f"queues_apikey_{verb}")
            for verb in ("rotate", "revoke")
        ]
        return [*verbs, *super().get_urls()]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        self._require(request)
        if object_id is not None:
            return self._one(request, object_id)
        form = KeyForm(request.POST or None)
        if form.is_valid():
            asked = dict(form.cleaned_data)
            try:
                key, text = api_keys.make(
                    asked.pop("name"), asked.pop("owner"), actor=access.actor_of(request), **asked
                )
            except ValidationError as refused:
                form.add_error(None, refused)
            else:
                return self._told_once(request, key, text, "This is the new key")
        return self._page(request, "queues/api_key_form.html", "Make an API key", form=form, cancel_url=_list())

    def verb_view(self, request: HttpRequest, pk: int, verb: str) -> HttpResponse:
        """The question, or the deed when it comes back answered."""
        self._require(request)
        key = self._key(pk)
        form = confirm.RequiredWhyForm(request.POST or None)
        if form.is_valid():
            how: dict[str, Any] = {"actor": access.actor_of(request), "why": form.cleaned_data["why"]}
            try:
                if verb == "rotate":
                    return self._told_once(request, key, api_keys.rotate(key, **how), "This is the new secret")
                api_keys.revoke(key, **how)
                messages.success(request, f"{key} is revoked: it is refused from its next request on.")
                return HttpResponseRedirect(_list())
            except WrongState as refused:
                form.add_error(None, str(refused))
        rotating = verb == "rotate"
        return confirm.page(
            request, self.admin_site, title=f"{'New secret for' if rotating else 'Revoke'} “{key.name}”", form=form, obj=key,
            question="The secret it has now is refused from the next request on. To change over without a gap, make a second "
            "key and revoke this one afterwards." if rotating else "It is refused from its next request on, for ever.",
            submit="Make a new secret" if rotating else "Revoke it", danger=True, cancel_url=_of(key),
        )  # fmt: skip

    def _one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        key = self._key(object_id)
        facts = {"reach": self.reach(key), "state": self.state(key), "live": key.is_live(clock.now())}
        words = [WORDS[Action(each)] for each in key.actions if each in set(Action)]
        titles = [show.queue_title(each) for each in key.queues]
        return self._page(
            request, "queues/api_key.html", str(key), key=key, original=key, words=words, titles=titles, **facts
        )

    def _told_once(self, request: HttpRequest, key: ApiKey, text: str, title: str) -> HttpResponse:
        """The answer to the POST itself: nothing is put away for a page behind a redirect."""
        page = self._page(request, "queues/api_key_secret.html", title, key=key, text=text, list_url=_list())
        add_never_cache_headers(page)
        return page

    def _key(self, pk: Any) -> ApiKey:
        found = ApiKey.objects.select_related("owner").filter(pk=pk).first() if str(pk).isdecimal() else None
        if found is None:
            raise Http404("There is no such API key.")
        return found

    def _require(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied("API keys are for admins.")

    def _page(self, request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
        request.current_app = self.admin_site.name  # type: ignore[attr-defined]
        frame = {**self.admin_site.each_context(request), "opts": self.opts, "title": title, "media": self.media}
        return TemplateResponse(request, template, {**frame, **context})

    @display(description="Key")
    def shown(self, obj: ApiKey) -> str:
        return f"rm_{obj.prefix}_…"

    @display(description="May")
    def reach(self, obj: ApiKey) -> str:
        on = "every queue" if len(obj.queues) == len(catalogue.NAMES) else ", ".join(map(show.queue_title, obj.queues))
        return f"{', '.join(obj.actions)}{' on ' if on else ''}{on}"

    @display(description="Last used")
    def used(self, obj: ApiKey) -> SafeString:
        return show.when(obj.last_used_at) if obj.last_used_at else show.faint("never")

    @display(description="Expires")
    def ends(self, obj: ApiKey) -> SafeString:
        return show.when(obj.expires_at) if obj.expires_at else show.faint("never")

    @display(description="State")
    def state(self, obj: ApiKey) -> SafeString:
        if obj.revoked_at is not None:
            return show.badge("Revoked", "bad")
        if not obj.is_live(clock.now()):
            return show.badge("Expired", "idle")
        return show.badge("Live", "ok") if obj.owner.is_active else show.badge("Owner is off", "warn")


def _list() -> str:
    return reverse("admin:queues_apikey_changelist")


def _of(key: ApiKey) -> str:
    return reverse("admin:queues_apikey_change", args=[key.pk])
