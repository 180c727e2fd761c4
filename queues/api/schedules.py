"""Schedules: read, made, changed, removed. Their verbs and fires are in `schedule_verbs`. The services are the admin's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from queues import catalogue
from queues.api import pages, preconditions, shapes
from queues.api import schedule_serializers as bodies
from queues.api.actor import actor_of
from queues.api.asking import named_definition, require
from queues.api.definition_serializers import WhyQuery
from queues.api.endpoint import Endpoint
from queues.api.idempotency import once_told, open_to
from queues.api.openapi import conditional, idempotent, location, problems, tagged
from queues.api.refusals import by_field, require_fields
from queues.engine import reach
from queues.errors import NotAllowed
from queues.models import JobDefinition, Schedule
from queues.policy import Action
from queues.timetable import schedules as service

TAGS = ["Schedules"]
NONE = "There is no such schedule."
ONE = OpenApiResponse(bodies.ScheduleAnswer, description="The schedule; `ETag` names this state of it.")
MADE = OpenApiExample(
    "Each working day",
    value={
        "name": "Count the history at dawn", "definition": "Count the history", "kind": "cron", "cron": "30 5 * * 1-5",
        "timezone": "Europe/Berlin",
    },
    request_only=True,
)  # fmt: skip
CHANGED = OpenApiExample(
    "An hour later", value={"cron": "30 6 * * 1-5", "why": "The depot opens later"}, request_only=True
)


class Schedules(Endpoint):
    needs = {"GET": Action.READ, "POST": Action.ENQUEUE}
    creates = False  # no run

    @extend_schema(
        operation_id="list_schedules",
        summary="The schedules, by name, with their next fires",
        tags=TAGS,
        parameters=[bodies.ScheduleQuery],
        responses={200: bodies.SchedulePage, **problems(401, 403, 404, 422)},
    )
    def get(self, request: Request) -> Response:
        asked = pages.asked_of(bodies.ScheduleQuery, request)
        rows = _filtered(reach.schedules(rows_of(), request.user), asked)
        page = pages.page_of(request, rows, asked, "name")
        return pages.answer(page, bodies.ScheduleItem, map(_facts, page.rows), asked)

    @extend_schema(
        operation_id="create_schedule",
        summary="Put a definition on a schedule",
        tags=TAGS,
        parameters=[*idempotent(201, "schedule"), *location(201), tagged(201)],
        request=bodies.ScheduleRequest,
        responses={201: ONE, **problems(400, 401, 403, 404, 409, 413, 415, 422)},
        examples=[MADE],
    )
    def post(self, request: Request) -> Response:
        made, headers = once_told(request, lambda: told(self._made(request)), open_to(request))
        return preconditions.changed(made, 201, {"Location": made["url"], **headers})

    def _made(self, request: Request) -> Schedule:
        given = shapes.given(bodies.ScheduleRequest, request.data)
        why, definition = given.pop("why"), named_definition(given.pop("definition"))
        queue = operable(request, definition)
        require_fields(request.user, "schedule", given, queue=queue)
        row = Schedule(definition=definition, **given)
        with by_field(row):
            return service.save_schedule(row, actor=actor_of(request), why=why)


class OneSchedule(Endpoint):
    needs = {"GET": Action.READ, "PATCH": Action.ENQUEUE, "DELETE": Action.ENQUEUE}
    hidden, nothing = True, NONE

    @extend_schema(
        operation_id="read_schedule",
        summary="A schedule",
        tags=TAGS,
        parameters=[pages.FieldsQuery, *conditional("GET")],
        responses={200: ONE, 304: None, **problems(401, 404, 422)},
    )
    def get(self, request: Request, pk: int) -> Response:
        asked = pages.asked_of(pages.FieldsQuery, request)
        whole = told(found(request, pk))
        return preconditions.read(request, whole, pages.cut(bodies.ScheduleAnswer, whole, asked))

    @extend_schema(
        operation_id="change_schedule",
        summary="Change a schedule, or switch it off and on",
        description="What is left out stays. Other times count from now on; what was due by then still fires.",
        tags=TAGS,
        parameters=conditional("PATCH"),
        request=bodies.ScheduleChange,
        responses={200: ONE, **problems(400, 401, 403, 404, 412, 413, 415, 422, 428)},
        examples=[CHANGED],
    )
    def patch(self, request: Request, pk: int) -> Response:
        queue = operable(request, found(request, pk).definition)
        given = shapes.given(bodies.ScheduleChange, request.data)
        why = given.pop("why")
        require_fields(request.user, "schedule", given, queue=queue)
        with preconditions.held(request, rows_of(), pk, told) as row:
            for name, value in given.items():
                setattr(row, name, value)
            if given:
                with by_field(row):
                    service.save_schedule(row, actor=actor_of(request), why=why)
        return preconditions.changed(told(row))

    @extend_schema(
        operation_id="delete_schedule",
        summary="Remove a schedule that has started nothing",
        description="409 in_use where it has started runs: pause it, or switch it off.",
        tags=TAGS,
        parameters=[WhyQuery, *conditional("DELETE")],
        responses={204: None, **problems(401, 403, 404, 409, 412, 422, 428)},
    )
    def delete(self, request: Request, pk: int) -> Response:
        why = pages.asked_of(WhyQuery, request)["why"]
        operable(request, found(request, pk).definition)
        with preconditions.held(request, rows_of(), pk, told) as row:
            service.delete_schedule(row, actor=actor_of(request), why=why, only_unused=True)
        return Response(status=204)


def rows_of() -> QuerySet[Schedule]:
    return Schedule.objects.select_related("definition")


def told(row: Schedule) -> dict[str, Any]:
    """A schedule's representation. What fires change by themselves is no part of it: its tag would never hold."""
    return shapes.told(bodies.ScheduleAnswer, _facts(row))


