"""Invoices and credit notes. A draft may be thrown away; a final one never changes: the database sees to it.

What becomes of a final document (paid, credited, void) is in its standing, beside it.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from uuid_utils.compat import uuid7

from billing.models import fields
from billing.models.contract import Contract
from billing.models.customer import Customer
from billing.models.run import BillingRun


class Series(models.Model):
    """Numbers without gaps: `next_number` is given at finalisation, in its transaction. A number is prefix + so many digits."""

    code = fields.code(unique=True)
    prefix = models.CharField(max_length=20, blank=True, default="")
    digits = models.PositiveSmallIntegerField(default=6)
    next_number = models.PositiveBigIntegerField(default=1)

    class Meta:
        ordering = ["code"]
        verbose_name_plural = "series"

    def __str__(self) -> str:
        return self.code


class Document(models.Model):
    """All amounts are positive on an invoice that is to be paid, and on a credit note that is owed to the customer.

    `parties`: seller, buyer and sites as they were (JSON). `digest`: SHA-256 over everything that is priced and printed but the number.
    `generation` counts how often the period was billed anew after a void. The period's end is exclusive.
    """

    class Kind(models.TextChoices):
        INVOICE = "invoice", "Invoice"
        CREDIT_NOTE = "credit_note", "Credit note"

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        FINAL = "final", "Final"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=11, choices=Kind.choices, default=Kind.INVOICE)
    state = models.CharField(max_length=5, choices=State.choices, default=State.DRAFT)
    series = models.ForeignKey(Series, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    sequence = models.PositiveBigIntegerField(null=True, blank=True)
    number = models.CharField(max_length=40, null=True, blank=True, unique=True)
    run = models.ForeignKey(BillingRun, null=True, blank=True, on_delete=models.PROTECT, related_name="documents")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="documents")
    contract = models.ForeignKey(Contract, null=True, blank=True, on_delete=models.PROTECT, related_name="documents")
    period_start = models.DateField(null=True, blank=True)
    period_end = models.DateField(null=True, blank=True)
    generation = models.PositiveSmallIntegerField(default=0)
    credits = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="credit_notes")
    reason = models.CharField(max_length=300, blank=True, default="", help_text="Of a credit note.")
    currency = fields.currency()
    tax_mode = models.CharField(max_length=9, default="exclusive")
    rounding = models.CharField(max_length=8, default="document")
    language = models.CharField(max_length=5, default="en")
    tax_point = models.DateField()
    issue_date = models.DateField(null=True, blank=True)
    due_date = models.DateField(null=True, blank=True)
    parties = models.JSONField(default=dict)
    net_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()
    gross_minor = models.BigIntegerField()
    exchange_rate = models.DecimalField(max_digits=18, decimal_places=8, null=True, blank=True)
    exchange_currency = fields.currency(blank=True, default="")
    exchange_on = models.DateField(null=True, blank=True)
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    finalised_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["series", "sequence"], name="document_number_once"),
            models.UniqueConstraint(
                fields=["contract", "period_start", "generation"],
                condition=Q(kind="invoice") | Q(credits=None),
                name="period_billed_once",
            ),
            models.CheckConstraint(
                condition=Q(state="draft", number=None, sequence=None, finalised_at=None)
                | Q(
                    state="final",
                    number__isnull=False,
                    sequence__isnull=False,
                    series__isnull=False,
                    finalised_at__isnull=False,
                    issue_date__isnull=False,
                    due_date__isnull=False,
                ),
                name="final_has_number",
            ),
            models.CheckConstraint(
                condition=Q(gross_minor=models.F("net_minor") + models.F("tax_minor")), name="gross_is_net_and_tax"
            ),
            models.CheckConstraint(condition=Q(gross_minor__gte=0), name="gross_not_negative"),
            models.CheckConstraint(condition=Q(kind="credit_note") | Q(credits=None), name="only_credit_notes_credit"),
        ]
        indexes = [
            models.Index(fields=["contract", "-period_start"], name="document_by_contract"),
            models.Index(fields=["customer", "-issue_date"], name="document_by_customer"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.number or f"Draft {str(self.id)[-12:]}"


class Line(models.Model):
    """`amount_minor` is as the document's tax mode says, `net_minor` without and `tax_minor` its part of the tax. Derivation: `rule`, `inputs`,
    `words`, and `events`, the visits it rests on. `since`: the first day of the period it is for, where that is an earlier one (late)."""

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveIntegerField()
    service = models.CharField(max_length=40, blank=True, default="")
    site = models.CharField(max_length=40, blank=True, default="")
    code = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    quantity = models.DecimalField(max_digits=18, decimal_places=6, default=1)
    unit = models.CharField(
        max_length=3, default="C62", help_text="UN/ECE Recommendation 20: C62 piece, TNE tonne, DAY."
    )
    unit_price = models.DecimalField(
        max_digits=18, decimal_places=6, help_text="Not negative; a credit has a negative quantity."
    )
    amount_minor = models.BigIntegerField()
    net_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()
    category = models.CharField(max_length=2, choices=fields.Category.choices)
    rate = fields.percent()
    rule = models.CharField(max_length=20)
    words = models.CharField(max_length=500)
    inputs = models.JSONField(default=dict)
    events = models.JSONField(default=list)
    since = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["document", "position"]
        constraints = [models.UniqueConstraint(fields=["document", "position"], name="line_position_once")]

    def __str__(self) -> str:
        return f"{self.position}: {self.title}"


class Adjustment(models.Model):
    """What the document as a whole takes off or adds (a coupon's parts), not negative; `net_minor` is without tax."""

    class Kind(models.TextChoices):
        ALLOWANCE = "allowance", "Allowance"
        CHARGE = "charge", "Charge"

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="adjustments")
    position = models.PositiveIntegerField()
    kind = models.CharField(max_length=9, choices=Kind.choices)
    reason = models.CharField(max_length=200)
    amount_minor = models.BigIntegerField()
    net_minor = models.BigIntegerField()
    category = models.CharField(max_length=2, choices=fields.Category.choices)
    rate = fields.percent()

    class Meta:
        ordering = ["document", "position"]
        constraints = [models.UniqueConstraint(fields=["document", "position"], name="adjustment_position_once")]

    def __str__(self) -> str:
        return self.reason


class TaxGroup(models.Model):
    """All of a document under one category and rate. `reason`: why no tax is due."""

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="tax_groups")
    position = models.PositiveIntegerField()
    category = models.CharField(max_length=2, choices=fields.Category.choices)
    rate = fields.percent()
    base_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()
    reason = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        ordering = ["document", "position"]
        constraints = [models.UniqueConstraint(fields=["document", "category", "rate"], name="tax_group_once")]

    def __str__(self) -> str:
        return f"{self.category} {self.rate}"


class DocumentFile(models.Model):
    """A final document as it was sent: PDF (with the Factur-X XML in it) or UBL."""

    class Kind(models.TextChoices):
        PDF = "pdf", "PDF"
        UBL = "ubl", "EN 16931 XML (UBL)"

    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="files")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["document", "kind"]
        constraints = [models.UniqueConstraint(fields=["document", "kind"], name="document_file_once")]

    def __str__(self) -> str:
        return f"{self.document_id}.{self.kind}"
