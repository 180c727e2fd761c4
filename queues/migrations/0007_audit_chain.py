"""The audit log is append-only and chained. Made beside running workers: the index first, and no lock is waited for long."""

from django.db import migrations, models

from queues.migrations._append_only import AppendOnly
from queues.migrations._online import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("queues", "0006_allowances")]

    operations = [
        AddIndexOnline("auditentry", models.Index(fields=["at"], name="audit_at")),
        migrations.AlterModelOptions(
            name="auditentry",
            options={
                "ordering": ["-id"],
                "permissions": [("see_unmasked_audit", "See personal data in the audit log")],
                "verbose_name": "audit entry",
                "verbose_name_plural": "audit entries",
            },
        ),
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                ("seq", models.BigIntegerField(primary_key=True, serialize=False)),
                ("entry_id", models.BigIntegerField(unique=True)),
                ("digest", models.CharField(max_length=64)),
            ],
            options={"ordering": ["-seq"]},
        ),
        AppendOnly(["queues_auditentry", "queues_auditseal"]),
    ]
