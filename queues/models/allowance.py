"""What the API lets a role, a person or an API key ask for in a time, where it isn't what the settings say."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

MOST, LONGEST_S = 1_000_000, 86_400


class Allowance(models.Model):
    """`count` of a bucket in any `per_s` seconds. The key's goes before the user's, that before the roles'."""

    class Kind(models.TextChoices):
        ROLE = "role", "Role"
        USER = "user", "User"
        KEY = "key", "API key"

    class Bucket(models.TextChoices):
        GENERAL = "general", "All requests"
        CREATION = "creation", "Jobs asked for"
        ADMINISTRATION = "administration", "Administration"

    kind = models.CharField("whose", max_length=8, choices=Kind.choices)
    name = models.CharField(max_length=150, help_text="The role's name, the user's name, or the API key's prefix.")
    bucket = models.CharField(
        "what", max_length=16, choices=Bucket.choices, help_text="All requests count; some count here as well."
    )
    count = models.PositiveIntegerField(
        "at most",
        validators=[MinValueValidator(1), MaxValueValidator(MOST)],
        help_text="Requests, or jobs: a batch counts each of its jobs.",
    )
    per_s = models.PositiveIntegerField(
        "in seconds",
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_S)],
        help_text="60 is a minute, 900 a quarter of an hour, 86400 a day.",
    )
    note = models.CharField(max_length=300, blank=True, default="", help_text="For those who read it later.")
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        ordering = ["kind", "name", "bucket"]
        constraints = [models.UniqueConstraint(fields=["kind", "name", "bucket"], name="allowance_once")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.name}: {self.get_bucket_display().lower()}"


class Spending(models.Model):
    """What somebody asked for lately, counted here while Redis is away; see `queues.rates` for `grants`."""

    who = models.CharField(max_length=200, primary_key=True)  # "creation:60:user:7"
    grants = models.JSONField(default=list)

    def __str__(self) -> str:
        return self.who
