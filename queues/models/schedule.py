"""When a definition runs by itself, and the fires that happened."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Schedule(models.Model):
    """Cron (five fields, in `timezone`), a fixed interval, or one moment. `next_fire_at` is kept by queues.timetable."""

    class Kind(models.TextChoices):
        CRON = "cron", "Cron"
        INTERVAL = "interval", "Interval"
        ONCE = "once", "Once"

    class Misfire(models.TextChoices):
        """What to do with fires that passed while no scheduler ran."""

        SKIP = "skip", "Skip them"
        ONCE = "once", "Catch up once"
        ALL = "all", "Catch up all"

    class Overlap(models.TextChoices):
        """What to do when the previous run is still live."""

        SKIP = "skip", "Skip this fire"
        QUEUE = "queue", "Queue it behind"
        REPLACE = "replace", "Cancel the previous run"

    name = models.CharField(max_length=120, unique=True)
    definition = models.ForeignKey("queues.JobDefinition", on_delete=models.CASCADE, related_name="schedules")
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.CRON)
    cron = models.CharField(
        max_length=120, blank=True, default="", help_text="Minute hour day month weekday, e.g. 30 5 * * 1-5."
    )
    interval_s = models.PositiveIntegerField(null=True, blank=True, verbose_name="interval, seconds")
    run_at = models.DateTimeField(null=True, blank=True, verbose_name="at")
    timezone = models.CharField(max_length=64, default="UTC", verbose_name="time zone")
    params = models.JSONField(default=dict, blank=True, verbose_name="parameters", help_text="Over the definition's.")
    enabled = models.BooleanField(default=True)
    misfire = models.CharField(max_length=5, choices=Misfire.choices, default=Misfire.ONCE)
    overlap = models.CharField(max_length=8, choices=Overlap.choices, default=Overlap.QUEUE)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    paused_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    pause_reason = models.CharField(max_length=300, blank=True, default="", editable=False)
    next_fire_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_fire_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["name"]
        indexes = [
            models.Index(
                fields=["next_fire_at"],
                name="schedule_due",
                condition=Q(enabled=True, paused_at__isnull=True, next_fire_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return self.name


class Fire(models.Model):
    """One moment of a schedule, inserted with its run: (schedule, fire time) is unique, so any number of schedulers may run."""

    class Outcome(models.TextChoices):
        FIRED = "fired", "Fired"
        MISSED = "missed", "Skipped as missed"
        OVERLAPPED = "overlapped", "Skipped as overlapping"
        REFUSED = "refused", "Refused"

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="fires")
    fire_at = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.FIRED)
    run_id = models.UUIDField(null=True, blank=True)
    note = models.CharField(max_length=300, blank=True, default="")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-fire_at"]
        constraints = [models.UniqueConstraint(fields=["schedule", "fire_at"], name="fire_once")]

    def __str__(self) -> str:
        return f"{self.schedule_id} at {self.fire_at:%Y-%m-%d %H:%M:%S}"
