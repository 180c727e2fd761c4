"""What goes in and out where alerts are read and acknowledged."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from queues.api.fields import Moment, Strict
from queues.api.pages import PageQuery
from queues.models import Alert
from queues.watch.alert_rules import BY_NAME

Serializer = serializers.Serializer[Any]
STATES = ("open", "resolved", "all")


class AlertAnswer(Serializer):
    """An alert. `value`, `threshold` and `peak` are in `unit`."""

    id = serializers.UUIDField()
    url = serializers.CharField()
    rule = serializers.CharField(help_text="e.g. queue_wait; all of them are in docs/reference/alerts.md.")
    title = serializers.CharField()
    queue = serializers.CharField(allow_null=True, help_text="null: it is about the whole house.")
    state = serializers.ChoiceField(choices=("open", "resolved"))
    level = serializers.ChoiceField(choices=Alert.Level.values, help_text="Now, or when it resolved.")
    text = serializers.CharField(allow_blank=True, help_text="What was found, in words.")
    value = serializers.FloatField()
    threshold = serializers.FloatField(help_text="The line of its level.")
    peak = serializers.FloatField(help_text="The worst value since it opened.")
    unit = serializers.CharField(allow_blank=True)
    act = serializers.CharField(allow_blank=True, help_text="What to do.")
    runbook = serializers.CharField(allow_blank=True, help_text="The page in docs/runbooks.")
    opened_at = Moment()
    level_at = Moment(help_text="Since when it has this level.")
    last_seen_at = Moment(help_text="When it was last found beyond its line.")
    resolved_at = Moment(allow_null=True)
    reopened = serializers.IntegerField(help_text="How often it came back within five minutes of its resolution.")
    acknowledged_at = Moment(allow_null=True)
    acknowledged_by = serializers.CharField(allow_blank=True)
    note = serializers.CharField(allow_blank=True)


class AlertPage(Serializer):
    items = AlertAnswer(many=True)
    next = serializers.CharField(allow_null=True, help_text="The next page's path; null: this is the last one.")


class AlertQuery(PageQuery):
    """Those for which all that is given holds, the newest first."""

    state = serializers.ChoiceField(choices=STATES, required=False, default="open")
    level = serializers.ChoiceField(choices=Alert.Level.values, required=False)
    queue = serializers.CharField(required=False, max_length=64, help_text="Its name or an alias.")
    rule = serializers.ChoiceField(choices=list(BY_NAME), required=False)


@extend_schema_serializer(component_name="Acknowledge")  # the schema adds "Request"
class AcknowledgeRequest(Strict):
    """Perhaps what is being done about it."""

    note = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=300,
        default="",
        help_text="Shown with the alert; in the audit log.",
    )
