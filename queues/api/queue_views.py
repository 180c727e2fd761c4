"""The endpoints that steer queues and many runs at once; for admins. One service does each."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from queues import registry
from queues.api import answers, examples, reads, shapes
from queues.api import queue_serializers as bodies
from queues.api.actor import actor_of
from queues.api.endpoint import Endpoint
from queues.api.idempotency import once_told
from queues.api.openapi import idempotent, location, problems
from queues.api.views import QUEUE
from queues.engine import bulk, queue_verbs
from queues.engine.bulk_count import WAITING, Counted, count_clean, count_failed
from queues.ledger.queue_settings import effective
from queues.models import JobDefinition, Run
from queues.policy import Action

TAGS = ["Steering"]
BODY = (400, 401, 403, 413, 415, 422)
IN_FORCE = OpenApiResponse(answers.QueueInForce, description="What is in force now.")


ONCE = idempotent(200, "answer")
MAYBE_A_RUN = [*ONCE, *location(202)]
Told = dict[str, Any]


class Steering(Endpoint):
    """Each says in `act` what is done and how that is told."""

    needs = {"POST": Action.ADMINISTER}

    def once(self, request: Request, act: Callable[[], Told]) -> Response:
        told, headers = once_told(request, act)
        doing = told.get("run")  # only what many runs are done to by a run of its own has one
        if doing:
            return Response(told, status=202, headers={"Location": doing["url"], **headers})
        return Response(told, headers=headers)


class Pause(Steering):
    @extend_schema(
        operation_id="pause_queue",
        summary="Take nothing more from a queue",
        description="What runs goes on, what waits stays. Paused already: the reason and the end are replaced.",
        tags=TAGS,
        parameters=[QUEUE, *ONCE],
        request=bodies.PauseRequest,
        responses={200: IN_FORCE, **problems(*BODY, 404, 409)},
        examples=[examples.PAUSE],
    )
    def post(self, request: Request, queue: str) -> Response:
        def act() -> Told:
            given = shapes.given(bodies.PauseRequest, request.data)
            queue_verbs.pause_queue(queue, actor=actor_of(request), why=given["why"], until=given.get("until"))
            return _in_force(queue)

        return self.once(request, act)


class PauseAll(Steering):
    @extend_schema(
        operation_id="pause_all_queues",
        summary="Take nothing more from any queue",
        description="Queues that are paused already keep their reasons.",
        tags=TAGS,
        parameters=ONCE,
        request=bodies.PauseRequest,
        responses={200: bodies.QueuesChanged, **problems(*BODY)},
        examples=[examples.PAUSE],
    )
    def post(self, request: Request) -> Response:
        def act() -> Told:
            given = shapes.given(bodies.PauseRequest, request.data)
            did = queue_verbs.pause_all(actor=actor_of(request), why=given["why"], until=given.get("until"))
            return dict(bodies.QueuesChanged(did).data)

        return self.once(request, act)


class Resume(Steering):
    @extend_schema(
        operation_id="resume_queue",
        summary="Take everything from a queue again",
        description="The end of a pause and of a drain.",
        tags=TAGS,
        parameters=[QUEUE, *ONCE],
        request=bodies.ResumeRequest,
        responses={200: IN_FORCE, **problems(*BODY, 404, 409)},
        examples=[examples.RESUME],
    )
    def post(self, request: Request, queue: str) -> Response:
        def act() -> Told:
            given = shapes.given(bodies.ResumeRequest, request.data)
            queue_verbs.resume_queue(queue, actor=actor_of(request), why=given["why"])
            return _in_force(queue)

        return self.once(request, act)


class ResumeAll(Steering):
    @extend_schema(
        operation_id="resume_all_queues",
        summary="Take everything from every queue again",
        description="The end of every pause and of every drain.",
        tags=TAGS,
        parameters=ONCE,
        request=bodies.ResumeRequest,
        responses={200: bodies.QueuesChanged, **problems(*BODY)},
        examples=[examples.RESUME],
    )
    def post(self, request: Request) -> Response:
        def act() -> Told:
            given = shapes.given(bodies.ResumeRequest, request.data)
            did = queue_verbs.resume_all(actor=actor_of(request), why=given["why"])
            return dict(bodies.QueuesChanged(did).data)

        return self.once(request, act)


class Drain(Steering):
    @extend_schema(
        operation_id="drain_queue",
        summary="Finish what is there, take nothing that comes later",
        description="Runs asked for from now on are accepted and wait until the queue is resumed.",
        tags=TAGS,
        parameters=[QUEUE, *ONCE],
        request=bodies.DrainRequest,
        responses={200: IN_FORCE, **problems(*BODY, 404, 409)},
        examples=[examples.DRAIN],
    )
    def post(self, request: Request, queue: str) -> Response:
        def act() -> Told:
            given = shapes.given(bodies.DrainRequest, request.data)
            queue_verbs.drain_queue(queue, actor=actor_of(request), why=given["why"])
            return _in_force(queue)

        return self.once(request, act)


class Clean(Steering):
    @extend_schema(
        operation_id="clean_queue",
        summary="Discard what waits in a queue",
        description=(
            "Runs that wait end as cancelled; what runs goes on, and what is asked for after the count stays. "
            "Up to 1,000 are discarded at once; over that a run does it, and 202 tells which."
        ),
        tags=TAGS,
        parameters=[QUEUE, *MAYBE_A_RUN],
        request=bodies.CleanRequest,
        responses={
            200: OpenApiResponse(bodies.CleanAnswer, description="Counted, and discarded unless it is a dry run."),
            202: OpenApiResponse(bodies.CleanAnswer, description="Counted; Location is the run that discards them."),
            **problems(*BODY, 404),
        },
        examples=examples.CLEAN,
    )
    def post(self, request: Request, queue: str) -> Response:
        return self.once(request, lambda: self._clean(request, queue))

    def _clean(self, request: Request, queue: str) -> Told:
        given = shapes.given(bodies.CleanRequest, request.data)
        what = count_clean(
            queue,
            among=tuple(given.get("states", WAITING)),
            job=given.get("job"),
            older_than_s=given.get("older_than_s"),
        )
        _require_job(given.get("job"), what)
        did = bulk.Did() if given["dry_run"] else bulk.clean_queue(what, actor=actor_of(request), why=given["why"])
        told = {"count": what.total, "cancelled": did.tally.done, "run": _doing(did.run)}
        return shapes.told(bodies.CleanAnswer, told)


class RetryFailed(Steering):
    @extend_schema(
        operation_id="retry_failed",
        summary="Put dead runs back into their queues",
        description=(
            "Each has its whole number of attempts before it again. Runs whose dedupe key has a live run are skipped. "
            "Up to 1,000 are put back at once; over that a run does it, and 202 tells which."
        ),
        tags=TAGS,
        parameters=MAYBE_A_RUN,
        request=bodies.RetryFailedRequest,
        responses={
            200: OpenApiResponse(bodies.RetryAnswer, description="Counted, and put back unless it is a dry run."),
            202: OpenApiResponse(bodies.RetryAnswer, description="Counted; Location is the run that puts them back."),
            **problems(*BODY, 404),
        },
        examples=examples.RETRY_FAILED,
    )
    def post(self, request: Request) -> Response:
        return self.once(request, lambda: self._retry(request))

    def _retry(self, request: Request) -> Told:
        given = shapes.given(bodies.RetryFailedRequest, request.data)
        _require_definition(given.get("definition"))
        what = count_failed(
            queues=[given["queue"]] if given.get("queue") else None,
            job=given.get("job"),
            definition=given.get("definition"),
            error_code=given.get("error_code"),
            since=given.get("since"),
            until=given.get("until"),
            limit=given.get("limit"),
        )
        _require_job(given.get("job"), what)
        did = bulk.Did() if given["dry_run"] else bulk.retry_failed(what, actor=actor_of(request), why=given["why"])
        tally = did.tally
        told = {"count": what.total, "retried": tally.done, "skipped": tally.blocked, "run": _doing(did.run)}
        return shapes.told(bodies.RetryAnswer, told)


def _in_force(queue: str) -> Told:
    return shapes.told(answers.QueueInForce, reads.in_force_of(effective(queue)))


def _doing(run: Run | None) -> dict[str, Any] | None:
    return None if run is None else {"id": run.id, "url": reads.url_of(run)}


def _require_job(name: str | None, what: Counted) -> None:
    """A misspelt name would find nothing, and look like success. Runs of a job that is gone are found by its name."""
    if name is not None and not what.total:
        registry.get(name)


def _require_definition(name: str | None) -> None:
    """See _require_job."""
    if name is None or JobDefinition.objects.filter(name=name).exists():
        return
    near = difflib.get_close_matches(name, JobDefinition.objects.values_list("name", flat=True), n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise NotFound(f"There is no definition named {name!r}.{hint}", "unknown_definition")
