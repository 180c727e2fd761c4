"""What an error means: whether another attempt could help. Data, so that staff mend a wrong judgement at once."""

from __future__ import annotations

from django.db import models


class ErrorRule(models.Model):
    """One look-up by (type, code) decides. An empty code stands for every code of the type."""

    error_type = models.CharField(max_length=200, help_text="The exception's class name, e.g. ConnectTimeout.")
    error_code = models.CharField(
        max_length=64, blank=True, default="", help_text="The error's own code, e.g. 429. Empty: every code."
    )
    permanent = models.BooleanField(
        help_text="Permanent: another attempt would fail alike, so the run goes to the dead letters at once."
    )
    note = models.CharField(max_length=300, blank=True, default="")
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["error_type", "error_code"]
        constraints = [models.UniqueConstraint(fields=["error_type", "error_code"], name="error_rule_once")]

    def __str__(self) -> str:
        return f"{self.error_type} {self.error_code}".strip()
