"""The chain over the audit log: each seal holds the digest of its entry and of the seal before it."""

from __future__ import annotations

from django.db import models


class AuditSeal(models.Model):
    """Inserted by the sealer (queues.ledger.seals) and never changed. `seq` is 1, 2, 3 … without a gap.

    It refers to its entry without a foreign key: a removed entry must be found missing, not take its seal along.
    """

    seq = models.BigIntegerField(primary_key=True)
    entry_id = models.BigIntegerField(unique=True)
    digest = models.CharField(max_length=64)  # see queues.ledger.canonical

    class Meta:
        ordering = ["-seq"]

    def __str__(self) -> str:
        return f"{self.seq}:{self.digest}"
