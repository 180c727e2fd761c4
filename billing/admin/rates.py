"""Taxes by place, the fuel index, rates of exchange, holidays."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import Count
from django.http import HttpRequest
from django.utils.safestring import SafeString

from billing.admin import pieces
from billing.admin.base import BillingAdmin, BillingInline
from billing.models import ExchangeRate, FuelIndex, Holiday, HolidayCalendar, Jurisdiction, TaxRate
from billing.money import told


@admin.register(Jurisdiction)
class JurisdictionAdmin(BillingAdmin):
    list_display = ("code", "title", "rounding", "rates_count")
    list_display_links = ("code", "title")
    search_fields = ("code", "title")
    change_form_outer_after_template = "billing/jurisdiction_rates.html"
    empty_hint = "Where contracts are taxed, and how tax is rounded there."
    fields = ("code", "title", "rounding")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(rate_count=Count("rates"))

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        row = self.get_object(request, object_id) if object_id else None
        extra: dict[str, Any] = {}
        if row is not None and self.has_view_permission(request, row):
            rates = [
                (each, pieces.page_of(each), _days(each)) for each in row.rates.order_by("tax_class", "-valid_from")
            ]
            extra = {
                "place": row,
                "rates": rates,
                "add_url": pieces.url("taxrate_add", query=f"jurisdiction={row.pk}"),
            }
        return super().changeform_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    @display(description="Rates")
    def rates_count(self, obj: Any) -> str | SafeString:
        return f"{obj.rate_count:,}" if obj.rate_count else pieces.badge("None", "warn")


@admin.register(TaxRate)
class TaxRateAdmin(BillingAdmin):
    list_display = ("place", "tax_class", "category", "percent", "valid", "reason")
    list_display_links = ("place",)
    list_select_related = ("jurisdiction",)
    list_filter = ("jurisdiction", "tax_class", "category")
    search_fields = ("jurisdiction__code", "jurisdiction__title", "tax_class")
    empty_hint = "Which rate is in force where, from which day on."
    fields = ("jurisdiction", "tax_class", "category", "rate", "reason", ("valid_from", "valid_until"))

    @display(description="Where", ordering="jurisdiction__code")
    def place(self, obj: TaxRate) -> str:
        return obj.jurisdiction.title

    @display(description="Rate", ordering="rate")
    def percent(self, obj: TaxRate) -> SafeString:
        return pieces.figure(f"{obj.rate.normalize():f} %")

    @display(description="Valid", ordering="valid_from")
    def valid(self, obj: TaxRate) -> str:
        return _days(obj)


@admin.register(FuelIndex)
class FuelIndexAdmin(BillingAdmin):
    list_display = ("code", "published", "shown")
    list_filter = ("code",)
    search_fields = ("code",)
    empty_hint = (
        "What fuel surcharges follow: enter each value on the day it is published. Its code is the surcharge's."
    )
    fields = ("code", "published_on", "value")

    @display(description="Published", ordering="published_on")
    def published(self, obj: FuelIndex) -> str | SafeString:
        return pieces.day(obj.published_on)

    @display(description="Value", ordering="value")
    def shown(self, obj: FuelIndex) -> SafeString:
        return pieces.figure(told(obj.value.normalize()))


@admin.register(ExchangeRate)
class ExchangeRateAdmin(BillingAdmin):
    list_display = ("pair", "published", "shown", "source")
    list_filter = ("base", "quote")
    search_fields = ("base", "quote", "source")
    empty_hint = "For documents in another currency than the seller's: the rate last published by their tax point is frozen on them."
    fields = (("base", "quote"), "on", "rate", "source")

    @display(description="Currencies", ordering="base")
    def pair(self, obj: ExchangeRate) -> str:
        return f"1 {obj.base} in {obj.quote}"

    @display(description="Published", ordering="on")
    def published(self, obj: ExchangeRate) -> str | SafeString:
        return pieces.day(obj.on)

    @display(description="Rate", ordering="rate")
    def shown(self, obj: ExchangeRate) -> SafeString:
        return pieces.figure(told(obj.rate.normalize()))


class HolidayInline(BillingInline):
    model = Holiday
    fields = ("day", "name")
    verbose_name_plural = "Holidays"


@admin.register(HolidayCalendar)
class HolidayCalendarAdmin(BillingAdmin):
    list_display = ("code", "title", "days_count")
    list_display_links = ("code", "title")
    search_fields = ("code", "title")
    inlines = (HolidayInline,)
    empty_hint = "Days on which nobody drives. What becomes of a visit on one of them is the service's to say."
    fields = ("code", "title")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(day_count=Count("holidays"))

    @display(description="Days")
    def days_count(self, obj: Any) -> str:
        return f"{obj.day_count:,}"


def _days(rate: TaxRate) -> str:
    return f"{pieces.day(rate.valid_from)} – {pieces.last_day(rate.valid_until) or '…'}"
