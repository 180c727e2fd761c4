"""What is charged: price lists in versions, and the fuel index. Pure."""

from __future__ import annotations

import json
from typing import Annotated, Any, ClassVar, Literal

import pydantic
from pydantic import BeforeValidator, Field, model_validator

from billing.charges import prove
from billing.errors import CannotPrice
from billing.interchange import cells
from billing.interchange.problems import wrong
from billing.interchange.row import Row
from billing.rules import AnyRule


def _json(value: Any) -> Any:
    """Numbers as they are written: through a float they would be others."""
    if not isinstance(value, str):
        return value
    try:
        found = json.loads(value, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is no JSON: {error}") from None
    if not isinstance(found, list):
        raise ValueError('is no list of rules: write one like [{"rule": "base_fee", "code": "base", …}]')
    return found


class PriceListRow(Row):
    """Amounts in its versions are in its currency, with or without tax as it says."""

    file: ClassVar[str] = "price_lists"
    code: cells.Code
    title: cells.Text120
    currency: cells.Currency
    tax_mode: Literal["exclusive", "inclusive"] = "exclusive"
    tax_class: cells.Text20 = "standard"


class PriceVersionRow(Row):
    """A list's rules from one day up to but not including another. A list's versions do not overlap."""

    file: ClassVar[str] = "price_versions"
    key: ClassVar[tuple[str, ...]] = ("price_list", "valid_from")
    refers: ClassVar[dict[str, str]] = {"price_list": "price_lists"}
    price_list: cells.Code
    valid_from: cells.Day
    valid_until: cells.Day | None = Field(default=None, description="The first day on which it is not valid any more.")
    rules: Annotated[tuple[AnyRule, ...], BeforeValidator(_json)] = Field(description="JSON, as billing/rules.py says.")
    note: cells.Text200 = ""

    @model_validator(mode="after")
    def _goes_together(self) -> PriceVersionRow:
        if self.valid_until is not None and self.valid_until <= self.valid_from:
            raise wrong("valid_until", f"{self.valid_until} is not after valid_from, {self.valid_from}")
        try:
            prove(self.rules)
        except CannotPrice as error:
            raise wrong("rules", str(error)) from None
        return self


RULES: pydantic.TypeAdapter[tuple[AnyRule, ...]] = pydantic.TypeAdapter(tuple[AnyRule, ...])


class FuelIndexRow(Row):
    """A published index. Its code is that of the surcharge rule that follows it."""

    file: ClassVar[str] = "fuel_index"
    key: ClassVar[tuple[str, ...]] = ("code", "published_on")
    code: cells.Text40 = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    published_on: cells.Day
    value: cells.Index
