"""Indexes of the hot path, made beside running workers."""

from django.db import migrations, models

from queues.migrations._online import AddIndexOnline, RemoveIndexOnline


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("queues", "0004_fast")]

    operations = [
        AddIndexOnline(
            "run",
            models.Index(
                fields=["queue", "-priority", "concurrency_key", "due_at", "id"],
                name="run_next",
                condition=models.Q(state="pending"),
            ),
        ),
        AddIndexOnline(
            "run",
            models.Index(
                fields=["cache_key", "-finished_at"],
                name="run_reusable",
                condition=models.Q(("state", "succeeded"), models.Q(("cache_key", ""), _negated=True)),
            ),
        ),
        AddIndexOnline(
            "run",
            models.Index(
                fields=["definition", "-id"], name="run_of_definition", condition=models.Q(definition__isnull=False)
            ),
        ),
        RemoveIndexOnline("run", "run_pending"),
        RemoveIndexOnline("run", "run_leased"),
        RemoveIndexOnline("run", "run_by_definition"),
    ]
