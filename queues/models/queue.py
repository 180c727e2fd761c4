"""A queue as staff see and steer it, and the slots leased on it."""

from __future__ import annotations

from django.db import models


class Executor(models.TextChoices):
    THREADS = "threads", "Threads"
    ASYNCIO = "asyncio", "Event loop"
    CHILDREN = "children", "Child processes"


class Queue(models.Model):
    """Overrides are empty where the environment's or the catalogue's value holds (see queues.ledger.settings)."""

    name = models.CharField(max_length=64, primary_key=True, editable=False)
    title = models.CharField(max_length=80, editable=False)
    position = models.PositiveSmallIntegerField(default=0, editable=False)  # the order in which workers serve queues
    enabled = models.BooleanField(default=True, help_text="Off: nothing is taken from it. What waits stays.")
    concurrency = models.PositiveIntegerField(
        null=True, blank=True, help_text="Slots over all workers together. Empty: the default."
    )
    memory_limit_mb = models.PositiveIntegerField(null=True, blank=True, verbose_name="memory limit, MB")
    rate_limit = models.CharField(
        max_length=32, blank=True, default="", help_text="e.g. 30/s or 100/min. Empty: the default."
    )
    paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    paused_until = models.DateTimeField(null=True, blank=True, editable=False)
    paused_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    pause_reason = models.CharField(max_length=300, blank=True, default="", editable=False)
    drain_at = models.DateTimeField(null=True, blank=True, editable=False)  # runs created later wait for a resume
    drain_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    drain_reason = models.CharField(max_length=300, blank=True, default="", editable=False)
    executor = models.CharField(
        max_length=10, choices=Executor.choices, blank=True, default="",
        help_text="Where its runs execute: threads, an event loop, or child processes. Empty: the default.",
    )  # fmt: skip
    grants = models.JSONField(default=list, blank=True, editable=False)  # see queues.ledger.rates
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["position"]

    def __str__(self) -> str:
        return self.title


class Slot(models.Model):
    """A leased place on a queue: it holds one claimed batch, which runs serially. The token is the batch's lease."""

    token = models.UUIDField(primary_key=True)
    queue = models.CharField(max_length=64, db_index=True)
    worker_id = models.UUIDField(db_index=True)
    claimed_at = models.DateTimeField()
    behind = models.UUIDField(
        null=True, blank=True
    )  # the slot after which it runs; while that one is there it does not count

    def __str__(self) -> str:
        return f"{self.queue} {self.token}"
