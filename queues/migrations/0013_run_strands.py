"""Indexes of the lists of runs, made beside running workers: by state, queue and job, in the place of the one by state
alone; and what failed of a definition or a schedule."""

from django.db import migrations, models
from django.db.models import Q

from queues.migrations._online import AddIndexOnline, RemoveIndexOnline

FAILED_STATES = ("dead", "cancelled")


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("queues", "0012_unsigned_tokens")]

    operations = [
        AddIndexOnline("run", models.Index(fields=["state", "queue", "job", "id"], name="run_listed")),
        RemoveIndexOnline("run", "run_by_state"),
        AddIndexOnline(
            "run",
            models.Index(
                fields=["definition", "id"],
                name="run_failed_of_definition",
                condition=Q(("state__in", FAILED_STATES), ("definition__isnull", False)),
            ),
        ),
        AddIndexOnline(
            "run",
            models.Index(
                fields=["schedule", "id"],
                name="run_failed_of_schedule",
                condition=Q(("state__in", FAILED_STATES), ("schedule__isnull", False)),
            ),
        ),
    ]
