"""What webhooks were told: looked for, looked at with each try, and sent again."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin import display
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from queues.admin import access, confirm, show, webhook_filters
from queues.admin.base import PolicyAdmin
from queues.admin.paginator import CappedPaginator
from queues.admin.runs_bulk import action_again
from queues.admin.runs_filters import CreatedFilter
from queues.engine import webhook_reach
from queues.ledger import webhook_deliveries
from queues.models import WebhookDelivery

TONES = {"pending": "idle", "sending": "info", "delivered": "ok", "dead": "bad"}
ENDED = (WebhookDelivery.State.DELIVERED, WebhookDelivery.State.DEAD)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(PolicyAdmin):
    """Those of the webhooks that one sees. Written by queues.ledger.webhook_deliveries alone."""

    list_display = ("state_badge", "what", "webhook", "created", "attempts", "answer", "next")
    list_display_links = None
    list_filter = (
        webhook_filters.StateFilter, webhook_filters.WebhookFilter, webhook_filters.EventFilter, CreatedFilter
    )  # fmt: skip
    list_filter_submit = True
    list_per_page = 50
    list_select_related = ("endpoint",)
    list_before_template = "queues/runs_tabs.html"
    paginator = CappedPaginator
    show_full_result_count = False
    search_fields = ("=subject", "error")
    search_help_text = "The run’s id, error"
    sortable_by = ()
    ordering = ("-id",)
    actions: ClassVar[list[Any]] = ["replay_selected"]
    empty_hint = "A message appears here when something happens that a webhook wants to be told of."
    empty_link = ("admin:queues_webhookendpoint_changelist", "Go to the webhooks")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if not request.user.is_active or not getattr(request.user, "is_staff", False):
            return False
        if access.may_administer(request.user):
            return True
        if obj is None:
            return bool(access.subscribable_queues(request.user))
        return webhook_reach.webhooks(request.user).filter(pk=obj.endpoint_id).exists()

    has_change_permission = has_view_permission

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # the history's cleaning does that

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookDelivery]:
        seen = webhook_reach.webhooks(request.user).values("pk")
        return super().get_queryset(request).filter(endpoint__in=seen).defer("payload")

    def get_urls(self) -> list[Any]:
        replay = self.admin_site.admin_view(self.replay_view)
        return [path("<uuid:pk>/replay/", replay, name="queues_webhookdelivery_replay"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, {**(extra_context or {}), "title": "Webhook deliveries"})
        context = getattr(response, "context_data", None)
        if context and "cl" in context:
            context["state_tabs"] = webhook_filters.tabs(request, context["cl"])
        return response

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        row = self._one(request, object_id)
        request.current_app = self.admin_site.name  # type: ignore[attr-defined]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "title": str(row),
            "message": row,
            "state": self.state_badge(row),
            "next": self.next(row),
            "hook_url": reverse("admin:queues_webhookendpoint_change", args=[row.endpoint_id]),
            "run_url": show.run_url(row.subject) if row.event.startswith("run.") and row.subject else "",
            "replay_url": reverse("admin:queues_webhookdelivery_replay", args=[row.pk]) if row.state in ENDED else "",
            "tries": list(row.tries.all()),
            "payload": webhook_filters.pretty(row.payload),
        }
        return TemplateResponse(request, "queues/webhook_delivery.html", context)

    def replay_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        row = self._one(request, pk)
        back = HttpResponseRedirect(_url(row))
        form = confirm.WhyForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            why = form.cleaned_data["why"]
            rows = WebhookDelivery.objects.filter(pk=row.pk)
            if webhook_deliveries.replay(rows, actor=access.actor_of(request), why=why):
                messages.success(request, "It is sent again, under the same id.")
            else:
                messages.warning(request, "It is on its way already.")
            return back
        return confirm.page(
            request, self.admin_site, title=f"Send again: {row}", obj=row, form=form, submit="Send it again", cancel_url=back.url,
            question="It is sent again from the beginning, under the same id: a receiver that had it already knows it by that.",
        )  # fmt: skip

    @admin.action(description="Send the chosen ones again…")
    def replay_selected(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> HttpResponseBase | None:
        fitting = queryset.filter(state__in=ENDED)
        count, form = fitting.count(), confirm.WhyForm(request.POST if "sure" in request.POST else None)
        if not count:
            messages.warning(request, "Nothing to send again: those that were chosen are on their way.")
            return None
        if form.is_bound and form.is_valid():
            rows = WebhookDelivery.objects.filter(pk__in=list(fitting.values_list("pk", flat=True)[:1000]))
            done = webhook_deliveries.replay(rows, actor=access.actor_of(request), why=form.cleaned_data["why"])
            messages.success(request, f"{done:,} are sent again.")
            return None
        return confirm.page(
            request, self.admin_site, title=f"Send {min(count, 1000):,} again", form=form, submit="Send them again",
            question="They are sent again from the beginning, under the same ids. A thousand at a time at most.",
            cancel_url=request.get_full_path(), opts=self.opts, hidden=action_again(request, "replay_selected"),
        )  # fmt: skip

    @display(description="State")
    def state_badge(self, obj: WebhookDelivery) -> SafeString:
        badge = show.badge(WebhookDelivery.State(obj.state).label, TONES[obj.state])
        return show.link(_url(obj), badge, "rm-plain")

    @display(description="Event")
    def what(self, obj: WebhookDelivery) -> SafeString:
        return format_html(
            '<a class="rm-link" href="{}">{}</a><span class="rm-sub">{} {}</span>',
            _url(obj), obj.event, show.queue_title(obj.queue) if obj.queue else "", obj.subject[-12:],
        )  # fmt: skip

    @display(description="Webhook")
    def webhook(self, obj: WebhookDelivery) -> SafeString:
        return format_html('<span class="rm-wrap">{}</span>', obj.endpoint)

    @display(description="Created")
    def created(self, obj: WebhookDelivery) -> SafeString:
        return show.when(obj.created_at)

    @display(description="Last answer")
    def answer(self, obj: WebhookDelivery) -> SafeString:
        text = obj.error or (str(obj.status) if obj.status else "")
        return format_html('<span class="rm-wrap">{}</span>', text) if text else show.NONE

    @display(description="Sent next")
    def next(self, obj: WebhookDelivery) -> SafeString:
        return show.when(obj.next_at) if obj.state == WebhookDelivery.State.PENDING else show.NONE

    def _one(self, request: HttpRequest, pk: Any) -> WebhookDelivery:
        """Raises Http404, also for what is another's."""
        try:
            row = self.get_queryset(request).defer(None).select_related("endpoint").filter(pk=pk).first()
        except (ValidationError, ValueError):
            row = None
        if row is None or not self.has_view_permission(request, row):
            raise Http404("There is no such message.")
        return row


def _url(row: WebhookDelivery) -> str:
    return reverse("admin:queues_webhookdelivery_change", args=[row.pk])
