"""Webhooks: made, changed, tested, paused, given a new secret, removed. A secret is shown once, by the answer that made it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin import display
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.cache import add_never_cache_headers
from django.utils.html import format_html
from django.utils.safestring import SafeString

from queues import catalogue
from queues.admin import access, show
from queues.admin.base import PolicyAdmin
from queues.admin.webhook_forms import WebhookForm
from queues.admin.webhook_verbs import VERBS, carry_out
from queues.engine import webhook_reach
from queues.ledger import webhook_endpoints
from queues.models import WebhookEndpoint

BADGES = {"on": ("On", "ok"), "paused": ("Paused", "idle"), "disabled": ("Switched off", "bad")}


@admin.register(WebhookEndpoint)
class WebhookAdmin(PolicyAdmin):
    """One's own, and everybody's for admins."""

    list_display = ("what", "state", "told", "reach", "owner_name", "health", "waiting", "lost")
    list_display_links = None
    list_per_page = 50
    search_fields = ("url", "description", "owner__username")
    search_help_text = "URL, description, owner"
    show_full_result_count = False
    sortable_by = ()
    actions = None
    empty_hint = "A webhook tells another system of runs and alerts as they happen. Make one here."

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if not request.user.is_active or not getattr(request.user, "is_staff", False):
            return False
        if obj is not None and obj.owner_id == request.user.pk:
            return True
        return access.may_administer(request.user) or (obj is None and bool(access.subscribable_queues(request.user)))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    has_change_permission = has_delete_permission = has_view_permission

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEndpoint]:
        return webhook_reach.with_counts(webhook_reach.webhooks(request.user))

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        verbs = [
            path(f"<uuid:pk>/{verb}/", wrap(self.verb_view), {"verb": verb}, name=f"queues_webhookendpoint_{verb}")
            for verb in VERBS
        ]
        return [*verbs, *super().get_urls()]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        row = None if object_id is None else self.one(request, object_id)
        if row is None and not self.has_add_permission(request):
            raise PermissionDenied("Your roles do not let you make webhooks.")
        form = WebhookForm(request.POST or None, user=request.user, row=row)
        if form.is_valid():
            asked = dict(form.cleaned_data)
            how: dict[str, Any] = {"by": request.user, "actor": access.actor_of(request), "why": asked.pop("why")}
            try:
                if row is None:
                    row = webhook_endpoints.make(asked.pop("owner", request.user), **asked, **how)
                    return self.told_once(request, row, "This is the new webhook’s secret")
                webhook_endpoints.change(row, asked, **how)
                messages.success(request, "Changed: it counts within two seconds.")
                return HttpResponseRedirect(url_of(row))
            except ValidationError as refused:
                form.add_error(None, refused)
        facts = {} if row is None else self._facts(request, row)
        title = "Make a webhook" if row is None else str(row)
        return self.page(
            request, "queues/webhook.html", title, form=form, hook=row, original=row, list_url=_list(), **facts
        )

    def verb_view(self, request: HttpRequest, pk: UUID, verb: str) -> HttpResponse:
        """The question, or the deed when it comes back answered."""
        return carry_out(self, request, self.one(request, pk), verb)

    def told_once(self, request: HttpRequest, row: WebhookEndpoint, title: str) -> HttpResponse:
        """The answer to the POST itself: nothing is put away for a page behind a redirect."""
        page = self.page(request, "queues/webhook_secret.html", title, hook=row, original=row, back_url=url_of(row))
        add_never_cache_headers(page)
        return page

    def one(self, request: HttpRequest, pk: Any) -> WebhookEndpoint:
        """Raises Http404, also for what is another's."""
        try:
            row = self.get_queryset(request).filter(pk=pk).first()
        except (ValidationError, ValueError):
            row = None
        if row is None:
            raise Http404("There is no such webhook.")
        if not self.has_view_permission(request, row):
            raise PermissionDenied("This webhook is not yours.")
        return row

    def page(self, request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
        request.current_app = self.admin_site.name  # type: ignore[attr-defined]
        frame = {**self.admin_site.each_context(request), "opts": self.opts, "title": title, "media": self.media}
        return TemplateResponse(request, template, {**frame, **context})

    def delete_question(self, obj: Any) -> str:
        return "Nothing more is sent to it, also what waits, and what it was told is seen no more. To stop it for a while, pause it."

    def delete_with_reason(self, request: HttpRequest, obj: Any, why: str) -> None:
        webhook_endpoints.delete(obj, actor=access.actor_of(request), why=why)

    def _facts(self, request: HttpRequest, row: WebhookEndpoint) -> dict[str, Any]:
        verbs = [
            (verb.label, reverse(f"admin:queues_webhookendpoint_{name}", args=[row.pk]))
            for name, verb in VERBS.items()
            if verb.fits(row)
        ]
        return {
            "state": self.state(row), "health": self.health(row), "verbs": verbs, "deliveries_url": _deliveries(row),
            "delete_url": reverse("admin:queues_webhookendpoint_delete", args=[row.pk]),
        }  # fmt: skip

    @display(description="Webhook")
    def what(self, obj: WebhookEndpoint) -> SafeString:
        where = obj.url.partition("?")[0]
        link = format_html('<a class="rm-link rm-wrap" href="{}">{}</a>', url_of(obj), obj.description or where)
        return _with_sub(link, where if obj.description else "")

    @display(description="State")
    def state(self, obj: WebhookEndpoint) -> SafeString:
        if obj.enabled and not obj.owner.is_active:
            return show.badge("Owner is off", "warn")
        label, tone = BADGES[webhook_reach.state_of(obj)]
        return show.badge(label, tone, obj.disabled_why)

    @display(description="Told of")
    def told(self, obj: WebhookEndpoint) -> SafeString:
        return format_html('<span class="rm-wrap">{}</span>', ", ".join(obj.events))

    @display(description="On")
    def reach(self, obj: WebhookEndpoint) -> SafeString:
        every = len(obj.queues) == len(catalogue.NAMES)
        on = "every queue" if every else ", ".join(map(show.queue_title, obj.queues))
        jobs = f"only {', '.join(map(show.job_title, obj.jobs))}" if obj.jobs else ""
        return _with_sub(format_html('<span class="rm-wrap">{}</span>', on), jobs)

    @display(description="Owner")
    def owner_name(self, obj: WebhookEndpoint) -> str:
        return str(obj.owner.get_username())

    @display(description="Health")
    def health(self, obj: WebhookEndpoint) -> SafeString:
        if obj.failing_since is not None:
            return format_html("<span>{} since {}</span>", show.badge("Failing", "bad"), show.when(obj.failing_since))
        if obj.last_success_at is None:
            return show.faint("nothing sent yet")
        return format_html("<span>{} {}</span>", show.badge("Arrives", "ok"), show.when(obj.last_success_at))

    @display(description="Waiting")
    def waiting(self, obj: Any) -> SafeString | str:
        return show.link(_deliveries(obj, "pending"), f"{obj.pending:,}") if obj.pending else show.faint("0")

    @display(description="Dead")
    def lost(self, obj: Any) -> SafeString | str:
        return show.link(_deliveries(obj, "dead"), f"{obj.dead:,}", "rm-late") if obj.dead else show.faint("0")


def _with_sub(text: SafeString, below: str) -> SafeString:
    """With a smaller line below, where there is one."""
    return format_html('{}<span class="rm-sub rm-wrap">{}</span>', text, below) if below else text


def url_of(row: WebhookEndpoint) -> str:
    return reverse("admin:queues_webhookendpoint_change", args=[row.pk])


def _list() -> str:
    return reverse("admin:queues_webhookendpoint_changelist")


def _deliveries(row: WebhookEndpoint, state: str = "") -> str:
    query = f"?webhook={row.pk}" + (f"&state={state}" if state else "")
    return reverse("admin:queues_webhookdelivery_changelist") + query
