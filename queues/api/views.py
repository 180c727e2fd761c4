"""The queues' endpoints: the policy lets in, one service or read does it, a serializer answers."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from queues.api import answers, examples, prefer, reads, shapes
from queues.api.actor import actor_of
from queues.api.asking import ask
from queues.api.endpoint import Endpoint
from queues.api.idempotency import once_run
from queues.api.openapi import idempotent, location, problems
from queues.api.permissions import NO_RUN
from queues.api.serializers import JobRequest, Reason
from queues.engine import control
from queues.models import Run
from queues.policy import Action

QUEUE = OpenApiParameter("queue", OpenApiTypes.STR, "path", description="The queue's name or an alias of it.")
RUN_ID = OpenApiParameter("run_id", OpenApiTypes.UUID, "path", description="The run's id.")
TAGS = ["Queues"]


class Jobs(Endpoint):
    needs = {"POST": Action.ENQUEUE}

    @extend_schema(
        operation_id="enqueue_job",
        summary="Run a job or a definition, now or at a time",
        tags=TAGS,
        parameters=[*idempotent(202), *location(202), *prefer.HEADERS],
        request=JobRequest,
        responses={
            200: OpenApiResponse(answers.RunAnswer, description="Ended while `Prefer: wait` waited."),
            202: OpenApiResponse(answers.RunAnswer, description="Accepted; Location is where to ask for the run."),
            **problems(400, 401, 403, 404, 409, 413, 415, 422),
        },
        examples=[*examples.REQUESTS, *examples.runs(200), *examples.runs(202)],
    )
    def post(self, request: Request) -> Response:
        run, headers = once_run(request, lambda: self._ask(request))
        return prefer.answer(request, run, headers)

    def _ask(self, request: Request) -> Run:
        return ask(shapes.given(JobRequest, request.data), request.user, actor_of(request))


class OneRun(Endpoint):
    needs = {"GET": Action.READ}
    hidden = True

    @extend_schema(
        operation_id="read_run",
        summary="A run: its state, progress, result or error",
        tags=TAGS,
        parameters=[QUEUE, RUN_ID],
        responses={200: answers.RunAnswer, **problems(401, 404)},
        examples=examples.runs(200),
    )
    def get(self, request: Request, queue: str, run_id: UUID) -> Response:
        return Response(shapes.told(answers.RunAnswer, reads.told(reads.run_of(queue, run_id))))


class CancelRun(Endpoint):
    needs = {"POST": Action.ENQUEUE}
    hidden = True
    creates = False

    @extend_schema(
        operation_id="cancel_run",
        summary="Cancel a waiting run, or ask a running one to stop",
        tags=TAGS,
        parameters=[QUEUE, RUN_ID, *idempotent(200)],
        request=Reason,
        responses={200: answers.RunAnswer, **problems(400, 401, 403, 404, 409, 413, 415, 422)},
        examples=[examples.WHY],
    )
    def post(self, request: Request, queue: str, run_id: UUID) -> Response:
        return _verb(control.cancel, request, queue, run_id)


class RetryRun(Endpoint):
    needs = {"POST": Action.ENQUEUE}
    hidden = True
    creates = False

    @extend_schema(
        operation_id="retry_run",
        summary="Put a dead or cancelled run back into its queue",
        tags=TAGS,
        parameters=[QUEUE, RUN_ID, *idempotent(200)],
        request=Reason,
        responses={200: answers.RunAnswer, **problems(400, 401, 403, 404, 409, 413, 415, 422)},
        examples=[examples.WHY],
    )
    def post(self, request: Request, queue: str, run_id: UUID) -> Response:
        return _verb(control.retry, request, queue, run_id)


class Status(Endpoint):
    needs = {"GET": Action.STATS}

    @extend_schema(
        operation_id="read_status",
        summary="What is in force for each queue, and who works",
        tags=TAGS,
        responses={200: answers.StatusAnswer, **problems(401, 403)},
    )
    def get(self, request: Request) -> Response:
        return Response(shapes.told(answers.StatusAnswer, reads.status()))


class Stats(Endpoint):
    needs = {"GET": Action.STATS}

    @extend_schema(
        operation_id="read_stats",
        summary="Every queue's figures and their sums",
        tags=TAGS,
        responses={200: answers.StatsAnswer, **problems(401, 403)},
    )
    def get(self, request: Request) -> Response:
        return Response(shapes.told(answers.StatsAnswer, reads.stats()))


class StatsOfQueue(Endpoint):
    needs = {"GET": Action.READ}

    @extend_schema(
        operation_id="read_queue_stats",
        summary="One queue's figures",
        tags=TAGS,
        parameters=[QUEUE],
        responses={200: answers.QueueStatsAnswer, **problems(401, 403, 404)},
    )
    def get(self, request: Request, queue: str) -> Response:
        return Response(shapes.told(answers.QueueStatsAnswer, reads.stats_of(queue)))


class Health(Endpoint):
    needs = {"GET": Action.STATS}

    @extend_schema(
        operation_id="read_health",
        summary="How well every queue is, and why not better",
        tags=TAGS,
        responses={200: answers.HealthAnswer, **problems(401, 403)},
        examples=[examples.HEALTH],
    )
    def get(self, request: Request) -> Response:
        return Response(shapes.told(answers.HealthAnswer, reads.health()))


def _verb(service: Callable[..., Run], request: Request, queue: str, run_id: UUID) -> Response:
    """What may be done to a run: it must be in the queue that the URL names, for that queue's right was asked."""
    why = shapes.given(Reason, request.data)["why"]
    reads.run_of(queue, run_id)

    def act() -> Run:
        try:
            return service(run_id, actor=actor_of(request), why=why)
        except Run.DoesNotExist:  # its retention ended just now
            raise Http404(NO_RUN) from None

    run, headers = once_run(request, act)
    return Response(run, headers=headers)
