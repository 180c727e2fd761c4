"""Who changed what, when, from where and why."""

from __future__ import annotations

from django.db import models


class AuditEntry(models.Model):
    """Inserted in the change's own transaction and never changed: the database refuses it (migrations/_append_only.py).

    Labels are copied: it holds no foreign keys. Sealed within a second or two: see AuditSeal.
    """

    at = models.DateTimeField()
    actor = models.CharField(max_length=150)
    actor_id = models.BigIntegerField(null=True, blank=True)
    source = models.CharField(max_length=16)
    address = models.CharField(max_length=64, blank=True, default="")
    request_id = models.CharField(max_length=64, blank=True, default="")
    action = models.CharField(max_length=64)  # "schedule.pause"
    object_type = models.CharField(max_length=64)
    object_id = models.CharField(max_length=64)
    object_label = models.CharField(max_length=200, blank=True, default="")
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    why = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["-id"]
        verbose_name = "audit entry"
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["object_type", "object_id"], name="audit_object"),
            models.Index(fields=["actor", "-id"], name="audit_actor"),
            models.Index(fields=["action", "-id"], name="audit_action"),
            models.Index(fields=["at"], name="audit_at"),
        ]
        permissions = [("see_unmasked_audit", "See personal data in the audit log")]

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.object_label or self.object_id}"
