"""Indexes of the lists of runs, made beside running workers; and answers kept for callers that are no run."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import migrations, models

from queues.migrations._online import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("queues", "0008_api_keys")]

    operations = [
        AddIndexOnline(
            "run",
            models.Index(
                fields=["concurrency_key", "-id"],
                name="run_of_key",
                condition=models.Q(("concurrency_key", ""), _negated=True),
            ),
        ),
        AddIndexOnline(
            "run",
            models.Index(
                fields=["dedupe_key", "-id"],
                name="run_of_dedupe_key",
                condition=models.Q(("dedupe_key__isnull", False)),
            ),
        ),
        migrations.AddField(
            "idempotencyrecord", "answer", models.JSONField(blank=True, null=True, encoder=DjangoJSONEncoder)
        ),
    ]
