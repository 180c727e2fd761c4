"""A schedule's verbs, pause, resume and fire, and when it fires next."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from queues.api import answers, pages, preconditions, prefer, shapes
from queues.api import schedule_serializers as bodies
from queues.api.actor import actor_of
from queues.api.endpoint import Endpoint
from queues.api.fields import Strict
from queues.api.idempotency import once_run, once_told
from queues.api.openapi import idempotent, location, problems, tagged
from queues.api.schedules import NONE, ONE, TAGS, found, operable, state_of, told
from queues.engine import control
from queues.models import Run
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

        def once() -> dict[str, Any]:
            given = shapes.given(body, request.data)
            return told(act(row, actor=actor_of(request), why=given["why"]))

        done, headers = once_told(request, once)
        return preconditions.changed(done, headers=headers)


class PauseSchedule(_Verb):
    @extend_schema(
        operation_id="pause_schedule",
        summary="Let a schedule fire no more until it is resumed",
        description="Runs that it has started go on.",
        tags=TAGS,
        parameters=[*idempotent(200, "schedule"), tagged(200)],
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
        parameters=[*idempotent(200, "schedule"), tagged(200)],
        request=bodies.ScheduleResume,
        responses={200: ONE, **problems(400, 401, 403, 404, 409, 413, 415, 422)},
        examples=[OpenApiExample("With a reason", value={"why": "The depot is open"}, request_only=True)],
    )
    def post(self, request: Request, pk: int) -> Response:
        return self.do(request, pk, bodies.ScheduleResume, service.resume_schedule)


class FireSchedule(Endpoint):
    needs = {"POST": Action.ENQUEUE}
    hidden, nothing = True, NONE

    @extend_schema(
        operation_id="fire_schedule",
        summary="Run what a schedule runs, now",
        description=(
            "One run outside the timetable, with the schedule's parameters, whether it is on, paused or off. Its next fire "
            "stays as it is."
        ),
        tags=TAGS,
        parameters=[*idempotent(202), *location(202), *prefer.HEADERS],
        request=bodies.ScheduleFire,
        responses={
            200: OpenApiResponse(answers.RunAnswer, description="Ended while `Prefer: wait` waited."),
            202: OpenApiResponse(answers.RunAnswer, description="Accepted; Location is where to ask for the run."),
            **problems(400, 401, 403, 404, 409, 413, 415, 422),
        },
        examples=[OpenApiExample("With a reason", value={"why": "The night's fire was missed"}, request_only=True)],
    )
    def post(self, request: Request, pk: int) -> Response:
        row = found(request, pk)
        operable(request, row.definition)

        def act() -> Run:
            why = shapes.given(bodies.ScheduleFire, request.data)["why"]
            return control.fire_now(row, actor=actor_of(request), why=why)

        run, headers = once_run(request, act)
        return prefer.answer(request, run, headers)


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
