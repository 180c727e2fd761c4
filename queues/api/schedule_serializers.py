"""What goes in and out where definitions are put on schedules. Intervals in seconds; times with an offset."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from queues import catalogue
from queues.api.definition_serializers import why
from queues.api.fields import JsonObject, Moment, Strict
from queues.api.pages import PageQuery
from queues.models import Schedule

Serializer = serializers.Serializer[Any]
STATES = ("on", "paused", "off")
MOST_FIRES = 100


class ScheduleFields(Strict):
    """What staff may set."""

    cron = serializers.CharField(
        required=False, allow_blank=True, max_length=120, help_text="Minute hour day month weekday, e.g. 30 5 * * 1-5."
    )
    interval_s = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=2_000_000_000)
    run_at = Moment(required=False, allow_null=True, help_text="The moment of a schedule that fires once.")
    timezone = serializers.CharField(required=False, max_length=64, help_text="Of the cron fields, e.g. Europe/Berlin.")
    params = JsonObject(required=False, help_text="Over the definition's.")
    enabled = serializers.BooleanField(required=False)
    misfire = serializers.ChoiceField(
        choices=Schedule.Misfire.choices, required=False, help_text="Of fires that passed while no scheduler ran."
    )
    overlap = serializers.ChoiceField(
        choices=Schedule.Overlap.choices, required=False, help_text="When the run before is still live."
    )
    starts_at = Moment(required=False, allow_null=True)
    ends_at = Moment(required=False, allow_null=True)
    why = why()


@extend_schema_serializer(component_name="Schedule")  # the schema adds "Request"
class ScheduleRequest(ScheduleFields):
    """A new schedule: when a definition runs by itself."""

    name = serializers.CharField(max_length=120)
    definition = serializers.CharField(max_length=120, help_text="The definition's name. It cannot be changed later.")
    kind = serializers.ChoiceField(
        choices=Schedule.Kind.choices, help_text="What says when: cron, interval_s or run_at."
    )


@extend_schema_serializer(component_name="ScheduleChange")
class ScheduleChange(ScheduleFields):
    """What is left out stays as it is."""

    name = serializers.CharField(max_length=120, required=False)
    kind = serializers.ChoiceField(choices=Schedule.Kind.choices, required=False)


@extend_schema_serializer(component_name="SchedulePause")
class SchedulePause(Strict):
    """Why it is paused."""

    why = serializers.CharField(max_length=300)


@extend_schema_serializer(component_name="ScheduleResume")
class ScheduleResume(Strict):
    """Perhaps why."""

    why = why()


@extend_schema_serializer(component_name="ScheduleFire")
class ScheduleFire(Strict):
    """Perhaps why."""

    why = why()


class ScheduleAnswer(Serializer):
    """A schedule as staff have set it. When it fires next, and fired last, is told by next-fires and by the list."""

    id = serializers.IntegerField()
    url = serializers.CharField(help_text="Where to ask again.")
    name = serializers.CharField()
    definition = serializers.CharField()
    definition_id = serializers.IntegerField()
    job = serializers.CharField()
    queue = serializers.ChoiceField(
        choices=catalogue.NAMES, allow_null=True, help_text="null: its job is no longer declared, and it cannot run."
    )
    kind = serializers.ChoiceField(choices=Schedule.Kind.choices)
    cron = serializers.CharField(allow_blank=True)
    interval_s = serializers.IntegerField(allow_null=True)
    run_at = Moment(allow_null=True)
    timezone = serializers.CharField()
    in_words = serializers.CharField(help_text="When it fires, in English.")
    params = JsonObject()
    enabled = serializers.BooleanField()
    state = serializers.ChoiceField(choices=STATES)
    misfire = serializers.ChoiceField(choices=Schedule.Misfire.choices)
    overlap = serializers.ChoiceField(choices=Schedule.Overlap.choices)
    starts_at = Moment(allow_null=True)
    ends_at = Moment(allow_null=True)
    paused_at = Moment(allow_null=True)
    paused_by = serializers.CharField(allow_blank=True)
    pause_reason = serializers.CharField(allow_blank=True)
    created_at = Moment()
    updated_at = Moment()
    version = serializers.IntegerField(help_text="Counts the changes.")


class ScheduleItem(ScheduleAnswer):
    """A schedule in the list, with its fires."""

    next_fire_at = Moment(allow_null=True, help_text="null: it is paused, off, or fires no more.")
    last_fire_at = Moment(allow_null=True)


class SchedulePage(Serializer):
    items = ScheduleItem(many=True)
    next = serializers.CharField(allow_null=True, help_text="The next page's path; null: this is the last one.")


class ScheduleQuery(PageQuery):
    """By name."""

    definition = serializers.CharField(required=False, max_length=120, help_text="The definition's name.")
    queue = serializers.CharField(required=False, max_length=64, help_text="A queue's name or alias.")
    kind = serializers.ChoiceField(choices=Schedule.Kind.choices, required=False)
    state = serializers.ChoiceField(choices=STATES, required=False)
    text = serializers.CharField(required=False, max_length=100, help_text="Somewhere in its or its definition's name.")


class NextFiresQuery(Strict):
    count = serializers.IntegerField(min_value=1, max_value=MOST_FIRES, default=5)
    tz = serializers.CharField(required=False, max_length=64, help_text="Of `local`. Left out: the schedule's own.")


class NextFire(Serializer):
    at = Moment()
    local = serializers.CharField(help_text="The same moment in the time zone asked for, with its offset.")


class NextFiresAnswer(Serializer):
    """When a schedule fires next; nothing while it is paused or off."""

    schedule = serializers.IntegerField()
    in_words = serializers.CharField()
    state = serializers.ChoiceField(choices=STATES)
    timezone = serializers.CharField()
    last_fire_at = Moment(allow_null=True)
    fires = NextFire(many=True)
