"""The self-contained cases that `manage.py quote` prices, as they are written. What is wrong is told by its field.

Amounts, rates and quantities are decimal numbers in quotation marks ("12.50"), or whole numbers; dates are 2026-04-01, instants
2026-04-01T00:00:00Z.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from reprlib import repr as short
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Discriminator, Field

from billing.case_values import Currency, Day, Moment, NotNegative, Number, Percent, Positive, Zone
from billing.errors import CannotPrice
from billing.tax import WITHOUT_TAX, Category, Mode, Rounding, Tax


class Form(pydantic.BaseModel):
    """Names that nobody knows are refused: a misspelt one would else be priced as if it were not there."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class TaxForm(Form):
    """Where there is no tax to pay, there need be no rate."""

    category: Category
    rate: Percent | None = Field(default=None, validate_default=True)

    @pydantic.field_validator("rate")
    @classmethod
    def _rate_fits(cls, rate: Decimal | None, known: pydantic.ValidationInfo) -> Decimal:
        category = known.data.get("category")
        if category in WITHOUT_TAX and rate:
            raise ValueError(f"category {category} bears no tax: its rate is 0, or the category is S")
        if category == "S" and rate is None:
            raise ValueError("give the rate in percent: 0, too, is to be said")
        return rate or Decimal(0)

    def tax(self) -> Tax:
        return Tax(self.category, (self.rate or Decimal(0)).normalize() + 0)


class AdjustmentForm(Form):
    """An invoice that takes another one back has its allowances and charges with a minus."""

    kind: Literal["allowance", "charge"]
    amount: Number
    reason: str = ""


class TaxedAdjustmentForm(AdjustmentForm):
    tax: TaxForm


class LineForm(Form):
    id: str = Field(min_length=1)
    description: str = ""
    quantity: Number
    unit_price: Number
    base_quantity: Positive = Decimal(1)
    adjustments: list[AdjustmentForm] = []
    tax: TaxForm


class CouponForm(Form):
    amount: NotNegative
    spread: Literal["pro_rata"] = "pro_rata"


class Case(Form):
    case: str = Field(min_length=1)
    currency: Currency


class DocumentCase(Case):
    kind: Literal["document"]
    tax_mode: Mode = "exclusive"
    rounding: Rounding = "document"
    lines: list[LineForm] = Field(min_length=1)
    adjustments: list[TaxedAdjustmentForm] = []
    coupon: CouponForm | None = None
    prepaid: NotNegative = Decimal(0)

    @pydantic.field_validator("lines")
    @classmethod
    def _told_apart(cls, lines: Sequence[LineForm]) -> Sequence[LineForm]:
        seen: set[str] = set()
        for place, line in enumerate(lines):
            if line.id in seen:
                raise CannotPrice(f"lines.{place}.id", f"There is a line {short(line.id)} already: number them.")
            seen.add(line.id)
        return lines


class PeriodForm(Form):
    start: Day
    end: Day


class ProrationCase(Case):
    kind: Literal["proration"]
    price: Number
    period: PeriodForm
    since: Moment | None = Field(default=None, alias="from")
    until: Moment | None = None
    timezone: Zone
    tax: TaxForm | None = None
    tax_mode: Mode = "exclusive"


class ChangeCase(Case):
    kind: Literal["change"]
    old_price: Number
    new_price: Number
    period: PeriodForm
    change_on: Moment
    timezone: Zone


class FuelCase(Case):
    kind: Literal["fuel_surcharge"]
    index: NotNegative
    base: NotNegative
    step: Positive
    percent_per_step: Number
    floor_percent: Number | None = None
    cap_percent: Number | None = None
    on: Number


AnyCase = Annotated[DocumentCase | ProrationCase | ChangeCase | FuelCase, Discriminator("kind")]
CASES: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(AnyCase)
KINDS = ("document", "proration", "change", "fuel_surcharge")
