"""The pages of billing: thin over the services and selectors."""

from billing.admin import (
    bank,
    contracts,
    customers,
    disputes,
    documents,
    journal,
    payments,
    price_lists,
    price_versions,
    provider_events,
    rates,
    reminders,
    runs,
    standings,
    visits,
)

__all__ = [
    "bank",
    "contracts",
    "customers",
    "disputes",
    "documents",
    "journal",
    "payments",
    "price_lists",
    "price_versions",
    "provider_events",
    "rates",
    "reminders",
    "runs",
    "standings",
    "visits",
]
