"""What was agreed: contracts, and the services in them."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from billing.models import fields
from billing.models.customer import Customer, Site
from billing.models.holiday import HolidayCalendar
from billing.models.price_list import PriceList
from billing.models.tax import Jurisdiction


class Contract(models.Model):
    """Billed once for each period of its cycle, when the period is over. `ends_on` is the day after the last one with `exclusive`
    ends, the last one itself with `inclusive`. `parts`: how parts of a period's price are rounded."""

    class Every(models.TextChoices):
        WEEK = "week", "Every week"
        TWO_WEEKS = "two_weeks", "Every two weeks"
        FOUR_WEEKS = "four_weeks", "Every four weeks"
        MONTH = "month", "Every month"
        QUARTER = "quarter", "Every quarter"
        HALF_YEAR = "half_year", "Every half-year"
        YEAR = "year", "Every year"

    class Ends(models.TextChoices):
        EXCLUSIVE = "exclusive", "The end day is not served any more"
        INCLUSIVE = "inclusive", "The end day is the last one served"

    class Parts(models.TextChoices):
        SUM = "sum", "Parts sum to the whole"
        EACH = "each", "Each part by itself"

    code = fields.code(unique=True)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="contracts")
    jurisdiction = models.ForeignKey(Jurisdiction, on_delete=models.PROTECT, related_name="+")
    currency = fields.currency()
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)
    ends = models.CharField(max_length=9, choices=Ends.choices, default=Ends.EXCLUSIVE)
    every = models.CharField(max_length=10, choices=Every.choices, default=Every.MONTH)
    anchor = models.DateField(help_text="The first day of some period: later ones are counted from it.")
    parts = models.CharField(max_length=4, choices=Parts.choices, default=Parts.SUM)
    bill_from = models.DateField(
        null=True, blank=True, help_text="Periods that end before this day are not billed here."
    )
    on_hold = models.CharField(max_length=200, blank=True, default="", help_text="Why it is not billed for now.")
    auto_collect = models.BooleanField(
        default=False, help_text="Charge the customer's saved method when a document is final."
    )
    order_reference = models.CharField(max_length=100, blank=True, default="")

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on=None) | Q(ends_on__gte=F("starts_on")), name="contract_ends_after_start"
            )
        ]

    def __str__(self) -> str:
        return self.code


class Service(models.Model):
    """So many containers of a kind at a site, emptied by a pattern. Its own dates are within the contract's, and end as its do."""

    class Pattern(models.TextChoices):
        WEEKLY = "weekly", "On weekdays, every so many weeks"
        MONTHLY = "monthly", "On a day of the month"
        ON_CALL = "on_call", "On call"

    class Shift(models.TextChoices):
        NONE = "none", "Served on holidays, too"
        SKIP = "skip", "Not made up for"
        NEXT_DAY = "next_day", "The next day"
        DAY_BEFORE = "day_before", "The day before"
        REST_OF_WEEK = "rest_of_week", "A day later for the rest of the week"

    code = fields.code(unique=True)
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="services")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="services")
    price_list = models.ForeignKey(PriceList, on_delete=models.PROTECT, related_name="services")
    title = models.CharField(max_length=120)
    container_type = models.CharField(max_length=40)
    size = models.CharField(max_length=20, help_text="As it is printed: 8 yd, 1100 l.")
    containers = models.PositiveSmallIntegerField(default=1)
    pattern = models.CharField(max_length=7, choices=Pattern.choices)
    weekdays = models.CharField(
        max_length=7, blank=True, default="", help_text="Digits, 0 is Monday: 03 is Monday and Thursday."
    )
    interval = models.PositiveSmallIntegerField(default=1, help_text="Weeks: 2 is every other week.")
    anchor = models.DateField(null=True, blank=True, help_text="A day of a week in which it is served.")
    month_day = models.PositiveSmallIntegerField(null=True, blank=True)
    nth = models.SmallIntegerField(null=True, blank=True, help_text="1 to 4, or -1 for the month's last")
    weekday = models.PositiveSmallIntegerField(null=True, blank=True)
    holidays = models.ForeignKey(HolidayCalendar, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    shift = models.CharField(max_length=12, choices=Shift.choices, default=Shift.NONE)
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on=None) | Q(ends_on__gte=F("starts_on")), name="service_ends_after_start"
            ),
            models.CheckConstraint(condition=Q(containers__gte=1), name="service_has_containers"),
        ]

    def __str__(self) -> str:
        return self.code


class Stay(models.Model):
    """The days on which a rented container of the service stood there: the day it came, the day it was taken away."""

    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="stays")
    delivered_on = models.DateField()
    removed_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["service", "delivered_on"]
        constraints = [
            models.UniqueConstraint(fields=["service", "delivered_on"], name="stay_once"),
            models.CheckConstraint(
                condition=Q(removed_on=None) | Q(removed_on__gte=F("delivered_on")), name="stay_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service_id} from {self.delivered_on}"


class Coupon(models.Model):
    """An amount off one document of a contract, spread over its lines; the first one whose period begins on or after `valid_from`
    and on which it fits. `used_on` is that document."""

    code = fields.code(unique=True)
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="coupons")
    amount_minor = models.BigIntegerField()
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True, help_text="The first day on which it is not valid any more.")
    title = models.CharField(max_length=120)
    used_on = models.ForeignKey(
        "billing.Document", null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="coupons"
    )

    class Meta:
        ordering = ["code"]
        constraints = [models.CheckConstraint(condition=Q(amount_minor__gt=0), name="coupon_is_something")]

    def __str__(self) -> str:
        return self.code
