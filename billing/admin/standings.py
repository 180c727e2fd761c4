"""Who owes what, and since when: the ageing of what is open, and each customer's account."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path

from billing.admin import charts, document_page, fields, pieces
from billing.admin.frame import MoneyAdmin
from billing.models import Customer, Seller, Standing
from billing.selectors import ageing, statement
from billing.selectors.sellers import today

LABELS = {
    "not_due": "Not due yet", "1_30": "1–30 days late", "31_60": "31–60 days", "61_90": "61–90 days", "over_90": "Over 90 days",
}  # fmt: skip
SHOWN = 100  # customers of a currency


class OnForm(forms.Form):
    on = fields.day(label="As of the end of", required=False)


class BetweenForm(forms.Form):
    currency = fields.choice(label="Currency", required=False)
    since = fields.day(label="From", required=False)
    until = fields.day(label="To", required=False)


@admin.register(Standing)
class StandingAdmin(MoneyAdmin):
    """Its list is the ageing page; a document's standing itself is on the document's page."""

    def get_urls(self) -> list[Any]:
        account = path(
            "customer/<int:pk>/", self.admin_site.admin_view(self.statement_view), name="billing_standing_statement"
        )
        return [account, *super().get_urls()]

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
        self.enter(request)
        customer = Customer.objects.filter(pk=pk).first()
        if customer is None:
            raise Http404("There is no such customer.")
        currencies = statement.currencies(customer)
        day = today()
        form = BetweenForm(request.GET or None)
        form.fields["currency"].choices = [(each, each) for each in currencies]  # type: ignore[attr-defined]
        given = form.cleaned_data if form.is_valid() else {}
        since = given.get("since") or day.replace(day=1) - timedelta(days=365)
        until = given.get("until") or day
        currency = given.get("currency") or (currencies[0] if currencies else "")
        told = statement.statement(customer, currency, since, until) if currency else None
        filled = {"currency": currency, "since": since, "until": until}
        shown = form if form.errors else BetweenForm(initial=filled)
        shown.fields["currency"].choices = [(each, each) for each in currencies]  # type: ignore[attr-defined]
        context = {"customer": customer, "statement": told, "form": shown, "opts": None, "until": until}
        context["content_title"] = f"Account of {customer.name}"
        return self.shown(request, "billing/statement.html", f"Account of {customer.name}", context)


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
