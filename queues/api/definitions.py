"""Definitions: read, made, changed, removed and run. The services are the admin's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from queues import catalogue, registry
from queues.api import answers, pages, preconditions, shapes
from queues.api import definition_serializers as bodies
from queues.api.actor import actor_of
from queues.api.asking import ask, require
from queues.api.endpoint import Endpoint
from queues.api.idempotency import once_run, once_told, open_to
from queues.api.openapi import conditional, idempotent, location, problems, tagged
from queues.api.refusals import by_field, require_fields
from queues.engine import control, reach
from queues.errors import NotAllowed
from queues.models import JobDefinition
from queues.policy import Action

TAGS = ["Definitions"]
NONE = "There is no such definition."
ONE = OpenApiResponse(bodies.DefinitionAnswer, description="The definition; `ETag` names this state of it.")
MADE = OpenApiExample(
    "A nightly count",
    value={"name": "Count the history", "job": "queues.clean_history", "params": {"dry_run": True}, "max_attempts": 2},
    request_only=True,
)
CHANGED = OpenApiExample("Switched off", value={"enabled": False, "why": "Until prices are right"}, request_only=True)
RUN = OpenApiExample("With another parameter", value={"params": {"chunk": 200}, "why": "A test"}, request_only=True)


class Definitions(Endpoint):
    needs = {"GET": Action.READ, "POST": Action.ENQUEUE}
    creates = False  # no run

    @extend_schema(
        operation_id="list_definitions",
        summary="The definitions, by name",
        tags=TAGS,
        parameters=[bodies.DefinitionQuery],
        responses={200: bodies.DefinitionPage, **problems(401, 403, 404, 422)},
    )
    def get(self, request: Request) -> Response:
        asked = pages.asked_of(bodies.DefinitionQuery, request)
        rows = _filtered(reach.definitions(JobDefinition.objects.all(), request.user), asked)
        page = pages.page_of(request, rows, asked, "name")
        return pages.answer(page, bodies.DefinitionAnswer, map(_facts, page.rows), asked)

    @extend_schema(
        operation_id="create_definition",
        summary="Define a job with its parameters",
        tags=TAGS,
        parameters=[*idempotent(201, "definition"), *location(201), tagged(201)],
        request=bodies.DefinitionRequest,
        responses={201: ONE, **problems(400, 401, 403, 404, 409, 413, 415, 422)},
        examples=[MADE],
    )
    def post(self, request: Request) -> Response:
        made, headers = once_told(request, lambda: told(self._made(request)), open_to(request))
        return preconditions.changed(made, 201, {"Location": made["url"], **headers})

    def _made(self, request: Request) -> JobDefinition:
        given = shapes.given(bodies.DefinitionRequest, request.data)
        why, spec = given.pop("why"), registry.get(given["job"])
        queue = catalogue.canonical(spec.queue)
        require(request.user, queue)
        require_fields(request.user, "definition", given.keys() - {"job"}, queue=queue)
        row = JobDefinition(**given)
        with by_field(row):
            return control.save_definition(row, actor=actor_of(request), why=why)


class OneDefinition(Endpoint):
    needs = {"GET": Action.READ, "PATCH": Action.ENQUEUE, "DELETE": Action.ENQUEUE}
    hidden, nothing = True, NONE

    @extend_schema(
        operation_id="read_definition",
        summary="A definition",
        tags=TAGS,
        parameters=[pages.FieldsQuery, *conditional("GET")],
        responses={200: ONE, 304: None, **problems(401, 404, 422)},
    )
    def get(self, request: Request, pk: int) -> Response:
        asked = pages.asked_of(pages.FieldsQuery, request)
        whole = told(_found(request, pk))
        return preconditions.read(request, whole, pages.cut(bodies.DefinitionAnswer, whole, asked))

    @extend_schema(
        operation_id="change_definition",
        summary="Change a definition, or switch it off and on",
        description="What is left out stays; null means as the job declares. Runs that exist keep what they were made with.",
        tags=TAGS,
        parameters=conditional("PATCH"),
        request=bodies.DefinitionChange,
        responses={200: ONE, **problems(400, 401, 403, 404, 412, 413, 415, 422, 428)},
        examples=[CHANGED],
    )
    def patch(self, request: Request, pk: int) -> Response:
        queue = _operable(request, _found(request, pk))
        given = shapes.given(bodies.DefinitionChange, request.data)
        why = given.pop("why")
        require_fields(request.user, "definition", given, queue=queue)
        with preconditions.held(request, JobDefinition.objects.all(), pk, told) as row:
            for name, value in given.items():
                setattr(row, name, value)
            if given:
                with by_field(row):
                    control.save_definition(row, actor=actor_of(request), why=why)
        return preconditions.changed(told(row))

    @extend_schema(
        operation_id="delete_definition",
        summary="Remove a definition that nothing refers to",
        description="409 in_use where it has runs or a schedule: switch it off instead.",
        tags=TAGS,
        parameters=[bodies.WhyQuery, *conditional("DELETE")],
        responses={204: None, **problems(401, 403, 404, 409, 412, 422, 428)},
    )
    def delete(self, request: Request, pk: int) -> Response:
        why = pages.asked_of(bodies.WhyQuery, request)["why"]
        _operable(request, _found(request, pk))
        with preconditions.held(request, JobDefinition.objects.all(), pk, told) as row:
            control.delete_definition(row, actor=actor_of(request), why=why, only_unused=True)
        return Response(status=204)


class RunDefinition(Endpoint):
    needs = {"POST": Action.ENQUEUE}
    hidden, nothing = True, NONE

    @extend_schema(
        operation_id="run_definition",
        summary="Run a definition, now or at a time",
        tags=TAGS,
        parameters=[*idempotent(202), *location(202)],
        request=bodies.DefinitionRun,
        responses={
            202: OpenApiResponse(answers.RunAnswer, description="Accepted; Location is where to ask for the run."),
            **problems(400, 401, 403, 404, 409, 413, 415, 422),
        },
        examples=[RUN],
    )
    def post(self, request: Request, pk: int) -> Response:
        row = _found(request, pk)
        _operable(request, row)

        def act() -> Any:
            given = shapes.given(bodies.DefinitionRun, request.data)
            return ask({**given, "definition": row.name}, request.user, actor_of(request))

        run, headers = once_run(request, act)
        return Response(run, status=202, headers={"Location": run["url"], **headers})


def told(row: JobDefinition) -> dict[str, Any]:
    """A definition's representation."""
    return shapes.told(bodies.DefinitionAnswer, _facts(row))


