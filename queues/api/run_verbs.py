"""Cancel and retry a run by its id alone: the services that the paths under its queue call, too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from queues.api import answers, examples, reads, shapes
from queues.api.actor import actor_of
from queues.api.asking import require
from queues.api.endpoint import Endpoint
from queues.api.idempotency import once_run
from queues.api.openapi import idempotent, problems
from queues.api.run_detail import RUN_ID, TAGS
from queues.api.serializers import Reason
from queues.engine import control
from queues.models import Run
from queues.policy import Action

RESPONSES: dict[Any, Any] = {200: answers.RunAnswer, **problems(400, 401, 403, 404, 409, 413, 415, 422)}


class OnRun(Endpoint):
    needs = {"POST": Action.ENQUEUE}
    hidden, nothing = True, reads.NO_SUCH_RUN
    creates = False


class CancelRun(OnRun):
    @extend_schema(
        operation_id="cancel_run_by_id",
        summary="Cancel a waiting run, or ask a running one to stop",
        tags=TAGS,
        parameters=[RUN_ID, *idempotent(200)],
        request=Reason,
        responses=RESPONSES,
        examples=[examples.WHY],
    )
    def post(self, request: Request, run_id: UUID) -> Response:
        return _verb(control.cancel, request, run_id)


class RetryRun(OnRun):
    @extend_schema(
        operation_id="retry_run_by_id",
        summary="Put a dead or cancelled run back into its queue",
        tags=TAGS,
        parameters=[RUN_ID, *idempotent(200)],
        request=Reason,
        responses=RESPONSES,
        examples=[examples.WHY],
    )
    def post(self, request: Request, run_id: UUID) -> Response:
        return _verb(control.retry, request, run_id)


def _verb(service: Callable[..., Run], request: Request, run_id: UUID) -> Response:
    """Who may not read the run's queue is told that there is none; who may not operate it, that he may not."""
    why = shapes.given(Reason, request.data)["why"]
    require(request.user, reads.readable(request.user, run_id).queue)

    def act() -> Run:
        try:
            return service(run_id, actor=actor_of(request), why=why)
        except Run.DoesNotExist:  # its retention ended just now
            raise Http404(reads.NO_SUCH_RUN) from None

    run, headers = once_run(request, act)
    return Response(run, headers=headers)
