"""The journal, to be read: every entry, by account, posting, customer and day, with the totals of what is shown."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter, RangeDateFilter

from billing.admin import pieces, show
from billing.admin.documents import CurrencyFilter
from billing.admin.frame import MoneyAdmin
from billing.admin.pieces import figure
from billing.models import Entry
from billing.selectors import journal


class AccountFilter(DropdownFilter):  # type: ignore[misc]
    """Entries that debit or credit it."""

    title, parameter_name = "account", "account"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in journal.names()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Entry]) -> QuerySet[Entry]:
        name = self.value()
        return queryset.filter(Q(debit=name) | Q(credit=name)) if name else queryset


@admin.register(Entry)
class EntryAdmin(MoneyAdmin):
    """Added to by the services of billing, and never changed."""

    list_title = "Journal"
    list_display = ("booked", "posting", "debit", "credit", "amount_told", "customer", "document_told")
    list_display_links = ("posting",)
    list_filter = (("booked_on", RangeDateFilter), AccountFilter, CurrencyFilter)
    list_filter_submit = True
    list_before_template = "billing/journal_head.html"
    list_select_related = ("customer", "document")
    search_fields = ("posting", "customer__code", "customer__name", "document__number", "words")
    search_help_text = "Posting, customer or document"
    ordering = ("-id",)
    sortable_by = ("booked", "amount_told")
    fields = readonly_fields = (
        "booked", "at_told", "posting", "part", "debit", "credit", "amount_told", "customer", "document_told", "words",
    )  # fmt: skip
    empty_hint = "Entries are written when documents are made final, and when money comes or goes."

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        answer: HttpResponse = super().changelist_view(request, extra_context)
        context: Any = getattr(answer, "context_data", None)
        if context and "cl" in context:
            context["sums"] = journal.sums(context["cl"].queryset)
        return answer

    @display(description="Booked on", ordering="booked_on")
    def booked(self, obj: Entry) -> SafeString:
        return figure(pieces.day(obj.booked_on))

    @display(description="Written")
    def at_told(self, obj: Entry) -> SafeString:
        return pieces.when(obj.at)

    @display(description="Amount", ordering="amount_minor")
    def amount_told(self, obj: Entry) -> SafeString:
        return pieces.cell(obj.amount_minor, obj.currency)

    @display(description="Document")
    def document_told(self, obj: Entry) -> SafeString:
        return show.document_link(obj.document)
