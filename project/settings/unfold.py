"""The admin's frame: its title, its menu."""

from __future__ import annotations

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy


def _link(title: str, icon: str, name: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{name}"),
        "permission": lambda request: _may(request, name),
    }


def _may(request: Any, name: str) -> bool:
    """A link is shown to those whom its page would let in."""
    from django.contrib import admin

    app, _, rest = name.partition("_")
    model = rest.rpartition("_")[0]
    for registered, model_admin in admin.site._registry.items():
        if (registered._meta.app_label, registered._meta.model_name) == (app, model):
            return bool(model_admin.has_view_permission(request))
    return True


UNFOLD = {
    "SITE_TITLE": "Roundsman",
    "SITE_HEADER": "Roundsman",
    "SITE_SUBHEADER": "Operations back office",
    "SITE_SYMBOL": "recycling",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("queues/favicon.svg")}],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "ACCOUNT": {"navigation": [{"title": "Second factor", "link": reverse_lazy("second_factor:mine")}]},
    "DASHBOARD_CALLBACK": "queues.admin.dashboard.callback",
    "STYLES": [lambda request: static("queues/admin.css")],
    "SCRIPTS": [lambda request: static("queues/admin.js")],
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": False,
        "navigation": [
            {
                "title": "Work",
                "items": [
                    {"title": "Dashboard", "icon": "dashboard", "link": reverse_lazy("admin:index")},
                    _link("Runs", "play_circle", "queues_run_changelist"),
                    _link("Job definitions", "work", "queues_jobdefinition_changelist"),
                    _link("Schedules", "schedule", "queues_schedule_changelist"),
                ],
            },
            {
                "title": "Billing",
                "separator": True,
                "items": [
                    _link("Overview", "monitoring", "billing_document_overview"),
                    _link("Billing runs", "receipt_long", "billing_billingrun_changelist"),
                    {
                        **_link("Documents", "description", "billing_document_changelist"),
                        "active": lambda request: (
                            "/billing/document/" in request.path and "/overview/" not in request.path
                        ),
                    },
                    _link("Payments", "payments", "billing_payment_changelist"),
                    _link("Bank", "account_balance", "billing_bankline_changelist"),
                    _link("Ageing", "hourglass_bottom", "billing_standing_changelist"),
                    _link("Reminders", "notification_important", "billing_dunning_changelist"),
                    _link("Disputes", "gavel", "billing_dispute_changelist"),
                    _link("Provider events", "webhook", "billing_providerevent_changelist"),
                    _link("Journal", "menu_book", "billing_entry_changelist"),
                ],
            },
            {
                "title": "Customers and prices",
                "separator": True,
                "items": [
                    _link("Customers", "groups", "billing_customer_changelist"),
                    _link("Sites", "location_city", "billing_site_changelist"),
                    _link("Contracts", "contract", "billing_contract_changelist"),
                    _link("Services", "delete", "billing_service_changelist"),
                    _link("Visits", "event_available", "billing_visit_changelist"),
                    _link("Price lists", "sell", "billing_pricelist_changelist"),
                    _link("Fuel index", "local_gas_station", "billing_fuelindex_changelist"),
                    _link("Coupons", "redeem", "billing_coupon_changelist"),
                    _link("Jurisdictions", "account_tree", "billing_jurisdiction_changelist"),
                    _link("Exchange rates", "currency_exchange", "billing_exchangerate_changelist"),
                    _link("Holidays", "event", "billing_holidaycalendar_changelist"),
                    _link("Seller", "storefront", "billing_seller_changelist"),
                ],
            },
            {
                "title": "Routing",
                "separator": True,
                "items": [
                    _link("Plans", "route", "routing_plan_changelist"),
                    _link("Service areas", "map", "routing_servicearea_changelist"),
                    _link("Stops", "location_on", "routing_servicestop_changelist"),
                    _link("Vehicles", "local_shipping", "routing_vehicle_changelist"),
                ],
            },
            {
                "title": "Machine room",
                "separator": True,
                "items": [
                    _link("Queues", "stacks", "queues_queue_changelist"),
                    _link("Workers", "engineering", "queues_worker_changelist"),
                    {
                        **_link("Alerts", "notifications_active", "queues_alert_changelist"),
                        "badge": "queues.admin.alerts_facts.count_badge",
                    },
                    _link("Health", "monitor_heart", "queues_queuehealth_changelist"),
                    _link("Outbound calls", "outbox", "queues_outboundcall_changelist"),
                    _link("Webhooks", "webhook", "queues_webhookendpoint_changelist"),
                    _link("Webhook deliveries", "forward_to_inbox", "queues_webhookdelivery_changelist"),
                    _link("Error rules", "rule", "queues_errorrule_changelist"),
                    _link("Switches", "toggle_on", "queues_switch_changelist"),
                    _link("Audit log", "fact_check", "queues_auditentry_changelist"),
                ],
            },
            {
                "title": "Access",
                "separator": True,
                "items": [
                    _link("Users", "person", "auth_user_changelist"),
                    _link("Roles", "group", "auth_group_changelist"),
                    _link("API keys", "key", "queues_apikey_changelist"),
                    _link("Rate limits", "speed", "queues_allowance_changelist"),
                ],
            },
        ],
    },
}
