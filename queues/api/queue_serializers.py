"""What goes in and out where a queue, or many runs, are steered."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from queues import catalogue
from queues.api.fields import FutureMoment, Moment, Strict
from queues.api.serializers import Reason
from queues.ledger import states

WAITING = (states.PENDING, states.SCHEDULED)


class EndMoment(FutureMoment):
    """When something that begins now ends."""

    default_error_messages = {"in_past": "This time is in the past: leave it out to pause until somebody resumes it."}


class RequiredReason(Strict):
    """Why, for those who will want to know and for the audit log."""

    why = serializers.CharField(max_length=300)


@extend_schema_serializer(component_name="Drain")  # the schema adds "Request"
class DrainRequest(RequiredReason):
    """Why it is drained."""


@extend_schema_serializer(component_name="Pause")
class PauseRequest(RequiredReason):
    """Why it is paused, and perhaps until when."""

    until = EndMoment(required=False, allow_null=True, help_text="With an offset. Left out: until somebody resumes it.")


@extend_schema_serializer(component_name="Resume")
class ResumeRequest(Reason):
    """Perhaps why."""


@extend_schema_serializer(component_name="Clean")
class CleanRequest(RequiredReason):
    """Which of the runs that wait are discarded: those for which all that is given holds."""

    states = serializers.MultipleChoiceField(
        choices=WAITING,
        required=False,
        allow_empty=False,
        help_text="pending: due and waiting; scheduled: due later. Left out: both.",
    )
    older_than_s = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=1_000_000_000,
        help_text="Created at least so many seconds ago.",
    )
    job = serializers.CharField(required=False, allow_null=True, max_length=100, help_text="A job's name or alias.")
    dry_run = serializers.BooleanField(required=False, default=False, help_text="Count only; change nothing.")


@extend_schema_serializer(component_name="RetryFailed")
class RetryFailedRequest(RequiredReason):
    """Which of the dead runs are retried: those for which all that is given holds."""

    queue = serializers.CharField(required=False, allow_null=True, max_length=64, help_text="Its name or an alias.")
    job = serializers.CharField(required=False, allow_null=True, max_length=100, help_text="A job's name or alias.")
    definition = serializers.CharField(
        required=False, allow_null=True, max_length=120, help_text="The definition's name."
    )
    error_code = serializers.CharField(
        required=False, allow_null=True, max_length=64, help_text="Of the last attempt, as the run tells it."
    )
    since = Moment(required=False, allow_null=True, help_text="Failed then or later. With an offset.")
    until = Moment(required=False, allow_null=True, help_text="Failed until then. With an offset. Left out: until now.")
    limit = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=10_000_000, help_text="At most so many, the oldest."
    )
    dry_run = serializers.BooleanField(required=False, default=False, help_text="Count only; change nothing.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        since, until = attrs.get("since"), attrs.get("until")
        if since and until and since > until:
            raise serializers.ValidationError({"until": ["This is before `since`."]}, "before_since")
        return attrs


class QueuesChanged(serializers.Serializer[Any]):
    """The queues that the verb changed, and those that were so already."""

    changed = serializers.ListField(child=serializers.ChoiceField(choices=catalogue.NAMES))
    already = serializers.ListField(child=serializers.ChoiceField(choices=catalogue.NAMES))


class DoingRun(serializers.Serializer[Any]):
    """The run that does it."""

    id = serializers.UUIDField()
    url = serializers.CharField(help_text="Where to ask how far it is.")


class CleanAnswer(serializers.Serializer[Any]):
    """How many runs there were, and what became of them."""

    count = serializers.IntegerField(help_text="Runs that fitted when they were counted.")
    cancelled = serializers.IntegerField(help_text="By this answer. Others had begun to run.")
    run = DoingRun(allow_null=True, help_text="Over 1,000: the run that does it.")


class RetryAnswer(serializers.Serializer[Any]):
    """How many runs there were, and what became of them."""

    count = serializers.IntegerField(help_text="Runs that fitted when they were counted, whatever the limit.")
    retried = serializers.IntegerField(help_text="By this answer.")
    skipped = serializers.IntegerField(help_text="Left alone: a live run has the same dedupe key.")
    run = DoingRun(allow_null=True, help_text="Over 1,000: the run that does it.")
