"""The pages of billing in the admin: thin over the services."""

from billing.admin import contracts, customers, price_lists, price_versions, rates, visits

__all__ = ["contracts", "customers", "price_lists", "price_versions", "rates", "visits"]
