"""Disputes: who asked the bank for the money back, and how it ended. What is to be done is done at the provider's."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.admin import display
from django.utils.safestring import SafeString

from billing.admin import pieces
from billing.admin.frame import MoneyAdmin
from billing.models import Dispute

TONES = {"open": "bad", "won": "ok", "lost": "idle"}


@admin.register(Dispute)
class DisputeAdmin(MoneyAdmin):
    """Told by the provider's webhooks."""

    list_title = "Disputes"
    list_display = ("opened", "state_badge", "customer", "amount_told", "reason", "payment_told", "closed")
    list_filter = ("state", "provider")
    list_filter_submit = True
    list_select_related = ("payment__customer",)
    search_fields = ("reference", "payment__key", "payment__customer__name", "payment__customer__code")
    sortable_by = ("opened",)
    fields = readonly_fields = (
        "reference", "provider", "state_badge", "customer", "payment_told", "amount_told", "reason", "opened", "closed",
    )  # fmt: skip
    empty_hint = (
        "A dispute appears here when a customer asks the bank for the money back. While it is open, nobody is reminded."
    )

    @display(description="Opened", ordering="opened_at")
    def opened(self, obj: Dispute) -> SafeString:
        return pieces.when(obj.opened_at)

    @display(description="Closed")
    def closed(self, obj: Dispute) -> SafeString:
        return pieces.when(obj.closed_at)

    @display(description="State", ordering="state")
    def state_badge(self, obj: Dispute) -> SafeString:
        return pieces.badge(obj.get_state_display(), TONES[obj.state])

    @display(description="Customer")
    def customer(self, obj: Dispute) -> str:
        return str(obj.payment.customer)

    @display(description="Amount")
    def amount_told(self, obj: Dispute) -> SafeString:
        return pieces.cell(obj.amount_minor, obj.payment.currency)

    @display(description="Payment")
    def payment_told(self, obj: Dispute) -> SafeString:
        return pieces.link(pieces.page_at("payment", obj.payment_id), obj.payment.key)
