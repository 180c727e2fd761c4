"""What a price list can say: one kind of rule each, as it is stored and as it is sent (JSON, told apart by `rule`). Pure.

Amounts are in the price list's currency. `code` names the charge, in documents and in what other rules count it among ("eligible").
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

import pydantic
from pydantic import Field, model_validator

Money = Annotated[Decimal, Field(ge=0, max_digits=15, decimal_places=6)]
Percent = Annotated[Decimal, Field(ge=0, le=100, max_digits=9, decimal_places=6)]
Tonnes = Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=6)]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class Rule(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")
    code: Code
    title: str = Field(min_length=1, max_length=120)


class BaseFee(Rule):
    """For the period, in proportion to its days in force. Visits that we missed are credited, each by its part of the fee."""

    rule: Literal["base_fee"] = "base_fee"
    amount: Money
    credit_missed: bool = True


class PickUpFee(Rule):
    """For each visit made by schedule, and each container of it."""

    rule: Literal["pick_up"] = "pick_up"
    amount: Money


class ExtraFee(Rule):
    """For each visit beyond the schedule, and each container of it."""

    rule: Literal["extra"] = "extra"
    amount: Money


class DryRunFee(Rule):
    """For each visit in vain."""

    rule: Literal["dry_run"] = "dry_run"
    amount: Money


class ContaminationFee(Rule):
    """For each visit whose load was contaminated."""

    rule: Literal["contamination"] = "contamination"
    amount: Money


class TonnageFee(Rule):
    """Per tonne over the included ones: of each haul by itself, or of the period's hauls together (`pooled`, where the included tonnes follow
    the days in force). Of each haul at least `minimum_t` counts."""

    rule: Literal["tonnage"] = "tonnage"
    per_tonne: Money
    included_t: Tonnes = Decimal(0)
    minimum_t: Tonnes = Decimal(0)
    scope: Literal["haul", "pooled"] = "haul"


class OverweightFee(Rule):
    """For each haul over its limit: a fee, and so much for each tonne over it."""

    rule: Literal["overweight"] = "overweight"
    limit_t: Tonnes
    amount: Money = Decimal(0)
    per_tonne: Money = Decimal(0)


class Rental(Rule):
    """For each day that a container stands there. Whether the days of delivery and removal count is agreed."""

    rule: Literal["rental"] = "rental"
    per_day: Money
    first_day: bool = True
    last_day: bool = True


class Minimum(Rule):
    """What the charges `of` come to at least, in proportion to the days in force: the rest is charged."""

    rule: Literal["minimum"] = "minimum"
    amount: Money
    of: tuple[Code, ...] = Field(min_length=1)


class Discount(Rule):
    """Off the charges `of`: a percentage, or an amount (no more than they come to)."""

    rule: Literal["discount"] = "discount"
    percent: Percent | None = None
    amount: Money | None = None
    of: tuple[Code, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_of_them(self) -> Discount:
        if (self.percent is None) == (self.amount is None):
            raise ValueError("give a percentage or an amount, one of them")
        return self


class FuelSurcharge(Rule):
    """On the charges `of`, by the index that was published for the period. See billing.fuel."""

    rule: Literal["fuel"] = "fuel"
    base: Money
    step: Annotated[Decimal, Field(gt=0, max_digits=12, decimal_places=6)]
    percent_per_step: Percent
    floor_percent: Percent | None = None
    cap_percent: Percent | None = None
    of: tuple[Code, ...] = Field(min_length=1)


class EnvironmentalFee(Rule):
    """A percentage of the charges `of`, and an amount for the period if there is one."""

    rule: Literal["environmental"] = "environmental"
    percent: Percent = Decimal(0)
    amount: Money = Decimal(0)
    of: tuple[Code, ...] = ()


class FranchiseFee(Rule):
    """What the municipality takes of our receipts, passed on. `gross_up`: the fee itself is part of the receipts it is taken of."""

    rule: Literal["franchise"] = "franchise"
    percent: Annotated[Decimal, Field(ge=0, lt=100, max_digits=9, decimal_places=6)]
    gross_up: bool = True
    of: tuple[Code, ...] = Field(min_length=1)


AnyRule = Annotated[
    BaseFee | PickUpFee | ExtraFee | DryRunFee | ContaminationFee | TonnageFee | OverweightFee | Rental | Minimum | Discount
    | FuelSurcharge | EnvironmentalFee | FranchiseFee,
    Field(discriminator="rule"),
]  # fmt: skip
RULES: pydantic.TypeAdapter[list[AnyRule]] = pydantic.TypeAdapter(list[AnyRule])
