"""A billing run: all periods that are over by a day, from the drafts to the final documents."""

from __future__ import annotations

from django.db import models

from billing.models import fields
from billing.models.contract import Contract


class BillingRun(models.Model):
    """`through`: periods that end on or before this day (their ends exclusive) are billed. `preview_hash` is over all drafts as they
    were prepared; an approval is of that hash and of no other. Who prepared and approved are user ids and labels."""

    class State(models.TextChoices):
        OPEN = "open", "Being prepared"
        PREPARED = "prepared", "Prepared"
        APPROVED = "approved", "Approved"
        FINAL = "final", "Final"
        DISCARDED = "discarded", "Discarded"

    LIVE = (State.OPEN, State.PREPARED, State.APPROVED)

    code = fields.code(unique=True)
    through = models.DateField()
    issue_date = models.DateField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    expected = models.PositiveIntegerField(default=0, help_text="Periods of contracts that were to be billed.")
    billed = models.PositiveIntegerField(default=0)
    excluded = models.PositiveIntegerField(default=0)
    preview_hash = models.CharField(max_length=64, blank=True, default="")
    totals = models.JSONField(default=dict, help_text="By currency: documents, net, tax, gross (minor units).")
    prepared_by = models.CharField(max_length=150, blank=True, default="")
    prepared_by_id = models.BigIntegerField(null=True)
    prepared_at = models.DateTimeField(null=True)
    approved_by = models.CharField(max_length=150, blank=True, default="")
    approved_by_id = models.BigIntegerField(null=True)
    approved_at = models.DateTimeField(null=True)
    approved_hash = models.CharField(max_length=64, blank=True, default="")
    finalised_at = models.DateTimeField(null=True)
    collected_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-through", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["through"],
                condition=models.Q(state__in=["open", "prepared", "approved"]),
                name="one_live_run_a_day",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def unresolved(self) -> int:
        return self.expected - self.billed - self.excluded


class RunItem(models.Model):
    """One period of one contract in a run: its draft, or why there is none (all but drafted and final count as excluded). `change_percent` is against the document of the period
    before, `why` says in words where the difference lies."""

    class State(models.TextChoices):
        DRAFTED = "drafted", "Drafted"
        NOTHING = "nothing", "Nothing to bill"
        EXCLUDED = "excluded", "Excluded"
        SET_ASIDE = "set_aside", "Set aside"
        SENT_BACK = "sent_back", "Sent back"
        FINAL = "final", "Final"

    run = models.ForeignKey(BillingRun, on_delete=models.CASCADE, related_name="items")
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="+")
    period_start = models.DateField()
    period_end = models.DateField()
    state = models.CharField(max_length=9, choices=State.choices)
    reason = models.CharField(max_length=500, blank=True, default="")
    document = models.OneToOneField(
        "billing.Document", null=True, blank=True, on_delete=models.SET_NULL, related_name="item"
    )
    previous = models.ForeignKey("billing.Document", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    change_percent = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    outlier = models.BooleanField(default=False)
    why = models.JSONField(default=list, help_text="Sentences: where the difference to the period before lies.")

    class Meta:
        ordering = ["contract__code", "period_start"]
        constraints = [
            models.UniqueConstraint(fields=["run", "contract", "period_start"], name="run_item_once"),
        ]
        indexes = [models.Index(fields=["run", "state"], name="run_item_by_state")]

    def __str__(self) -> str:
        return f"{self.contract_id} {self.period_start}"
