"""The self-contained cases that `manage.py quote` prices, as they are written. What is wrong is told by its field.

Amounts, rates and quantities are decimal numbers in quotation marks ("12.50"), or whole numbers; dates are 2026-04-01, instants
2026-04-01T00:00:00Z.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import pydantic
from pydantic import BeforeValidator, Discriminator, Field

from billing.tax import WITHOUT_TAX, Category, Mode, Rounding, Tax

NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,12})?", re.ASCII)
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)", re.ASCII)


def _number(value: Any) -> Decimal:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not NUMBER.fullmatch(value):
        raise ValueError(
            'give a decimal number in quotation marks, like "12.50": 15 digits at most, and 12 behind the point'
        )
    return Decimal(value)


def _day(value: Any) -> date:
    if not isinstance(value, str) or not DAY.fullmatch(value):
        raise ValueError("give a date, like 2026-04-01")
    return date.fromisoformat(value)


def _moment(value: Any) -> date | datetime:
    if isinstance(value, str) and INSTANT.fullmatch(value):
        return datetime.fromisoformat(value)
    if not isinstance(value, str) or not DAY.fullmatch(value):
        raise ValueError("give a date, like 2026-04-01, or an instant with its offset, like 2026-04-01T00:00:00Z")
    return date.fromisoformat(value)


def _zone(value: Any) -> ZoneInfo:
    try:
        return ZoneInfo(value)
    except (KeyError, ValueError, TypeError, OSError):
        raise ValueError(f"{value!r} is no time zone: write one like Europe/Vienna") from None


Number = Annotated[Decimal, BeforeValidator(_number)]
NotNegative = Annotated[Number, Field(ge=0)]
Positive = Annotated[Number, Field(gt=0)]
Day = Annotated[date, BeforeValidator(_day)]
Moment = Annotated[date | datetime, BeforeValidator(_moment)]
Zone = Annotated[Any, BeforeValidator(_zone)]
Currency = Annotated[str, Field(min_length=3, max_length=3)]


class Form(pydantic.BaseModel):
    """Names that nobody knows are refused: a misspelt one would else be priced as if it were not there."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class TaxForm(Form):
    category: Category
    rate: NotNegative = Decimal(0)

    @pydantic.model_validator(mode="after")
    def _rate_fits(self) -> TaxForm:
        if self.category in WITHOUT_TAX and self.rate:
            raise ValueError(f"category {self.category} bears no tax: its rate is 0, or the category is S")
        return self

    def tax(self) -> Tax:
        return Tax(self.category, self.rate.normalize() + 0)


class AdjustmentForm(Form):
    kind: Literal["allowance", "charge"]
    amount: NotNegative
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
