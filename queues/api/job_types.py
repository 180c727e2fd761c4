"""POST /api/v1/queue/billing and its like: a job of one type, which is the name of its queue."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, extend_schema_serializer
from rest_framework.exceptions import ErrorDetail, NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from queues import catalogue
from queues.api import answers, examples, prefer, shapes
from queues.api.actor import actor_of
from queues.api.asking import ask
from queues.api.endpoint import Endpoint
from queues.api.idempotency import once_run
from queues.api.openapi import idempotent, location, problems
from queues.api.schema_hooks import jobs_of, typed
from queues.api.serializers import TypedJobRequest
from queues.models import Run
from queues.policy import Action
from queues.registry import JobSpec

TYPES = ("route-optimization", "billing", "notifications", "data-sync", "maintenance")


class JobsOfType(Endpoint):
    """`queue` comes from the URL's pattern, and so its right is asked before anything else."""

    needs = {"POST": Action.ENQUEUE}
    type: ClassVar[str] = ""

    def _post(self, request: Request) -> Response:
        run, headers = once_run(request, lambda: self._ask(request))
        return prefer.answer(request, run, headers)

    def _ask(self, request: Request) -> Run:
        asked = shapes.given(TypedJobRequest, request.data)
        spec = chosen(self.type, asked.pop("job", None))
        return ask({**asked, "job": spec.name}, request.user, actor_of(request))


def chosen(queue: str, job: str | None) -> JobSpec[Any]:
    """The job of this type that is meant. Raises NotFound (there is none of it), ValidationError (which one?)."""
    there = jobs_of(queue)
    if not there:
        types = [name for name in catalogue.NAMES if jobs_of(name)]
        raise NotFound(
            f"No job of the type {queue} is installed. There are jobs of: {', '.join(types) or 'no type'}.",
            "no_job_of_this_type",
        )
    names = ", ".join(spec.name for spec in there)
    if job is None:
        if len(there) > 1:
            raise ValidationError({"job": [ErrorDetail(f"There are several: name one of {names}.", "required")]})
        return there[0]
    found = next((spec for spec in there if job in (spec.name, *spec.aliases)), None)
    if found is None:
        raise NotFound(f"There is no job {job!r} of the type {queue}. There are: {names}.", "no_job_of_this_type")
    return found


def of_type(queue: str) -> type[JobsOfType]:
    """The view of one type."""
    title = catalogue.get(queue).title

    @extend_schema_serializer(component_name=typed(queue))  # the schema adds "Request", and the type's jobs
    class Body(TypedJobRequest):
        """One run of a job of this type."""

    class OfType(JobsOfType):
        type = queue

        @extend_schema(
            operation_id=f"enqueue_{queue.replace('-', '_')}",
            summary=f"Run a job of the type {queue}",
            description=f"As POST jobs, of the queue {title}. `job` may be left out where the type has one only.",
            tags=["Job types"],
            parameters=[*idempotent(202), *location(202), *prefer.HEADERS],
            request=Body,
            responses={
                200: OpenApiResponse(answers.RunAnswer, description="Ended while `Prefer: wait` waited."),
                202: OpenApiResponse(answers.RunAnswer, description="Accepted; Location is where to ask for the run."),
                **problems(400, 401, 403, 404, 409, 413, 415, 422),
            },
            examples=[*_REQUESTS.get(queue, [_PLAIN]), *examples.runs(200), *examples.runs(202)],
        )
        def post(self, request: Request, queue: str) -> Response:
            return self._post(request)

    return OfType


_PLAIN = OpenApiExample(
    "The type's only job, later", value={"params": {}, "at": "2026-11-24T04:00:00Z"}, request_only=True
)
_REQUESTS = {
    "route-optimization": [
        OpenApiExample(
            "A day's routes", value={"params": {"area": "kim-335", "budget_s": 20}, "priority": 5}, request_only=True
        )
    ],
    "billing": [
        OpenApiExample(
            "Drafts for a month",
            value={
                "job": "billing.prepare_run",
                "params": {"through": "2026-11-01", "issue_date": "2026-11-02"},
                "why": "October is over.",
            },
            request_only=True,
        )
    ],
    "maintenance": [
        OpenApiExample(
            "Which of several",
            value={"job": "queues.clean_history", "params": {"dry_run": True}, "why": "How much is there?"},
            request_only=True,
        )
    ],
}
VIEWS = {queue: of_type(queue) for queue in TYPES}
