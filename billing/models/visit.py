"""What happened: visits to a service, and what was weighed."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from billing.models import fields
from billing.models.contract import Service


class Visit(models.Model):
    """`planned_on`: the day it was due (null: on call); `day`: the local day it was made, or was to be. What is recorded after its
    period was billed goes into the next document. `billed_on` is the document it counts in."""

    class Outcome(models.TextChoices):
        DONE = "done", "Done"
        MISSED_BY_US = "missed_by_us", "Skipped, our fault"
        MISSED_BY_CUSTOMER = "missed_by_customer", "Skipped, the customer's fault"
        BLOCKED = "blocked", "Blocked"

    code = fields.code(unique=True)
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="visits")
    planned_on = models.DateField(null=True, blank=True)
    day = models.DateField()
    outcome = models.CharField(max_length=18, choices=Outcome.choices, default=Outcome.DONE)
    extra = models.BooleanField(default=False, help_text="Beyond the schedule.")
    containers = models.PositiveSmallIntegerField(default=1)
    contaminated = models.BooleanField(default=False)
    evidence = models.CharField(max_length=200, blank=True, default="", help_text="Of a contamination: photo, note.")
    note = models.CharField(max_length=200, blank=True, default="")
    recorded_at = models.DateTimeField(auto_now_add=True)
    billed_on = models.ForeignKey(
        "billing.Document", null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="visits"
    )

    class Meta:
        ordering = ["day", "code"]
        indexes = [
            models.Index(fields=["service", "day"], name="visit_by_service"),
            models.Index(fields=["day"], condition=Q(billed_on=None), name="visit_unbilled"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(containers__gte=1), name="visit_has_containers"),
            models.CheckConstraint(
                condition=Q(contaminated=False) | ~Q(evidence=""), name="contamination_has_evidence"
            ),
        ]

    def __str__(self) -> str:
        return self.code


class WeighTicket(models.Model):
    """What the scale said, in its unit. `net_kg`: gross less tare in kg, exact to the gram by the unit's definition."""

    class Unit(models.TextChoices):
        KG = "kg", "kg"
        TONNE = "t", "t"
        POUND = "lb", "lb"
        SHORT_TON = "short_ton", "short ton"

    code = fields.code(unique=True)
    visit = models.OneToOneField(Visit, on_delete=models.PROTECT, related_name="ticket")
    gross = models.DecimalField(max_digits=12, decimal_places=3)
    tare = models.DecimalField(max_digits=12, decimal_places=3)
    unit = models.CharField(max_length=9, choices=Unit.choices, default=Unit.KG)
    net_kg = models.DecimalField(max_digits=12, decimal_places=3)
    weighed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(condition=Q(tare__gte=0) & Q(gross__gte=F("tare")), name="gross_is_not_below_tare"),
            models.CheckConstraint(condition=Q(net_kg__gte=0), name="net_weight_not_negative"),
        ]

    def __str__(self) -> str:
        return self.code
