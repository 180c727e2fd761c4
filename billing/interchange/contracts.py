"""What was agreed: contracts, services, stays of containers, coupons. Pure."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from billing.errors import CannotPrice
from billing.interchange import cells
from billing.interchange.problems import wrong
from billing.interchange.row import Row
from billing.service_days import Monthly, OnCall, Pattern, Weekly


class ContractRow(Row):
    """Billed once for each period of its cycle."""

    file: ClassVar[str] = "contracts"
    refers: ClassVar[dict[str, str]] = {"customer": "customers", "jurisdiction": "jurisdictions"}
    code: cells.Code
    customer: cells.Code
    jurisdiction: cells.Code
    currency: cells.Currency
    starts_on: cells.Day
    ends_on: cells.Day | None = None
    ends: Literal["exclusive", "inclusive"] = Field(
        default="exclusive", description="Whether the end day is served, too."
    )
    every: Literal["week", "two_weeks", "four_weeks", "month", "quarter", "half_year", "year"] = "month"
    anchor: cells.Day = Field(description="The first day of some period: the others are counted from it.")
    parts: Literal["sum", "each"] = Field(default="sum", description="How parts of a price are rounded.")
    bill_from: cells.Day | None = Field(
        default=None, description="Periods that end before this day are not billed here."
    )
    on_hold: cells.Text200 = Field(default="", description="Why it is not billed for now.")
    auto_collect: cells.Flag = False
    order_reference: cells.Text100 = ""

    @model_validator(mode="after")
    def _ends_after_start(self) -> ContractRow:
        if self.ends_on is not None and self.ends_on < self.starts_on:
            raise wrong("ends_on", f"the contract ends on {self.ends_on}, before it starts, on {self.starts_on}")
        return self

    def serves(self, day: date, since: date, until: date | None) -> bool:
        """Whether a service from `since` to `until` of this contract is served on a day; both end as the contract says."""
        ends = [each for each in (self.ends_on, until) if each is not None]
        within = all(day <= each if self.ends == "inclusive" else day < each for each in ends)
        return max(self.starts_on, since) <= day and within


class ServiceRow(Row):
    """Containers of a kind at a site, emptied by a pattern. Its dates are within the contract's, and end as its do."""

    file: ClassVar[str] = "services"
    refers: ClassVar[dict[str, str]] = {
        "contract": "contracts", "site": "sites", "price_list": "price_lists", "holidays": "holiday_calendars",
    }  # fmt: skip
    code: cells.Code
    contract: cells.Code
    site: cells.Code
    price_list: cells.Code
    title: cells.Text120
    container_type: cells.Text40
    size: cells.Text20
    containers: cells.Whole = Field(default=1, ge=1, le=32767)
    pattern: Literal["weekly", "monthly", "on_call"]
    weekdays: cells.Weekdays = Field(default="", description="Weekly: like Mon Thu.")
    interval: cells.Whole = Field(default=1, ge=1, le=52, description="Weekly: 2 is every other week.")
    anchor: cells.Day | None = Field(default=None, description="Weekly: a day of a week in which it is served.")
    month_day: cells.Whole | None = Field(default=None, description="Monthly: a day from 1 to 31.")
    nth: cells.Whole | None = Field(default=None, description="Monthly: 1 to 4, or -1 for the month's last …")
    weekday: cells.Weekday | None = Field(default=None, description="… weekday of this name.")
    holidays: cells.Code | None = Field(default=None, description="A calendar.")
    shift: Literal["none", "skip", "next_day", "day_before", "rest_of_week"] = "none"
    starts_on: cells.Day
    ends_on: cells.Day | None = None

    @model_validator(mode="after")
    def _goes_together(self) -> ServiceRow:
        if self.ends_on is not None and self.ends_on < self.starts_on:
            raise wrong("ends_on", f"the service ends on {self.ends_on}, before it starts, on {self.starts_on}")
        if self.interval > 1 and self.anchor is None:
            raise wrong("anchor", f"is needed for every {self.interval} weeks: a day of a week in which it is served")
        try:
            self.days()
        except CannotPrice as error:
            raise wrong("month_day" if error.field == "monthly" else error.field, error.message) from None
        return self

    def days(self) -> Pattern:
        """Its pattern, to be asked when it is due. Raises CannotPrice."""
        if self.pattern == "weekly":
            given = {"anchor": self.anchor} if self.anchor else {}
            return Weekly(frozenset(map(int, self.weekdays)), self.interval, **given)
        if self.pattern == "monthly":
            return Monthly(self.month_day, self.nth, self.weekday)
        return OnCall()


class StayRow(Row):
    """A rented container stood there: from the day it came to the day it was taken away."""

    file: ClassVar[str] = "stays"
    key: ClassVar[tuple[str, ...]] = ("service", "delivered_on")
    refers: ClassVar[dict[str, str]] = {"service": "services"}
    service: cells.Code
    delivered_on: cells.Day
    removed_on: cells.Day | None = None

    @model_validator(mode="after")
    def _ends_after_start(self) -> StayRow:
        if self.removed_on is not None and self.removed_on < self.delivered_on:
            raise wrong("removed_on", f"{self.removed_on} is before the day of delivery, {self.delivered_on}")
        return self


class CouponRow(Row):
    """An amount off one document of a contract, in its currency."""

    file: ClassVar[str] = "coupons"
    refers: ClassVar[dict[str, str]] = {"contract": "contracts"}
    code: cells.Code
    contract: cells.Code
    amount: cells.Amount = Field(gt=0)
    valid_from: cells.Day
    valid_until: cells.Day | None = Field(default=None, description="The first day on which it is not valid any more.")
    title: cells.Text120

    @model_validator(mode="after")
    def _ends_after_start(self) -> CouponRow:
        if self.valid_until is not None and self.valid_until <= self.valid_from:
            raise wrong("valid_until", f"{self.valid_until} is not after valid_from, {self.valid_from}")
        return self
