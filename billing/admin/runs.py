"""Billing runs: the list, and the doors to a run's preview and to its verbs."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from billing.admin import pieces, run_page, run_verbs, show
from billing.admin.frame import MoneyAdmin
from billing.models import BillingRun


@admin.register(BillingRun)
class BillingRunAdmin(MoneyAdmin):
    """Made by `billing.prepare_run`; its page is the preview."""

    list_title = "Billing runs"
    list_display = ("code", "state_badge", "through", "documents", "comes_to", "set_apart", "prepared", "approved")
    list_filter = ("state",)
    list_filter_submit = True
    search_fields = ("code",)
    ordering = ("-through", "-id")
    sortable_by = ("through",)
    list_before_template = "billing/runs_head.html"
    empty_hint = (
        "Prepare a run: it drafts a document for each period that is over, and shows them before anything is sent."
    )
    empty_link = ("admin:billing_billingrun_prepare", "Prepare a run")

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        verbs = [
            path(f"<int:pk>/{verb}/", wrap(getattr(self, f"{verb}_view")), name=f"billing_billingrun_{verb}")
            for verb in ("approve", "finalise", "collect", "files", "discard", "renew")
        ]
        of_items = [
            path("item/<int:pk>/send-back/", wrap(self.send_back_view), name="billing_billingrun_send_back"),
            path("item/<int:pk>/redraft/", wrap(self.redraft_view), name="billing_billingrun_redraft"),
        ]
        prepare = path("prepare/", wrap(self.prepare_view), name="billing_billingrun_prepare")
        return [prepare, *of_items, *verbs, *super().get_urls()]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        return run_page.preview(self, request, self.found(request, object_id))

    def prepare_view(self, request: HttpRequest) -> HttpResponse:
        return run_verbs.prepare(self, request)

    def renew_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return run_verbs.renew(self, request, self.found(request, pk))

    def approve_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return run_verbs.approve(self, request, self.found(request, pk))

    def finalise_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return run_verbs.finalise(self, request, self.found(request, pk))

    def collect_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return run_verbs.collect(self, request, self.found(request, pk))

    def files_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return run_verbs.files(self, request, self.found(request, pk))

    def discard_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return run_verbs.discard(self, request, self.found(request, pk))

    def send_back_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return run_verbs.send_back(self, request, pk)

    def redraft_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return run_verbs.redraft(self, request, pk)

    @display(description="State", ordering="state")
    def state_badge(self, obj: BillingRun) -> SafeString:
        return show.run_state(obj)

    @display(description="Documents")
    def documents(self, obj: BillingRun) -> str:
        return f"{obj.billed:,} of {obj.expected:,}"

    @display(description="Comes to")
    def comes_to(self, obj: BillingRun) -> SafeString:
        told = [(pieces.money(figures["gross"], currency),) for currency, figures in sorted(obj.totals.items())]
        return format_html_join(SafeString("<br>"), '<span class="rm-figure rm-amount">{}</span>', told) or pieces.NONE

    @display(description="Left out")
    def set_apart(self, obj: BillingRun) -> str | SafeString:
        return f"{obj.excluded:,}" if obj.excluded else pieces.NONE

    @display(description="Prepared")
    def prepared(self, obj: BillingRun) -> SafeString:
        return pieces.who_and_when(obj.prepared_by, obj.prepared_at)

    @display(description="Approved")
    def approved(self, obj: BillingRun) -> SafeString:
        return pieces.who_and_when(obj.approved_by, obj.approved_at)
