"""Contracts, with their services, next periods and documents; and the services, stays and coupons themselves."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin import display
from django.db.models import Count
from django.http import HttpRequest
from django.utils.safestring import SafeString

from billing.admin import pieces, show
from billing.admin.base import BillingAdmin, ProvedForm
from billing.admin.money_fields import from_minor, money_field, to_minor
from billing.admin.pattern_fields import ServiceForm
from billing.models import Contract, Coupon, Service, Stay
from billing.selectors.contracts import documents_of, next_periods, words_of
from queues.contract import ports


@admin.register(Contract)
class ContractAdmin(BillingAdmin):
    list_display = ("code", "whose", "cycle", "served", "services_count", "state")
    list_select_related = ("customer",)
    list_filter = ("every", "currency", "jurisdiction")
    search_fields = ("code", "customer__name", "customer__code", "order_reference")
    search_help_text = "Code, customer, order reference"
    autocomplete_fields = ("customer",)
    change_form_before_template = "billing/contract_head.html"
    change_form_outer_after_template = "billing/contract_parts.html"
    empty_hint = "What was agreed with a customer: from when, how often it is billed, and with which services."
    fieldsets = (
        (None, {"fields": ("code", "customer", "jurisdiction", "currency", "order_reference")}),
        ("Served", {"fields": (("starts_on", "ends_on"), "ends")}),
        ("Billed", {"fields": ("every", "anchor", "bill_from", "parts", "auto_collect", "on_hold")}),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(service_count=Count("services"))

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        row = self.get_object(request, object_id) if object_id else None
        extra: dict[str, Any] = {}
        if row is not None and self.has_view_permission(request, row):
            services = list(row.services.select_related("site", "price_list"))
            extra = {
                "contract": row,
                "state": self.state(row),
                "services": [
                    (each, words_of(each), pieces.page_of(each), pieces.page_of(each.price_list)) for each in services
                ],
                "periods": next_periods(row),
                "documents": [self._told(each) for each in documents_of(row)],
                "coupons": list(row.coupons.all()[:20]),
                "customer_url": pieces.page_of(row.customer),
                "add_service_url": pieces.url("service_add", query=f"contract={row.pk}"),
                "add_coupon_url": pieces.url("coupon_add", query=f"contract={row.pk}"),
            }
        return super().changeform_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    def _told(self, document: Any) -> dict[str, Any]:
        standing = getattr(document, "standing", None)
        return {
            "row": document,
            "url": pieces.page_of(document),
            "gross": pieces.money(document.gross_minor, document.currency),
            "last": pieces.last_day(document.period_end),
            "state": standing.get_state_display() if standing else document.get_state_display(),
        }

    @display(description="Customer", ordering="customer__name")
    def whose(self, obj: Contract) -> SafeString:
        return pieces.link(pieces.page_of(obj.customer), obj.customer.name)

    @display(description="Billed", ordering="every")
    def cycle(self, obj: Contract) -> str:
        return f"{obj.get_every_display().lower()}, in {obj.currency}"

    @display(description="Served", ordering="starts_on")
    def served(self, obj: Contract) -> str:
        return f"{pieces.day(obj.starts_on)} – {pieces.day(obj.ends_on) or '…'}"

    @display(description="Services")
    def services_count(self, obj: Any) -> str | SafeString:
        return f"{obj.service_count:,}" if obj.service_count else pieces.badge("None", "warn")

    @display(description="State")
    def state(self, obj: Contract) -> SafeString:
        if obj.on_hold:
            return pieces.badge("On hold", "warn", obj.on_hold)
        today = ports.now().date()
        if obj.ends_on is not None and obj.ends_on < today:
            return pieces.badge("Ended", "idle")
        return pieces.badge("Served", "ok") if obj.starts_on <= today else pieces.badge("To come", "info")


@admin.register(Service)
class ServiceAdmin(BillingAdmin):
    form = ServiceForm
    list_display = ("code", "title", "which_contract", "where", "what", "pattern_words", "which_list")
    list_display_links = ("code", "title")
    list_select_related = ("contract", "site", "price_list")
    list_filter = ("pattern", "price_list", "container_type")
    search_fields = ("code", "title", "contract__code", "contract__customer__name", "site__name")
    search_help_text = "Code, title, contract, customer, site"
    autocomplete_fields = ("contract", "site", "price_list")
    empty_hint = "So many containers at a site, emptied by a pattern: it belongs to a contract."
    fieldsets = (
        (None, {"fields": ("code", "contract", "site", "price_list", "title")}),
        ("Containers", {"fields": ("container_type", "size", "containers")}),
        (
            "Pattern",
            {
                "fields": (
                    "pattern",
                    "weekdays",
                    "interval",
                    "anchor",
                    "month_day",
                    ("nth", "weekday"),
                    "holidays",
                    "shift",
                )
            },
        ),
        ("Served", {"fields": (("starts_on", "ends_on"),)}),
    )

    @display(description="Contract", ordering="contract__code")
    def which_contract(self, obj: Service) -> SafeString:
        return pieces.link(pieces.page_of(obj.contract), obj.contract.code)

    @display(description="Site", ordering="site__name")
    def where(self, obj: Service) -> str:
        return obj.site.name

    @display(description="Containers")
    def what(self, obj: Service) -> str:
        return f"{obj.containers} × {obj.container_type} {obj.size}"

    @display(description="Emptied")
    def pattern_words(self, obj: Service) -> str:
        return words_of(obj)

    @display(description="Prices", ordering="price_list__code")
    def which_list(self, obj: Service) -> SafeString:
        return pieces.link(pieces.page_of(obj.price_list), obj.price_list.code)


@admin.register(Stay)
class StayAdmin(BillingAdmin):
    list_display = ("which", "delivered", "removed")
    list_display_links = ("which",)
    list_select_related = ("service",)
    search_fields = ("service__code", "service__contract__code", "service__contract__customer__name")
    search_help_text = "Service, contract, customer"
    autocomplete_fields = ("service",)
    empty_hint = "From when to when a rented container stood at its site: it is charged by the day."
    fields = ("service", "delivered_on", "removed_on")

    @display(description="Service", ordering="service__code")
    def which(self, obj: Stay) -> str:
        return obj.service.code

    @display(description="Delivered", ordering="delivered_on")
    def delivered(self, obj: Stay) -> str | SafeString:
        return pieces.day(obj.delivered_on)

    @display(description="Taken away", ordering="removed_on")
    def removed(self, obj: Stay) -> str | SafeString:
        return pieces.day(obj.removed_on) or pieces.missing("still there")


class CouponForm(ProvedForm):
    """The amount is typed in the contract's currency."""

    amount = money_field(label="Amount", help_text="Off the net of one document, in the contract's currency.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["amount"] = from_minor(self.instance.amount_minor, self.instance.contract.currency)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("contract") and cleaned.get("amount") is not None:
            try:
                self.instance.amount_minor = to_minor(cleaned["amount"], cleaned["contract"].currency)
            except forms.ValidationError as wrong:
                self.add_error("amount", wrong)
        return cleaned


@admin.register(Coupon)
class CouponAdmin(BillingAdmin):
    form = CouponForm
    list_display = ("code", "title", "which_contract", "worth", "valid", "used")
    list_display_links = ("code", "title")
    list_select_related = ("contract", "used_on")
    search_fields = ("code", "title", "contract__code", "contract__customer__name")
    search_help_text = "Code, title, contract, customer"
    autocomplete_fields = ("contract",)
    empty_hint = "An amount off one document of a contract."
    fields = ("code", "contract", "title", "amount", ("valid_from", "valid_until"))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_change_permission(request, obj)) and (obj is None or obj.used_on_id is None)

    @display(description="Contract", ordering="contract__code")
    def which_contract(self, obj: Coupon) -> SafeString:
        return pieces.link(pieces.page_of(obj.contract), obj.contract.code)

    @display(description="Worth", ordering="amount_minor")
    def worth(self, obj: Coupon) -> SafeString:
        return pieces.figure(pieces.money(obj.amount_minor, obj.contract.currency))

    @display(description="Valid", ordering="valid_from")
    def valid(self, obj: Coupon) -> str:
        return f"{pieces.day(obj.valid_from)} – {pieces.last_day(obj.valid_until) or '…'}"

    @display(description="Used")
    def used(self, obj: Coupon) -> str | SafeString:
        if obj.used_on is None:
            return pieces.badge("Free", "ok")
        return show.document_link(obj.used_on)
