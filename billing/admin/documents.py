"""Invoices and credit notes: the list, with where each stands; a document's page and its verbs."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import F, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter

from billing.admin import (
    credit_verbs,
    document_files,
    document_page,
    document_verbs,
    note_verbs,
    overview,
    pay_verbs,
    pieces,
    show,
    write_off_verbs,
)
from billing.admin.frame import MoneyAdmin
from billing.models import Document
from billing.selectors.sellers import today

OWED = Q(standing__state__in=("open", "part_paid"), kind="invoice")
VERBS = {
    "credit": credit_verbs.credit,
    "void": credit_verbs.void,
    "write-off": write_off_verbs.write_off,
    "recover": write_off_verbs.recover,
    "pay": pay_verbs.for_invoice,
    "charge": document_verbs.charge,
    "promise": document_verbs.promise,
    "set-off": note_verbs.set_off,
    "pay-out": note_verbs.pay_out,
}


class StandingFilter(DropdownFilter):  # type: ignore[misc]
    title, parameter_name = "standing", "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("draft", "Draft"), ("owed", "Open"), ("overdue", "Overdue"), ("disputed", "Disputed"), ("paid", "Paid"),
            ("void", "Void"), ("uncollectible", "Uncollectible"),
        ]  # fmt: skip

    def queryset(self, request: HttpRequest, queryset: QuerySet[Document]) -> QuerySet[Document]:
        match self.value():
            case "draft":
                return queryset.filter(state="draft")
            case "owed":
                return queryset.filter(OWED)
            case "overdue":
                return queryset.filter(OWED, standing__due_date__lt=today())
            case "disputed":
                return queryset.filter(standing__disputed=True)
            case "paid" | "void" | "uncollectible" as state:
                return queryset.filter(standing__state=state)
        return queryset


class CurrencyFilter(DropdownFilter):  # type: ignore[misc]
    title, parameter_name = "currency", "currency"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        found = model_admin.model.objects.order_by("currency").values_list("currency", flat=True).distinct()
        return [(currency, currency) for currency in found]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(currency=self.value()) if self.value() else queryset


@admin.register(Document)
class DocumentAdmin(MoneyAdmin):
    """Drafts and final ones. A final one never changes: it is credited, and what becomes of it stands beside it."""

    list_display = ("what", "customer_name", "period_told", "issued", "gross", "left", "standing_badge")
    list_filter = (StandingFilter, "kind", CurrencyFilter, "run")
    list_filter_submit = True
    search_fields = ("=number", "customer__code", "customer__name", "contract__code")
    search_help_text = "Number, customer or contract"
    date_hierarchy = "issue_date"
    ordering = (F("finalised_at").desc(nulls_first=True), "-id")
    sortable_by = ("issued", "gross")
    empty_hint = "Documents are drafted by a billing run."
    empty_link = ("admin:billing_billingrun_changelist", "Go to the billing runs")

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        verbs = [
            path(
                f"<uuid:pk>/{verb}/",
                wrap(self.verb_view),
                {"verb": verb},
                name=f"billing_document_{verb.replace('-', '_')}",
            )
            for verb in VERBS
        ]
        own = [
            path("overview/", wrap(self.overview_view), name="billing_document_overview"),
            path("<uuid:pk>/file/<str:kind>/", wrap(self.file_view), name="billing_document_file"),
        ]
        return [*own, *verbs, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Document]:
        rows: QuerySet[Document] = super().get_queryset(request)
        return rows.select_related("customer", "standing", "contract")

    def attach(self, request: HttpRequest, rows: list[Any]) -> None:
        day = today()
        for row in rows:
            row.today = day

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        return document_page.page(self, request, self.found(request, object_id, *document_page.RELATED))

    def verb_view(self, request: HttpRequest, pk: Any, verb: str) -> HttpResponse:
        document = self.found(request, pk, *document_page.RELATED)
        if document.state != Document.State.FINAL:
            raise Http404("This is done to final documents: a draft is sent back in its run.")
        return VERBS[verb](self, request, document)

    def file_view(self, request: HttpRequest, pk: Any, kind: str) -> HttpResponse:
        return document_files.download(request, self.found(request, pk), kind)

    def overview_view(self, request: HttpRequest) -> HttpResponse:
        self.enter(request)
        return overview.page(self, request)

    @display(description="Document", ordering="number")
    def what(self, obj: Document) -> SafeString:
        kind = "" if obj.kind == Document.Kind.INVOICE else "credit note"
        return format_html('{} <span class="rm-sub">{}</span>', obj, kind)

    @display(description="Customer", ordering="customer__name")
    def customer_name(self, obj: Document) -> SafeString:
        return format_html('{} <span class="rm-sub">{}</span>', obj.customer.name, obj.contract or "")

    @display(description="Period", ordering="period_start")
    def period_told(self, obj: Document) -> str | SafeString:
        return pieces.period(obj.period_start, obj.period_end) or pieces.NONE

    @display(description="Issued", ordering="issue_date")
    def issued(self, obj: Document) -> str | SafeString:
        return pieces.day(obj.issue_date) or pieces.NONE

    @display(description="Gross", ordering="gross_minor")
    def gross(self, obj: Document) -> SafeString:
        return pieces.cell(obj.gross_minor, obj.currency)

    @display(description="To be paid")
    def left(self, obj: Document) -> SafeString:
        standing = getattr(obj, "standing", None)
        return pieces.cell(
            standing.balance_minor if standing and obj.kind == Document.Kind.INVOICE else 0, obj.currency
        )

    @display(description="Standing")
    def standing_badge(self, obj: Any) -> SafeString:
        standing = getattr(obj, "standing", None)
        return show.standing_state(standing, obj.today) if standing else pieces.badge("Draft", "idle")
