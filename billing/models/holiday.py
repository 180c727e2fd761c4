"""Days on which nobody drives."""

from __future__ import annotations

from django.db import models

from billing.models import fields


class HolidayCalendar(models.Model):
    code = fields.code(unique=True)
    title = models.CharField(max_length=120)

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code


class Holiday(models.Model):
    calendar = models.ForeignKey(HolidayCalendar, on_delete=models.CASCADE, related_name="holidays")
    day = models.DateField()
    name = models.CharField(max_length=120)

    class Meta:
        ordering = ["calendar", "day"]
        constraints = [models.UniqueConstraint(fields=["calendar", "day"], name="holiday_once")]

    def __str__(self) -> str:
        return f"{self.day} {self.name}"
