"""Taxes by place and day, and rates of exchange. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from billing.interchange import cells
from billing.interchange.problems import wrong
from billing.interchange.row import Row


class JurisdictionRow(Row):
    """Where contracts are taxed, and how tax is rounded there."""

    file: ClassVar[str] = "jurisdictions"
    code: cells.Code
    title: cells.Text120
    rounding: Literal["document", "line"] = Field(default="document", description="Once a tax group, or line by line.")


class TaxRateRow(Row):
    """Valid from one day up to but not including another. Those of a jurisdiction's tax class do not overlap."""

    file: ClassVar[str] = "tax_rates"
    key: ClassVar[tuple[str, ...]] = ("jurisdiction", "tax_class", "valid_from")
    refers: ClassVar[dict[str, str]] = {"jurisdiction": "jurisdictions"}
    jurisdiction: cells.Code
    tax_class: cells.Text20 = "standard"
    category: Literal["S", "Z", "E", "AE", "K", "G", "O"] = Field(
        default="S", description="UNCL 5305, as EN 16931 uses it."
    )
    rate: cells.Percent
    reason: cells.Text200 = Field(default="", description="Why no tax is due, as it is printed.")
    valid_from: cells.Day
    valid_until: cells.Day | None = Field(default=None, description="The first day on which it is not valid any more.")

    @model_validator(mode="after")
    def _goes_together(self) -> TaxRateRow:
        if self.valid_until is not None and self.valid_until <= self.valid_from:
            raise wrong("valid_until", f"{self.valid_until} is not after valid_from, {self.valid_from}")
        if self.category != "S" and self.rate:
            raise wrong("rate", f"category {self.category} bears no tax: the rate is 0, or the category S")
        return self


class ExchangeRateRow(Row):
    """One unit of `base` is so many of `quote`, as published for a day."""

    file: ClassVar[str] = "exchange_rates"
    key: ClassVar[tuple[str, ...]] = ("base", "quote", "on")
    base: cells.Currency
    quote: cells.Currency
    on: cells.Day
    rate: cells.Exchange
    source: cells.Text80 = ""

    @model_validator(mode="after")
    def _two_currencies(self) -> ExchangeRateRow:
        if self.base == self.quote and self.rate != Decimal(1):
            raise wrong("quote", f"{self.base} in {self.quote} is 1")
        return self
