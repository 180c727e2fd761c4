"""Who bills, who is billed, and where. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from billing import tax_ids
from billing.errors import CannotPrice
from billing.interchange import cells
from billing.interchange.problems import wrong
from billing.interchange.row import Row

Treatment = Literal["standard", "reverse_charge", "exempt", "zero"]


class SellerRow(Row):
    """The hauler as it stands on documents; its code is `main`."""

    file: ClassVar[str] = "sellers"
    code: cells.Code = "main"
    name: cells.Text200
    street: cells.Text200
    postcode: cells.Text20
    city: cells.Text100
    country: cells.Country
    tax_id: cells.Text20 = ""
    registration: cells.Text40 = ""
    email: cells.Email = ""
    phone: cells.Text40 = ""
    iban: cells.Text40 = Field(default="", max_length=34)
    bic: cells.Text20 = Field(default="", max_length=11)
    currency: cells.Currency
    time_zone: cells.Zone = "UTC"
    approve_above: cells.Amount = Field(
        default=Decimal(0),
        ge=0,
        description="A run that comes to more, in this currency, takes a second person's approval.",
    )
    outlier_percent: cells.Percent = Decimal(20)

    @model_validator(mode="before")
    @classmethod
    def _known(cls, given: dict[str, object]) -> dict[str, object]:
        return _with_checked_tax_id(given)


class CustomerRow(Row):
    """Who is billed. Reverse charge needs a tax id, an exemption its reason."""

    file: ClassVar[str] = "customers"
    code: cells.Code
    name: cells.Text200
    language: cells.Language = Field(default="en", description="Of documents.")
    time_zone: cells.Zone
    email: cells.Email = ""
    phone: cells.Text40 = ""
    street: cells.Text200
    postcode: cells.Text20
    city: cells.Text100
    country: cells.Country
    tax_id: cells.Text20 = Field(default="", description="Checked by its country's rule.")
    tax_treatment: Treatment = "standard"
    exemption_reason: cells.Text200 = ""
    exempt_until: cells.Day | None = Field(default=None, description="The first day on which it counts no more.")
    buyer_reference: cells.Text100 = ""
    payment_days: cells.Whole = Field(default=14, ge=0, le=365, description="From issue to due.")

    @model_validator(mode="before")
    @classmethod
    def _known(cls, given: dict[str, object]) -> dict[str, object]:
        return _with_checked_tax_id(given)

    @model_validator(mode="after")
    def _papers(self) -> CustomerRow:
        if self.tax_treatment == "reverse_charge" and not self.tax_id:
            raise wrong("tax_id", "is needed for reverse charge")
        if self.tax_treatment == "exempt" and not self.exemption_reason:
            raise wrong("exemption_reason", "is needed for an exemption, as it is printed")
        return self


class SiteRow(Row):
    """A place of a customer's, where containers stand."""

    file: ClassVar[str] = "sites"
    refers: ClassVar[dict[str, str]] = {"customer": "customers"}
    code: cells.Code
    customer: cells.Code
    name: cells.Text200
    street: cells.Text200
    postcode: cells.Text20
    city: cells.Text100
    country: cells.Country
    time_zone: cells.Zone


def _with_checked_tax_id(given: dict[str, object]) -> dict[str, object]:
    """Written as it is kept; left alone where the country is wrong, too."""
    country, tax_id = given.get("country"), given.get("tax_id")
    if not isinstance(country, str) or not isinstance(tax_id, str) or not tax_id.strip():
        return given
    try:
        return given | {"tax_id": tax_ids.check(country.strip(), tax_id)}
    except CannotPrice as error:
        raise wrong("tax_id", error.message) from None
