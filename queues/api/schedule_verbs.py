"""A schedule's verbs, pause and resume, and when it fires next."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from queues.api import pages, preconditions, shapes
from queues.api import schedule_serializers as bodies
from queues.api.actor import actor_of
from queues.api.endpoint import Endpoint
from queues.api.fields import Strict
from queues.api.idempotency import once_row
from queues.api.openapi import idempotent, problems
from queues.api.schedules import NONE, ONE, TAGS, found, operable, rows_of, state_of, told
from queues.models import Schedule
from queues.policy import Action
from queues.timetable import cron
from queues.timetable import schedules as service


class _Verb(Endpoint):
    needs = {"POST": Action.ENQUEUE}
    hidden, nothing = True, NONE
    creates = False  # no run

    def do(self, request: Request, pk: int, body: type[Strict], act: Any) -> Response:
        row = found(request, pk)
        operable(request, row.definition)

        def once() -> Schedule:
            given = shapes.given(body, request.data)
            done: Schedule = act(row, actor=actor_of(request), why=given["why"])
            return done

        done, headers = once_row(request, once, rows_of())
        return preconditions.changed(told(done), headers=headers)


class PauseSchedule(_Verb):
    @extend_schema(
        operation_id="pause_schedule",
        summary="Let a schedule fire no more until it is resumed",
        description="Runs that it has started go on.",
        tags=TAGS,
        parameters=idempotent(200, "schedule"),
        request=bodies.SchedulePause,
        responses={200: ONE, **problems(400, 401, 403, 404, 409, 413, 415, 422)},
        examples=[OpenApiExample("With its reason", value={"why": "The depot is closed"}, request_only=True)],
    )
    def post(self, request: Request, pk: int) -> Response:
        return self.do(request, pk, bodies.SchedulePause, service.pause_schedule)


class ResumeSchedule(_Verb):
    @extend_schema(
        operation_id="resume_schedule",
        summary="Let a schedule fire again, from its next moment on",
        description="What passed meanwhile is not caught up.",
        tags=TAGS,
        parameters=idempotent(200, "schedule"),
        request=bodies.ScheduleResume,
        responses={200: ONE, **problems(400, 401, 403, 404, 409, 413, 415, 422)},
        examples=[OpenApiExample("With a reason", value={"why": "The depot is open"}, request_only=True)],
    )
    def post(self, request: Request, pk: int) -> Response:
        return self.do(request, pk, bodies.ScheduleResume, service.resume_schedule)


class NextFires(Endpoint):
    needs = {"GET": Action.READ}
    hidden, nothing = True, NONE

    @extend_schema(
        operation_id="read_next_fires",
        summary="When a schedule fires next",
        description="In UTC, and in the time zone that is asked for.",
        tags=TAGS,
        parameters=[bodies.NextFiresQuery],
        responses={200: bodies.NextFiresAnswer, **problems(401, 404, 422)},
    )
    def get(self, request: Request, pk: int) -> Response:
        asked = pages.asked_of(bodies.NextFiresQuery, request)
        row = found(request, pk)
        try:
            zone = cron.zone(asked.get("tz") or row.timezone)
        except cron.BadZone as wrong:
            raise ValidationError({"tz": [ErrorDetail(str(wrong), "bad_zone")]}) from None
        fires = service.next_fires(row, asked["count"])
        whole = {
            "schedule": row.pk,
            "in_words": service.in_words(row),
            "state": state_of(row),
            "timezone": zone.key,
            "last_fire_at": row.last_fire_at,
            "fires": [{"at": at, "local": at.astimezone(zone).isoformat(timespec="seconds")} for at in fires],
        }
        return Response(shapes.told(bodies.NextFiresAnswer, whole))
