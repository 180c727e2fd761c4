"""A sign-in whose tokens count no more."""

from __future__ import annotations

from django.db import models


class TokenFamily(models.Model):
    """All the tokens that descend from one sign-in bear its id, in the claim `family`. A row: they are all refused.

    There is a row only for a family that was ended before its time, and only as long as a token of it could live.
    """

    class Reason(models.TextChoices):
        SIGNED_OUT = "signed_out", "Signed out"
        REUSED = "reused", "A refresh token came twice"

    id = models.UUIDField(primary_key=True, editable=False)
    user_id = models.BigIntegerField(null=True, blank=True)
    reason = models.CharField(max_length=16, choices=Reason.choices)
    revoked_at = models.DateTimeField()
    forget_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = "token families"

    def __str__(self) -> str:
        return f"{self.id} {self.reason}"
