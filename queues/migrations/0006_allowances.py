"""What roles, users and API keys may ask for in a time; and the counting while Redis is away. New tables alone."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("queues", "0005_fast_indexes")]

    operations = [
        migrations.CreateModel(
            name="Allowance",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("role", "Role"), ("user", "User"), ("key", "API key")],
                        max_length=8,
                        verbose_name="whose",
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="The role's name, the user's name, or the API key's prefix.", max_length=150
                    ),
                ),
                (
                    "bucket",
                    models.CharField(
                        choices=[
                            ("general", "All requests"),
                            ("creation", "Jobs asked for"),
                            ("administration", "Administration"),
                        ],
                        help_text="All requests count; some count here as well.",
                        max_length=16,
                        verbose_name="what",
                    ),
                ),
                (
                    "count",
                    models.PositiveIntegerField(
                        help_text="Requests, or jobs: a batch counts each of its jobs.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(1000000),
                        ],
                        verbose_name="at most",
                    ),
                ),
                (
                    "per_s",
                    models.PositiveIntegerField(
                        help_text="60 is a minute, 900 a quarter of an hour, 86400 a day.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(86400),
                        ],
                        verbose_name="in seconds",
                    ),
                ),
                (
                    "note",
                    models.CharField(blank=True, default="", help_text="For those who read it later.", max_length=300),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("version", models.PositiveIntegerField(default=0, editable=False)),
            ],
            options={
                "ordering": ["kind", "name", "bucket"],
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "name", "bucket"), name="allowance_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Spending",
            fields=[
                ("who", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("grants", models.JSONField(default=list)),
            ],
        ),
    ]
