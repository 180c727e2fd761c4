"""The bank's bookings: imported statements, and the lines that nobody could match, for people to say whose they are."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing.admin import bank_verbs, pieces
from billing.admin.documents import CurrencyFilter
from billing.admin.frame import MoneyAdmin
from billing.admin.pieces import figure
from billing.models import BankLine, BankStatement

UNMATCHED = BankLine.State.UNMATCHED


@admin.register(BankLine)
class BankLineAdmin(MoneyAdmin):
    """Bookings as the bank told them."""

    list_title = "Bank"
    list_display = ("booked", "payer_told", "amount_told", "text_told", "became")
    list_display_links = ("booked",)
    list_filter = ("state", CurrencyFilter)
    list_filter_submit = True
    list_select_related = ("payment__customer", "statement")
    list_before_template = "billing/bank_head.html"
    search_fields = ("reference", "payer", "text", "payment__customer__name")
    ordering = ("-booked_on", "-id")
    sortable_by = ("booked", "amount_told")
    fields = readonly_fields = ("booked", "amount_told", "payer", "text", "reference", "statement", "became")
    change_form_before_template = "billing/bank_line_head.html"
    empty_hint = "Import a statement of the bank’s: each booking is kept once, and matched with what it pays."
    empty_link = ("admin:billing_bankline_import", "Import a statement")

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        verbs = [
            path(f"<int:pk>/{verb}/", wrap(self.verb_view), {"verb": verb}, name=f"billing_bankline_{verb}")
            for verb in bank_verbs.VERBS
        ]
        return [path("import/", wrap(self.import_view), name="billing_bankline_import"), *verbs, *super().get_urls()]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        line = BankLine.objects.filter(
            state=UNMATCHED, pk=int(object_id) if object_id and object_id.isdigit() else 0
        ).first()
        return super().changeform_view(request, object_id, form_url, {"unmatched": line, **(extra_context or {})})

    def import_view(self, request: HttpRequest) -> HttpResponse:
        self.enter(request)
        return bank_verbs.import_file(self, request)

    def verb_view(self, request: HttpRequest, pk: int, verb: str) -> HttpResponse:
        return bank_verbs.VERBS[verb](self, request, self.found(request, pk))

    @display(description="Booked on", ordering="booked_on")
    def booked(self, obj: BankLine) -> SafeString:
        return figure(pieces.day(obj.booked_on))

    @display(description="From")
    def payer_told(self, obj: BankLine) -> str | SafeString:
        return obj.payer or pieces.NONE

    @display(description="Amount", ordering="amount_minor")
    def amount_told(self, obj: BankLine) -> SafeString:
        return pieces.cell(obj.amount_minor, obj.currency)

    @display(description="Text")
    def text_told(self, obj: BankLine) -> SafeString:
        return format_html('<span class="rm-wrap">{}</span>', obj.text[:140])

    @display(description="What became of it")
    def became(self, obj: BankLine) -> SafeString:
        if obj.payment is not None:
            return pieces.link(pieces.page_at("payment", obj.payment_id), f"Payment of {obj.payment.customer.name}")
        if obj.state == UNMATCHED:
            return format_html(
                '{} <a class="rm-link" href="{}">Assign…</a> <span class="rm-sub rm-wrap">{}</span>', pieces.badge("To be assigned", "warn"),
                reverse("admin:billing_bankline_assign", args=[obj.pk]), obj.problem,
            )  # fmt: skip
        return format_html('<span class="rm-none rm-wrap">{}</span>', obj.problem or "went out")


@admin.register(BankStatement)
class BankStatementAdmin(MoneyAdmin):
    """Imported files: the same contents are not imported twice."""

    list_title = "Bank statements"
    list_display = ("name", "form", "imported", "lines_told", "open_told")
    list_filter = ("form",)
    search_fields = ("name",)
    fields = readonly_fields = ("name", "form", "imported", "sha256")
    empty_hint = "Imported files of the bank’s are listed here."
    empty_link = ("admin:billing_bankline_import", "Import a statement")

    def get_queryset(self, request: HttpRequest) -> QuerySet[BankStatement]:
        rows: QuerySet[BankStatement] = super().get_queryset(request)
        return rows.annotate(n=Count("lines"), n_open=Count("lines", filter=Q(lines__state=UNMATCHED)))

    @display(description="Imported", ordering="imported_at")
    def imported(self, obj: BankStatement) -> SafeString:
        return pieces.when(obj.imported_at)

    @display(description="Bookings")
    def lines_told(self, obj: Any) -> str:
        return f"{obj.n:,}"

    @display(description="To be assigned")
    def open_told(self, obj: Any) -> str | SafeString:
        return f"{obj.n_open:,}" if obj.n_open else pieces.NONE
