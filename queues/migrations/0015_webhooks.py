"""Webhooks, and what they are told. New tables only: nothing running waits."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import queues.models.encrypted


class Migration(migrations.Migration):
    dependencies = [
        ("queues", "0014_alerts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="WebhookEndpoint",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("url", models.CharField(max_length=1000)),
                ("description", models.CharField(blank=True, default="", max_length=200)),
                ("events", models.JSONField(default=list)),
                ("queues", models.JSONField(default=list)),
                ("jobs", models.JSONField(blank=True, default=list)),
                ("whole", models.BooleanField(default=False, editable=False)),
                ("secret", queues.models.encrypted.EncryptedTextField(editable=False)),
                ("previous_secret", queues.models.encrypted.EncryptedTextField(blank=True, default="", editable=False)),
                ("previous_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("enabled", models.BooleanField(default=True)),
                ("disabled_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("disabled_by", models.CharField(blank=True, default="", editable=False, max_length=150)),
                ("disabled_why", models.CharField(blank=True, default="", editable=False, max_length=300)),
                ("failing_since", models.DateTimeField(blank=True, editable=False, null=True)),
                ("last_success_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("created_at", models.DateTimeField(editable=False)),
                ("created_by", models.CharField(editable=False, max_length=150)),
                ("updated_at", models.DateTimeField(editable=False)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={"verbose_name": "webhook", "ordering": ["-id"]},
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("event", models.CharField(max_length=40)),
                ("key", models.CharField(max_length=160)),
                ("queue", models.CharField(blank=True, default="", max_length=64)),
                ("subject", models.CharField(blank=True, default="", max_length=64)),
                ("payload", models.TextField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"), ("sending", "Sending"), ("delivered", "Delivered"), ("dead", "Dead"),
                        ],
                        default="pending",
                        max_length=10,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("token", models.UUIDField(blank=True, null=True)),
                ("next_at", models.DateTimeField(blank=True, null=True)),
                ("status", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("error", models.CharField(blank=True, default="", max_length=300)),
                ("created_at", models.DateTimeField()),
                ("done_at", models.DateTimeField(blank=True, null=True)),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="deliveries",
                        to="queues.webhookendpoint",
                    ),
                ),
            ],
            options={
                "verbose_name": "webhook delivery",
                "verbose_name_plural": "webhook deliveries",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["endpoint", "-id"], name="webhook_of_endpoint"),
                    models.Index(
                        condition=models.Q(("state__in", ["pending", "sending"])),
                        fields=["endpoint", "next_at"],
                        name="webhook_open",
                    ),
                    models.Index(
                        condition=models.Q(("state", "dead")), fields=["endpoint", "created_at"], name="webhook_dead"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("endpoint", "key"), name="webhook_told_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "sending"), ("token__isnull", False)),
                            models.Q(("state", "sending"), _negated=True),
                            _connector="OR",
                        ),
                        name="webhook_sending_has_token",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookAttempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("status", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("duration_ms", models.PositiveIntegerField()),
                ("error", models.CharField(blank=True, default="", max_length=300)),
                ("excerpt", models.TextField(blank=True, default="")),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="tries", to="queues.webhookdelivery"
                    ),
                ),
            ],
            options={"ordering": ["id"]},
        ),
        migrations.CreateModel(
            name="WebhookTally",
            fields=[
                ("outcome", models.CharField(max_length=16, primary_key=True, serialize=False)),
                ("total", models.PositiveBigIntegerField(default=0)),
            ],
        ),
    ]
