"""Price lists: what they are, and their versions in time. Prices themselves are written in the editor of a version."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils.safestring import SafeString

from billing.admin import pieces
from billing.admin.base import BillingAdmin
from billing.errors import WrongFields
from billing.models import PriceList, PriceVersion
from billing.price_changes import differences
from billing.price_rules import proved
from billing.selectors.billed import billed_with
from queues.contract import ports


@admin.register(PriceList)
class PriceListAdmin(BillingAdmin):
    list_display = ("code", "title", "prices", "tax_class", "versions_count", "services_count")
    list_display_links = ("code", "title")
    list_filter = ("currency", "tax_mode")
    search_fields = ("code", "title")
    change_form_before_template = "billing/price_list_head.html"
    change_form_outer_after_template = "billing/price_versions.html"
    empty_hint = "What is charged, in versions from a day on. Make a list, then write its first prices."
    fields = ("code", "title", "currency", "tax_mode", "tax_class")

    def get_queryset(self, request: HttpRequest) -> Any:
        counts = {"version_count": Count("versions", distinct=True), "service_count": Count("services", distinct=True)}
        return super().get_queryset(request).annotate(**counts)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        row = self.get_object(request, object_id) if object_id else None
        extra: dict[str, Any] = {}
        if row is not None and self.has_view_permission(request, row):
            extra = {"price_list": row, "timeline": timeline(row), "add_url": add_url(row)}
        return super().changeform_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    @display(description="Prices", ordering="currency")
    def prices(self, obj: PriceList) -> str:
        return f"{obj.currency}, {obj.get_tax_mode_display().lower()}"

    @display(description="Versions")
    def versions_count(self, obj: Any) -> str | SafeString:
        return f"{obj.version_count:,}" if obj.version_count else pieces.badge("None", "warn")

    @display(description="Services")
    def services_count(self, obj: Any) -> str | SafeString:
        return f"{obj.service_count:,}" if obj.service_count else pieces.NONE


def timeline(price_list: PriceList) -> list[dict[str, Any]]:
    """The versions, the newest first, each with what it changed."""
    today = ports.now().date()
    told: list[dict[str, Any]] = []
    before: list[Any] | None = None
    for version in price_list.versions.order_by("valid_from"):
        rules = read(version)
        until = billed_with(version)
        told.append(
            {
                "version": version, "url": pieces.page_of(version), "tone": tone(version, today), "rules": len(version.rules),
                "last": pieces.last_day(version.valid_until), "billed": pieces.last_day(until),
                "changes": [] if before is None or rules is None else differences(before, rules),
                "first": before is None,
            }
        )  # fmt: skip
        before = rules
    return told[::-1]


def read(version: PriceVersion) -> list[Any] | None:
    """Its rules; None where they cannot be read any more."""
    try:
        return proved(version.rules)
    except WrongFields:
        return None


def tone(version: PriceVersion, today: Any) -> tuple[str, str]:
    if version.valid_from > today:
        return "To come", "info"
    if version.valid_until is not None and version.valid_until <= today:
        return "Past", "idle"
    return "In force", "ok"


def add_url(price_list: PriceList, copy: PriceVersion | None = None) -> str:
    """The editor of a new version."""
    return pieces.url("priceversion_add", query=f"price_list={price_list.pk}{f'&copy={copy.pk}' if copy else ''}")


def in_force(price_list: PriceList, day: Any) -> PriceVersion | None:
    """The version of a day, else the newest one."""
    versions = price_list.versions.order_by("-valid_from")
    on = versions.filter(Q(valid_until=None) | Q(valid_until__gt=day), valid_from__lte=day).first()
    return on or versions.first()
