"""Payments: what came, what was asked for and how it ended; what each is set against, and what went back."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter

from billing.admin import payment_verbs, pieces, show
from billing.admin.documents import CurrencyFilter
from billing.admin.frame import MoneyAdmin
from billing.models import Allocation, Payment
from billing.selectors.free import FREE, free_of

VERBS = {"refund": payment_verbs.refund, "allocate": payment_verbs.allocate}


class UseFilter(DropdownFilter):  # type: ignore[misc]
    title, parameter_name = "use", "use"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("free", "With credit left"), ("refunded", "Refunded, in part or whole")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Payment]) -> QuerySet[Payment]:
        if self.value() == "free":
            return queryset.annotate(free=FREE).filter(state="succeeded", free__gt=0)
        return queryset.filter(refunded_minor__gt=0) if self.value() == "refunded" else queryset


@admin.register(Payment)
class PaymentAdmin(MoneyAdmin):
    """Recorded, imported or charged; never typed over."""

    list_display = ("made", "customer_name", "by", "amount_told", "free_told", "state_badge", "for_what")
    list_filter = ("state", "provider", UseFilter, CurrencyFilter)
    list_filter_submit = True
    search_fields = ("key", "reference", "customer__code", "customer__name", "document__number")
    search_help_text = "Key, reference, customer or document"
    ordering = ("-created_at", "-id")
    sortable_by = ("made", "amount_told")
    empty_hint = "Payments are recorded at an invoice, imported from the bank, or charged when a run is collected."
    empty_link = ("admin:billing_document_changelist", "Go to the documents")

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        verbs = [
            path(f"<uuid:pk>/{verb}/", wrap(self.verb_view), {"verb": verb}, name=f"billing_payment_{verb}")
            for verb in VERBS
        ]
        undo = path("allocation/<int:pk>/undo/", wrap(self.undo_view), name="billing_payment_undo")
        return [*verbs, undo, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Payment]:
        rows: QuerySet[Payment] = super().get_queryset(request)
        return rows.select_related("customer", "document", "method")

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        payment: Payment = self.found(request, object_id)
        free = free_of(payment)
        context = {
            "original": payment, "payment": payment, "badge": show.payment_state(payment),
            "allocations": payment.allocations.select_related("document"), "refunds": payment.refunds.all(),
            "disputes": payment.disputes.all(), "bank_line": getattr(payment, "bank_line", None), "free": free,
            "verbs": payment_verbs.verbs(payment),
        }  # fmt: skip
        title = f"Payment of {pieces.money(payment.amount_minor, payment.currency)}"
        return self.shown(request, "billing/payment.html", title, context)

    def name_of(self, row: Payment) -> str:
        came = pieces.day(row.received_on) or row.get_state_display().lower()
        return f"{pieces.money(row.amount_minor, row.currency)}, {came}"

    def verb_view(self, request: HttpRequest, pk: Any, verb: str) -> HttpResponse:
        return VERBS[verb](self, request, self.found(request, pk))

    def undo_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.enter(request)
        return payment_verbs.undo(
            self, request, Allocation.objects.filter(pk=pk).select_related("payment", "credit_note", "document").first()
        )

    @display(description="Received", ordering="created_at")
    def made(self, obj: Payment) -> SafeString:
        return format_html("{}", pieces.day(obj.received_on)) if obj.received_on else pieces.when(obj.created_at)

    @display(description="Customer")
    def customer_name(self, obj: Payment) -> SafeString:
        return format_html('{} <span class="rm-sub">{}</span>', obj.customer.name, obj.reference or obj.customer.code)

    @display(description="How", ordering="provider")
    def by(self, obj: Payment) -> str:
        return show.way(obj)

    @display(description="Amount", ordering="amount_minor")
    def amount_told(self, obj: Payment) -> SafeString:
        return pieces.cell(obj.amount_minor, obj.currency)

    @display(description="Credit left")
    def free_told(self, obj: Payment) -> SafeString:
        return pieces.cell(free_of(obj), obj.currency)

    @display(description="State", ordering="state")
    def state_badge(self, obj: Payment) -> SafeString:
        return show.payment_state(obj)

    @display(description="For")
    def for_what(self, obj: Payment) -> SafeString:
        return show.document_link(obj.document)