def _facts(row: JobDefinition) -> dict[str, Any]:
    return {
        **{name: getattr(row, name) for name in _AS_STORED},
        "url": reverse("api-definition", args=[row.pk]),
        "queue": reach.queue_of(row.job) or None,
    }


_AS_STORED = (
    "id", "name", "job", "description", "params", "enabled", "unique", "priority", "timeout_s", "max_attempts",
    "cache_ttl_s", "retention_days", "sla_warning_s", "sla_critical_s", "created_at", "updated_at", "version",
)  # fmt: skip


def _found(request: Request, pk: int) -> JobDefinition:
    """Raises Http404 where there is none, and where it is none of this user's."""
    row = JobDefinition.objects.filter(pk=pk).first()
    if row is None or not reach.may(request.user, Action.READ, row):
        raise Http404(NONE)
    return row


def _operable(request: Request, row: JobDefinition) -> str:
    """The queue of its job. Raises NotAllowed."""
    queue = reach.queue_of(row.job)
    if not queue:
        raise NotAllowed(f"The job {row.job} is no longer declared: nobody can change or run what is left of it.")
    require(request.user, queue)
    return queue


def _filtered(rows: QuerySet[JobDefinition], asked: Mapping[str, Any]) -> QuerySet[JobDefinition]:
    if "job" in asked:
        rows = rows.filter(job=registry.get(asked["job"]).name)
    if "queue" in asked:
        rows = rows.filter(job__in=reach.jobs_of(catalogue.canonical(asked["queue"])))
    if "enabled" in asked:
        rows = rows.filter(enabled=asked["enabled"])
    if "text" in asked:
        text = asked["text"]
        rows = rows.filter(Q(name__icontains=text) | Q(job__icontains=text) | Q(description__icontains=text))
    return rows
