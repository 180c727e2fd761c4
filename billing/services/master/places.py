"""Sellers, customers and their sites: proofs beyond the columns."""

from __future__ import annotations

from zoneinfo import available_timezones

from billing import tax_ids
from billing.countries import countries
from billing.errors import WrongFields
from billing.models import Customer, Document, Seller, Service, Site
from billing.money import minor_digits


def prove_seller(row: Seller, held: Seller | None) -> None:
    minor_digits(row.currency)
    prove_place(row)
    row.tax_id = normal_tax_id(row.country, row.tax_id)
    row.iban = row.iban.replace(" ", "").upper()
    if row.approve_above_minor < 0:
        raise WrongFields.of(
            "approve_above_minor", "An amount is not negative; 0 has every run approved by a second person."
        )
    if held is not None and held.currency != row.currency and Document.objects.filter(state="final").exists():
        raise WrongFields.of("currency", "There are final documents: the books stay in their currency.", "billed")


def prove_customer(row: Customer, held: Customer | None) -> None:
    prove_place(row)
    row.tax_id = normal_tax_id(row.country, row.tax_id)
    if row.tax_treatment == Customer.Treatment.REVERSE and not row.tax_id:
        raise WrongFields.of("tax_id", "Reverse charge needs the customer's tax id.")
    if row.tax_treatment == Customer.Treatment.EXEMPT and not row.exemption_reason:
        raise WrongFields.of("exemption_reason", "Say why the customer is exempt: it is printed.")
    if row.exempt_until is not None and row.tax_treatment != Customer.Treatment.EXEMPT:
        raise WrongFields.of("exempt_until", "Only an exemption has such a day.")


def prove_site(row: Site, held: Site | None) -> None:
    prove_place(row)
    moved = held is not None and held.customer_id != row.customer_id
    if moved and (code := Service.objects.filter(site=row).values_list("code", flat=True).first()):
        raise WrongFields.of("customer", f"The service {code} is there: a site with services stays its customer's.")


def prove_place(row: Seller | Customer | Site) -> None:
    """Its country and its time zone."""
    if row.country not in countries():
        raise WrongFields.of(
            "country", f"{row.country!r} is no country: write two capital letters of ISO 3166, like AT."
        )
    if row.time_zone not in available_timezones():
        raise WrongFields.of("time_zone", f"{row.time_zone!r} is no time zone: write one like Europe/Vienna.")


def normal_tax_id(country: str, tax_id: str) -> str:
    """As it is kept and printed, its check digit proved. Raises CannotPrice for `tax_id`."""
    return tax_ids.check(country, tax_id) if tax_id else ""
