"""Who owes what, and since when: the ageing of what is open, and each customer's account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import path

from billing.admin import charts, document_page, fields, pieces, statement_page
from billing.admin.frame import MoneyAdmin
from billing.models import Seller, Standing
from billing.selectors import ageing
from billing.selectors.sellers import today

LABELS = {
    "not_due": "Not due yet", "1_30": "1–30 days late", "31_60": "31–60 days", "61_90": "61–90 days", "over_90": "Over 90 days",
}  # fmt: skip
SHOWN = 100  # customers of a currency


class OnForm(forms.Form):
    on = fields.day(label="As of the end of", required=False)


@admin.register(Standing)
class StandingAdmin(MoneyAdmin):
    """Its list is the ageing page; a document's standing itself is on the document's page."""

    def get_urls(self) -> list[Any]:
        wrap, root = self.admin_site.admin_view, "customer/<int:pk>/"
        account = [
            path(root, wrap(self.statement_view), name="billing_standing_statement"),
            path(f"{root}pdf/", wrap(self.statement_pdf_view), name="billing_standing_statement_pdf"),
        ]
        return [*account, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self.enter(request)
        form = OnForm(request.GET or None)
        on = (form.cleaned_data["on"] if form.is_valid() else None) or today()
        seller = Seller.objects.first()
        home = seller.currency if seller else ""
        told = [
            _aged(each) for each in sorted(ageing.ageing(on), key=lambda each: (each.currency != home, each.currency))
        ]
        context = {
            "form": OnForm(initial={"on": on}) if not form.errors else form,
            "opts": None,
            "content_title": "Ageing",
            "on": on,
            "currencies": told,
            "labels": LABELS,
        }
        return self.shown(request, "billing/ageing.html", "Ageing", context)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """A standing has no page of its own: its document's tells it."""
        standing: Standing = self.found(request, object_id, "document")
        return document_page.lead_to(standing.document)

    def statement_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return statement_page.page(self, request, pk)

    def statement_pdf_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return statement_page.pdf(self, request, pk)


def _aged(each: ageing.Ageing) -> dict[str, Any]:
    """One currency, with its chart: a bar in the parts of its buckets."""
    parts = [
        (each.buckets[name], f"bi-age-{place}", f"{LABELS[name]}: {pieces.money(each.buckets[name], each.currency)}")
        for place, name in enumerate(ageing.BUCKETS)
        if each.buckets[name] > 0
    ]
    return {
        "row": each, "currency": each.currency, "open": sum(each.buckets.values()), "owe": sum(each.buckets.values()) - each.unapplied, "chart": charts.parts(parts),
        "buckets": _labelled(each.buckets), "customers": [(aged, _labelled(aged.buckets)) for aged in each.customers[:SHOWN]],
        "more": max(len(each.customers) - SHOWN, 0),
    }  # fmt: skip


def _labelled(buckets: Mapping[str, int]) -> list[tuple[str, int]]:
    return [(LABELS[name], buckets[name]) for name in ageing.BUCKETS]
