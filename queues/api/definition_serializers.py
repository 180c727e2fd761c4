"""What goes in and out where jobs are defined. Durations in seconds; null means as the job declares."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from queues import catalogue
from queues.api.fields import FutureMoment, JsonObject, Moment, Strict
from queues.api.pages import PageQuery
from queues.api.serializers import MAX_KEY

Serializer = serializers.Serializer[Any]
DAY_S, YEAR_S = 86_400, 366 * 86_400


def why() -> serializers.CharField:
    return serializers.CharField(
        required=False, allow_blank=True, max_length=300, default="", help_text="For the audit log."
    )


class DefinitionFields(Strict):
    """What staff may set; null puts back what the job declares."""

    description = serializers.CharField(required=False, allow_blank=True, max_length=10_000)
    params = JsonObject(required=False, help_text="The job's parameters, all of them: what is left out is its default.")
    enabled = serializers.BooleanField(
        required=False, help_text="Off: nothing new is run from it; what waits still runs."
    )
    unique = serializers.BooleanField(
        required=False, help_text="At most one live run at a time; a second request answers with the first."
    )
    priority = serializers.IntegerField(required=False, allow_null=True, min_value=-100, max_value=100)
    timeout_s = serializers.FloatField(required=False, allow_null=True, min_value=0.1, max_value=7 * DAY_S)
    max_attempts = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=1000, help_text="The first execution and its retries."
    )
    cache_ttl_s = serializers.FloatField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=YEAR_S,
        help_text="How long a result answers again; 0: never.",
    )
    retention_days = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=36_600)
    sla_warning_s = serializers.FloatField(required=False, allow_null=True, min_value=0.001, max_value=YEAR_S)
    sla_critical_s = serializers.FloatField(required=False, allow_null=True, min_value=0.001, max_value=YEAR_S)
    why = why()


@extend_schema_serializer(component_name="Definition")  # the schema adds "Request"
class DefinitionRequest(DefinitionFields):
    """A new definition: a job with its parameters under a name."""

    name = serializers.CharField(max_length=120)
    job = serializers.CharField(max_length=100, help_text="The job's name or alias. It cannot be changed later.")


@extend_schema_serializer(component_name="DefinitionChange")
class DefinitionChange(DefinitionFields):
    """What is left out stays as it is."""

    name = serializers.CharField(max_length=120, required=False)


@extend_schema_serializer(component_name="DefinitionRun")
class DefinitionRun(Strict):
    """One run of the definition; nothing needs to be given."""

    params = JsonObject(required=False, help_text="Over the definition's own.")
    at = FutureMoment(required=False, allow_null=True, help_text="When to run, with an offset. Left out: now.")
    priority = serializers.IntegerField(required=False, allow_null=True, min_value=-100, max_value=100)
    dedupe_key = serializers.CharField(required=False, allow_null=True, max_length=MAX_KEY)
    fresh = serializers.BooleanField(required=False, help_text="Run it anew, though a result could be reused.")
    why = serializers.CharField(required=False, allow_blank=True, max_length=300, help_text="For the audit log.")


class DefinitionAnswer(Serializer):
    """A definition as it is now."""

    id = serializers.IntegerField()
    url = serializers.CharField(help_text="Where to ask again.")
    name = serializers.CharField()
    job = serializers.CharField()
    queue = serializers.ChoiceField(
        choices=catalogue.NAMES, allow_null=True, help_text="null: its job is no longer declared, and it cannot run."
    )
    description = serializers.CharField(allow_blank=True)
    params = JsonObject()
    enabled = serializers.BooleanField()
    unique = serializers.BooleanField()
    priority = serializers.IntegerField(allow_null=True)
    timeout_s = serializers.FloatField(allow_null=True)
    max_attempts = serializers.IntegerField(allow_null=True)
    cache_ttl_s = serializers.FloatField(allow_null=True)
    retention_days = serializers.IntegerField(allow_null=True)
    sla_warning_s = serializers.FloatField(allow_null=True)
    sla_critical_s = serializers.FloatField(allow_null=True)
    created_at = Moment()
    updated_at = Moment()
    version = serializers.IntegerField(help_text="Counts the changes.")


class DefinitionPage(Serializer):
    items = DefinitionAnswer(many=True)
    next = serializers.CharField(allow_null=True, help_text="The next page's path; null: this is the last one.")


class DefinitionQuery(PageQuery):
    """By name."""

    job = serializers.CharField(required=False, max_length=100, help_text="A job's name or alias.")
    queue = serializers.CharField(required=False, max_length=64, help_text="A queue's name or alias.")
    enabled = serializers.BooleanField(required=False)
    text = serializers.CharField(required=False, max_length=100, help_text="Somewhere in name, job or description.")


class WhyQuery(Strict):
    """For a request without a body."""

    why = why()
