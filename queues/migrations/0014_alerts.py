"""Alerts, what happened to them, what staff say of their rules. New tables only: nothing running waits."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("queues", "0013_run_strands"),
    ]

    operations = [
        migrations.CreateModel(
            name="AlertWatch",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("looked_at", models.DateTimeField(blank=True, null=True)),
                ("beyond", models.JSONField(default=dict)),
                ("counts", models.JSONField(default=dict)),
            ],
        ),
        migrations.CreateModel(
            name="Alert",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("rule", models.CharField(max_length=64)),
                ("queue", models.CharField(blank=True, default="", max_length=64)),
                ("level", models.CharField(choices=[("warning", "Warning"), ("critical", "Critical")], max_length=8)),
                ("text", models.CharField(max_length=300)),
                ("value", models.FloatField()),
                ("threshold", models.FloatField()),
                ("peak", models.FloatField()),
                ("opened_at", models.DateTimeField()),
                ("level_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
                ("reopened", models.PositiveSmallIntegerField(default=0)),
                ("calm_since", models.DateTimeField(blank=True, null=True)),
                ("calm_level", models.CharField(blank=True, default="", max_length=8)),
                ("told_level", models.CharField(blank=True, default="", max_length=8)),
                ("quiet_until", models.DateTimeField(blank=True, null=True)),
                ("acknowledged_at", models.DateTimeField(blank=True, null=True)),
                ("acknowledged_by", models.CharField(blank=True, default="", max_length=150)),
                ("note", models.CharField(blank=True, default="", max_length=300)),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["resolved_at"], name="alert_resolved")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("resolved_at__isnull", True)),
                        fields=("rule", "queue"),
                        name="alert_open_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AlertEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("opened", "Opened"),
                            ("reopened", "Opened again"),
                            ("worsened", "Got worse"),
                            ("eased", "Got better"),
                            ("told", "Told to subscribers"),
                            ("resolved", "Resolved"),
                            ("acknowledged", "Acknowledged"),
                        ],
                        max_length=12,
                    ),
                ),
                ("level", models.CharField(max_length=8)),
                ("value", models.FloatField()),
                ("actor", models.CharField(blank=True, default="", max_length=150)),
                ("note", models.CharField(blank=True, default="", max_length=300)),
                (
                    "alert",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="events", to="queues.alert"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="AlertOverride",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rule", models.CharField(max_length=64)),
                (
                    "queue",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Empty: every queue that has no row of its own.",
                        max_length=64,
                    ),
                ),
                ("warning", models.FloatField(blank=True, help_text="Empty: as shipped.", null=True)),
                ("critical", models.FloatField(blank=True, help_text="Empty: as shipped.", null=True)),
                (
                    "muted_until",
                    models.DateTimeField(
                        blank=True, help_text="Until then alerts are shown, and nobody is told.", null=True
                    ),
                ),
                ("reason", models.CharField(help_text="Others will want to know.", max_length=300)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
            ],
            options={
                "verbose_name": "alert line or mute",
                "verbose_name_plural": "alert lines and mutes",
                "ordering": ["rule", "queue"],
                "constraints": [models.UniqueConstraint(fields=("rule", "queue"), name="alert_override_once")],
            },
        ),
    ]
