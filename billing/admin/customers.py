"""Who bills, who is billed, and where: sellers, customers, sites."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin import display
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing.admin import customer_page, customer_verbs, method_verbs, pay_verbs, pieces
from billing.admin.base import BillingAdmin, ProvedForm
from billing.admin.money_fields import from_minor, money_field, to_minor
from billing.models import Customer, PaymentMethod, Seller, Site
from billing.selectors.owed import owed

VERBS = {"settle": customer_verbs.settle, "pay": pay_verbs.for_customer, "save-method": method_verbs.save}
TONES = {"standard": "idle", "reverse_charge": "info", "exempt": "warn", "zero": "info"}


class SellerForm(ProvedForm):
    """`approve_above` is typed in the seller's currency."""

    approve_above = money_field(
        label="Second person above", help_text="A run that comes to more, in the seller's currency, is approved by somebody else than who prepared it.",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["approve_above"] = from_minor(self.instance.approve_above_minor, self.instance.currency)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("currency") and cleaned.get("approve_above") is not None:
            try:
                self.instance.approve_above_minor = to_minor(cleaned["approve_above"], cleaned["currency"])
            except forms.ValidationError as wrong:
                self.add_error("approve_above", wrong)
        return cleaned


@admin.register(Seller)
class SellerAdmin(BillingAdmin):
    form = SellerForm
    list_display = ("name", "code", "city", "tax_id", "currency")
    search_fields = ("name", "code")
    empty_hint = "Who bills: its name, address and tax id stand on every document."
    fieldsets = (
        (None, {"fields": ("code", "name", "street", ("postcode", "city"), "country")}),
        ("On documents", {"fields": ("tax_id", "registration", "email", "phone", "iban", "bic")}),
        ("Policies", {"fields": ("currency", "time_zone", "approve_above", "outlier_percent")}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(super().has_add_permission(request)) and not Seller.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # somebody must bill


@admin.register(Customer)
class CustomerAdmin(BillingAdmin):
    list_display = ("code", "name", "city", "treatment", "contracts_count", "open_balance")
    list_display_links = ("code", "name")
    list_filter = ("tax_treatment", "country", "language")
    search_fields = ("code", "name", "email", "city", "tax_id")
    search_help_text = "Code, name, e-mail, city, tax id"
    change_form_before_template = "billing/customer_head.html"
    change_form_outer_after_template = "billing/customer_parts.html"
    empty_hint = "Who is served and billed. Add one, or import a file of them."
    fieldsets = (
        (None, {"fields": ("code", "name", "language", "time_zone", "email", "phone")}),
        ("Address", {"fields": ("street", ("postcode", "city"), "country")}),
        ("Tax", {"fields": ("tax_treatment", "tax_id", "exemption_reason", "exempt_until")}),
        ("Documents", {"fields": ("buyer_reference", "payment_days")}),
    )

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        verbs = [
            path(f"method/<int:pk>/{verb}/", wrap(self.method_view), {"verb": verb}, name=f"billing_customer_{verb}")
            for verb in method_verbs.VERBS
        ]
        verbs += [
            path(
                f"<int:pk>/{verb}/",
                wrap(self.verb_view),
                {"verb": verb},
                name=f"billing_customer_{verb.replace('-', '_')}",
            )
            for verb in VERBS
        ]
        return [*verbs, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(contract_count=Count("contracts", distinct=True))

    def attach(self, request: HttpRequest, rows: list[Any]) -> None:
        found = owed([row.pk for row in rows])
        for row in rows:
            row.balance = found.get(row.pk, {})

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        row = self.get_object(request, object_id) if object_id else None
        extra: dict[str, Any] = {}
        if row is not None and self.has_view_permission(request, row):
            query = f"customer__id__exact={row.pk}"
            extra = {
                "customer": row,
                "contracts": list(row.contracts.all()[:50]),
                "sites": list(row.sites.all()[:50]),
                "balance": [
                    pieces.money(minor, currency) for currency, minor in owed([row.pk]).get(row.pk, {}).items()
                ],
                "add_contract_url": pieces.url("contract_add", query=f"customer={row.pk}"),
                "add_site_url": pieces.url("site_add", query=f"customer={row.pk}"),
                **customer_page.parts(row),
                "job": request.GET.get("job", ""),
                "pay_url": pieces.url("customer_pay", row.pk),
                "account_url": pieces.url("standing_statement", row.pk),
                "documents_url": pieces.url("document_changelist", query=query),
            }
        return super().changeform_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    def verb_view(self, request: HttpRequest, pk: int, verb: str) -> HttpResponse:
        return VERBS[verb](self, request, self.found(request, pk))

    def method_view(self, request: HttpRequest, pk: int, verb: str) -> HttpResponse:
        self.enter(request)
        method = PaymentMethod.objects.filter(pk=pk).select_related("customer").first()
        if method is None:
            raise Http404("There is no such saved method.")
        return method_verbs.VERBS[verb](self, request, method)

    @display(description="Tax", ordering="tax_treatment")
    def treatment(self, obj: Customer) -> SafeString:
        return pieces.badge(obj.get_tax_treatment_display(), TONES[obj.tax_treatment], obj.exemption_reason)

    @display(description="Contracts")
    def contracts_count(self, obj: Any) -> str | SafeString:
        return f"{obj.contract_count:,}" if obj.contract_count else pieces.NONE

    @display(description="Open")
    def open_balance(self, obj: Any) -> str | SafeString:
        owed = obj.balance
        return (
            pieces.figure(", ".join(pieces.money(minor, currency) for currency, minor in owed.items()))
            if owed
            else pieces.NONE
        )


@admin.register(Site)
class SiteAdmin(BillingAdmin):
    list_display = ("code", "name", "whose", "street", "city")
    list_display_links = ("code", "name")
    list_select_related = ("customer",)
    list_filter = ("country",)
    search_fields = ("code", "name", "street", "city", "customer__name", "customer__code")
    search_help_text = "Code, name, street, city, customer"
    autocomplete_fields = ("customer",)
    empty_hint = "A place of a customer's, where containers stand."
    fieldsets = (
        (None, {"fields": ("code", "customer", "name", "time_zone")}),
        ("Address", {"fields": ("street", ("postcode", "city"), "country")}),
    )

    @display(description="Customer", ordering="customer__name")
    def whose(self, obj: Site) -> SafeString:
        return format_html("{}", pieces.link(pieces.page_of(obj.customer), obj.customer.name))