def found(request: Request, pk: int) -> Schedule:
    """Raises Http404 where there is none, and where it is none of this user's."""
    row = rows_of().filter(pk=pk).first()
    if row is None or not reach.may(request.user, Action.READ, row):
        raise Http404(NONE)
    return row


def operable(request: Request, definition: JobDefinition) -> str:
    """The queue of the definition's job. Raises NotAllowed."""
    queue = reach.queue_of(definition.job)
    if not queue:
        raise NotAllowed(f"The job {definition.job} is no longer declared: nobody can schedule what is left of it.")
    require(request.user, queue)
    return queue


def state_of(row: Schedule) -> str:
    return "off" if not row.enabled else "paused" if row.paused_at is not None else "on"


def _facts(row: Schedule) -> dict[str, Any]:
    return {
        **{name: getattr(row, name) for name in _AS_STORED},
        "url": reverse("api-schedule", args=[row.pk]),
        "definition": row.definition.name,
        "job": row.definition.job,
        "queue": reach.queue_of(row.definition.job) or None,
        "in_words": service.in_words(row),
        "state": state_of(row),
    }


_AS_STORED = (
    "id", "name", "definition_id", "kind", "cron", "interval_s", "run_at", "timezone", "params", "enabled", "misfire",
    "overlap", "starts_at", "ends_at", "paused_at", "paused_by", "pause_reason", "created_at", "updated_at", "version",
    "next_fire_at", "last_fire_at",
)  # fmt: skip


def _filtered(rows: QuerySet[Schedule], asked: Mapping[str, Any]) -> QuerySet[Schedule]:
    if "definition" in asked:
        rows = rows.filter(definition=named_definition(asked["definition"]))
    if "queue" in asked:
        rows = rows.filter(definition__job__in=reach.jobs_of(catalogue.canonical(asked["queue"])))
    if "kind" in asked:
        rows = rows.filter(kind=asked["kind"])
    if "state" in asked:
        off, paused = asked["state"] == "off", asked["state"] == "paused"
        rows = rows.filter(enabled=not off)
        rows = rows if off else rows.filter(paused_at__isnull=not paused)
    if "text" in asked:
        rows = rows.filter(Q(name__icontains=asked["text"]) | Q(definition__name__icontains=asked["text"]))
    return rows
