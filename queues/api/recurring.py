"""POST /api/v1/queue/jobs/recurring: a job or a definition by itself, by cron, at an interval, or once."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from queues import catalogue, registry
from queues.api import preconditions, schedules, shapes
from queues.api.actor import actor_of
from queues.api.asking import named_definition, require
from queues.api.endpoint import Endpoint
from queues.api.idempotency import once_told, open_to
from queues.api.openapi import idempotent, location, problems, tagged
from queues.api.refusals import by_field, require_fields
from queues.api.schedule_serializers import ScheduleAnswer, ScheduleFields
from queues.engine import control
from queues.models import JobDefinition, Schedule
from queues.policy import Action
from queues.timetable.proof import OWN
from queues.timetable.schedules import save_schedule


@extend_schema_serializer(component_name="RecurringJob")  # the schema adds "Request"
class RecurringRequest(ScheduleFields):
    """What runs by itself, and when: one of `cron`, `interval_s` and `run_at`."""

    name = serializers.CharField(max_length=120, help_text="The schedule's; with `job`, also the new definition's.")
    job = serializers.CharField(
        max_length=100, required=False, help_text="A job's name or alias: a definition of it is made with `params`."
    )
    definition = serializers.CharField(
        max_length=120, required=False, help_text="The name of one there is; `params` go over its own."
    )
    kind = serializers.ChoiceField(
        choices=Schedule.Kind.choices, required=False, help_text="Left out: by what is given."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("job" in attrs) == ("definition" in attrs):
            raise serializers.ValidationError("Name either a job or a definition.", "one_of")
        given = [kind for kind, column in OWN.items() if attrs.get(column)]
        if len(given) != 1:
            raise serializers.ValidationError(f"Say when by one of: {', '.join(OWN.values())}.", "one_of")
        if attrs.setdefault("kind", given[0]) != given[0]:
            told = f"The kind {attrs['kind']} takes {OWN[attrs['kind']]}."
            raise serializers.ValidationError({"kind": [told]}, "wrong_kind")
        return attrs


EXAMPLES = [
    OpenApiExample(
        "A job each night",
        value={
            "name": "Count the history each night", "job": "queues.clean_history", "params": {"dry_run": True},
            "cron": "30 3 * * *", "timezone": "Europe/Berlin", "why": "To see how it grows",
        },
        request_only=True,
    ),
    OpenApiExample(
        "A definition every quarter of an hour",
        value={"name": "Sync the customers", "definition": "Customers from the CRM", "interval_s": 900},
        request_only=True,
    ),
]  # fmt: skip


class Recurring(Endpoint):
    needs = {"POST": Action.ENQUEUE}

    @extend_schema(
        operation_id="enqueue_recurring",
        summary="Have a job or a definition run by itself",
        description=(
            "Makes a schedule, by the rules of the admin's form. With `job`, a definition of the same name is made with it. "
            "From then on it is an object of /api/v1/schedules."
        ),
        tags=["Queues"],
        parameters=[*idempotent(201, "schedule"), *location(201), tagged(201)],
        request=RecurringRequest,
        responses={
            201: OpenApiResponse(ScheduleAnswer, description="Made; Location is where it is read and changed."),
            **problems(400, 401, 403, 404, 409, 413, 415, 422),
        },
        examples=EXAMPLES,
    )
    def post(self, request: Request) -> Response:
        made, headers = once_told(request, lambda: schedules.told(self._made(request)), open_to(request))
        return preconditions.changed(made, 201, {"Location": made["url"], **headers})

    def _made(self, request: Request) -> Schedule:
        given = shapes.given(RecurringRequest, request.data)
        why, job, named = given.pop("why"), given.pop("job", None), given.pop("definition", None)
        with transaction.atomic():
            if job is None:
                definition = named_definition(str(named))
                queue = schedules.operable(request, definition)
            else:
                queue, definition = self._defined(request, job, given, why)
            require_fields(request.user, "schedule", given, queue=queue)
            row = Schedule(definition=definition, **given)
            with by_field(row):
                return save_schedule(row, actor=actor_of(request), why=why)

    def _defined(self, request: Request, job: str, given: dict[str, Any], why: str) -> tuple[str, JobDefinition]:
        """The queue and the new definition, which takes the parameters. Raises NotAllowed, ValidationError, UnknownJob."""
        spec = registry.get(job)
        queue = catalogue.canonical(spec.queue)
        require(request.user, queue)
        if Schedule.objects.filter(name=given["name"]).exists():
            raise ValidationError({"name": [ErrorDetail("There is a schedule of this name already.", "unique")]})
        row = JobDefinition(name=given["name"], job=spec.name, params=given.pop("params", {}))
        with by_field(row):
            return queue, control.save_definition(row, actor=actor_of(request), why=why)
