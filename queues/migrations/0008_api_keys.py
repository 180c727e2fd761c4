"""API keys for machines, and the sign-ins whose tokens count no more. New tables only: nothing running waits."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("queues", "0007_audit_chain"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="TokenFamily",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("user_id", models.BigIntegerField(blank=True, null=True)),
                (
                    "reason",
                    models.CharField(
                        choices=[("signed_out", "Signed out"), ("reused", "A refresh token came twice")], max_length=16
                    ),
                ),
                ("revoked_at", models.DateTimeField()),
                ("forget_at", models.DateTimeField(db_index=True)),
            ],
            options={"verbose_name_plural": "token families"},
        ),
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("prefix", models.CharField(editable=False, max_length=16, unique=True)),
                ("name", models.CharField(max_length=120)),
                ("digest", models.CharField(editable=False, max_length=64)),
                ("actions", models.JSONField(default=list)),
                ("queues", models.JSONField(default=list)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("last_used_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("created_at", models.DateTimeField(editable=False)),
                ("created_by", models.CharField(editable=False, max_length=150)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={"verbose_name": "API key", "verbose_name_plural": "API keys", "ordering": ["-id"]},
        ),
    ]
