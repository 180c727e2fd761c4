"""One run by its id alone: what it is, how far it is, what it wrote, what happened to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from queues.api import answers, examples, pages, reads, run_examples, shapes
from queues.api.endpoint import Endpoint
from queues.api.fields import Moment
from queues.api.openapi import problems
from queues.models import Run, RunEvent, RunLogLine
from queues.policy import Action

TAGS = ["Runs"]
RUN_ID = OpenApiParameter("run_id", OpenApiTypes.UUID, "path", description="The run's id.")
LEVELS = ("debug", "info", "warning", "error")


class ProgressAnswer(serializers.Serializer[Any]):
    """How far a run is, and nothing else: small enough to be asked for often."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=Run.State.choices)
    attempt = serializers.IntegerField()
    max_attempts = serializers.IntegerField()
    done = serializers.FloatField(allow_null=True)
    total = serializers.FloatField(allow_null=True)
    percent = serializers.FloatField(allow_null=True, help_text="Of the total, 0 to 100; null where none was told.")
    note = serializers.CharField(allow_blank=True)
    cancel_requested_at = Moment(allow_null=True)
    finished_at = Moment(allow_null=True)


class LogLine(serializers.Serializer[Any]):
    """A line that the job's handler wrote."""

    id = serializers.IntegerField()
    at = Moment()
    attempt = serializers.IntegerField()
    level = serializers.CharField(help_text=", ".join(LEVELS))
    message = serializers.CharField()


class LogPage(serializers.Serializer[Any]):
    items = LogLine(many=True)
    next = serializers.CharField(allow_null=True, help_text="The path of the next page; null at the end so far.")


class EventItem(answers.Event):
    """What happened beyond the run's own times."""

    id = serializers.IntegerField()


class EventsPage(serializers.Serializer[Any]):
    items = EventItem(many=True)
    next = serializers.CharField(allow_null=True, help_text="The path of the next page; null at the end so far.")


class LinesAsText(BaseRenderer):
    """A page of a log, a line each; a problem is JSON whatever is asked for."""

    media_type, format, charset = "text/plain", "txt", "utf-8"

    def render(self, data: Any, media_type: str | None = None, context: Mapping[str, Any] | None = None) -> bytes:
        lines = (f"{e['at']} {e['level']:7} {e['attempt']} {e['message']}\n" for e in data["items"])
        return "".join(lines).encode()


class OneRun(Endpoint):
    """What every read of one run by its id is."""

    needs = {"GET": Action.READ}
    hidden, nothing = True, reads.NO_SUCH_RUN


class ReadRun(OneRun):
    @extend_schema(
        operation_id="read_run_by_id",
        summary="A run: its state, progress, result or error",
        description="The same answer as under its queue.",
        tags=TAGS,
        parameters=[RUN_ID],
        responses={200: answers.RunAnswer, **problems(401, 404)},
        examples=examples.runs(200),
    )
    def get(self, request: Request, run_id: UUID) -> Response:
        return Response(shapes.told(answers.RunAnswer, reads.told(reads.readable(request.user, run_id))))


class RunProgress(OneRun):
    @extend_schema(
        operation_id="read_run_progress",
        summary="How far a run is",
        tags=TAGS,
        parameters=[RUN_ID],
        responses={200: ProgressAnswer, **problems(401, 404)},
        examples=[run_examples.PROGRESS],
    )
    def get(self, request: Request, run_id: UUID) -> Response:
        run = reads.readable(request.user, run_id)
        done, total = run.progress_done, run.progress_total
        told = {
            **{name: getattr(run, name) for name in _PROGRESS},
            "done": done,
            "total": total,
            "percent": round(min(100.0, 100 * done / total), 1) if done is not None and total else None,
            "note": run.progress_note,
        }
        return Response(shapes.told(ProgressAnswer, told))


_PROGRESS = ("id", "state", "attempt", "max_attempts", "cancel_requested_at", "finished_at")


class RunLog(OneRun):
    renderer_classes = [JSONRenderer, LinesAsText]  # type: ignore[list-item]

    @extend_schema(
        operation_id="read_run_log",
        summary="What a run wrote, oldest line first",
        description="With `Accept: text/plain`, a line each; the next page is then in the header Link alone.",
        tags=TAGS,
        parameters=[RUN_ID, pages.PageQuery],
        responses={
            (200, "application/json"): OpenApiResponse(LogPage, description="One page."),
            (200, "text/plain"): OpenApiResponse(OpenApiTypes.STR, description="One page, as text."),
            **problems(401, 404, 422),
        },
        examples=[run_examples.LOG, run_examples.LOG_TEXT],
    )
    def get(self, request: Request, run_id: UUID) -> Response:
        asked = pages.asked_of(pages.PageQuery, request)
        run = reads.readable(request.user, run_id)
        page = pages.page_of(request, RunLogLine.objects.filter(run_id=run.pk), asked, "id")
        return pages.answer(
            page, LogLine, [_columns(line, LogLine) for line in page.rows], _whole_as_text(asked, request)
        )


class RunEvents(OneRun):
    @extend_schema(
        operation_id="list_run_events",
        summary="What happened to a run, oldest first",
        tags=TAGS,
        parameters=[RUN_ID, pages.PageQuery],
        responses={200: OpenApiResponse(EventsPage, description="One page."), **problems(401, 404, 422)},
        examples=[run_examples.EVENTS],
    )
    def get(self, request: Request, run_id: UUID) -> Response:
        asked = pages.asked_of(pages.PageQuery, request)
        run = reads.readable(request.user, run_id)
        page = pages.page_of(request, RunEvent.objects.filter(run_id=run.pk), asked, "id")
        return pages.answer(page, EventItem, [_columns(event, EventItem) for event in page.rows], asked)


def _columns(row: Any, kind: type[serializers.Serializer[Any]]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in shapes.names(kind)}


def _whole_as_text(asked: dict[str, Any], request: Request) -> dict[str, Any]:
    """A line of text has all its parts, whichever fields were asked for."""
    text = isinstance(request.accepted_renderer, LinesAsText)
    return {name: value for name, value in asked.items() if name != "fields"} if text else asked
