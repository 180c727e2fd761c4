"""Webhooks: read, made, changed, removed. Their verbs are in `webhook_verbs`, what they were told in `webhook_deliveries`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from queues import policy
from queues.api import pages, preconditions, shapes, webhook_facts
from queues.api import webhook_serializers as bodies
from queues.api.actor import actor_of
from queues.api.definition_serializers import WhyQuery
from queues.api.endpoint import Endpoint
from queues.api.idempotency import once_row
from queues.api.openapi import conditional, idempotent, location, problems, tagged
from queues.api.refusals import by_field
from queues.api.webhook_facts import NONE, facts, found, told, told_with_secret
from queues.engine.webhook_reach import webhooks, with_counts
from queues.errors import NotAllowed
from queues.ledger import webhook_endpoints as service
from queues.models import WebhookEndpoint
from queues.policy import Action

TAGS = ["Webhooks"]
ONE = OpenApiResponse(bodies.WebhookAnswer, description="The webhook; `ETag` names this state of it.")
MADE = OpenApiExample(
    "What failed on billing",
    value={"url": "https://hooks.example.org/roundsman", "events": ["run.dead"], "queues": ["billing"]},
    request_only=True,
)
CHANGED = OpenApiExample("Also what was cancelled", value={"events": ["run.dead", "run.cancelled"]}, request_only=True)


class Webhooks(Endpoint):
    needs = {"GET": Action.SUBSCRIBE, "POST": Action.SUBSCRIBE}

    @extend_schema(
        operation_id="list_webhooks",
        summary="Your webhooks, and how they fare",
        description="Admins see everybody's.",
        tags=TAGS,
        parameters=[bodies.WebhookQuery],
        responses={200: bodies.WebhookPage, **problems(401, 403, 422)},
    )
    def get(self, request: Request) -> Response:
        asked = pages.asked_of(bodies.WebhookQuery, request)
        rows = with_counts(webhooks(request.user))
        if asked["enabled"] is not None:
            rows = rows.filter(enabled=asked["enabled"])
        if "owner" in asked:
            rows = rows.filter(owner__username=asked["owner"])
        page = pages.page_of(request, rows, asked, "-id")
        seen: list[Any] = [row for row in page.rows if webhook_facts.within(request.user, row)]
        told_rows = [{**facts(row), "pending": row.pending, "dead": row.dead} for row in seen]
        return pages.answer(page, bodies.WebhookItem, told_rows, asked)

    @extend_schema(
        operation_id="create_webhook",
        summary="Be told of events at an address of yours",
        description=(
            "Messages and signatures are those of Standard Webhooks (standardwebhooks.com). The secret is told in this "
            "answer alone. It counts within two seconds. What you may not read any more you are not told any more."
        ),
        tags=TAGS,
        parameters=[*idempotent(201, "webhook"), *location(201), tagged(201)],
        request=bodies.WebhookRequest,
        responses={
            201: OpenApiResponse(bodies.WebhookSecret, description="The webhook with its secret."),
            **problems(400, 401, 403, 409, 413, 415, 422),
        },
        examples=[MADE],
    )
    def post(self, request: Request) -> Response:
        row, headers = once_row(request, lambda: self._made(request), webhooks(request.user))
        whole = told_with_secret(row)
        answer = preconditions.changed(told(row), 201, {"Location": whole["href"], **headers})
        answer.data = whole
        answer["Cache-Control"] = "no-store"
        return answer

    def _made(self, request: Request) -> WebhookEndpoint:
        given = shapes.given(bodies.WebhookRequest, request.data)
        with by_field(WebhookEndpoint()):
            return service.make(request.user, **given, by=request.user, actor=actor_of(request))


class OneWebhook(Endpoint):
    needs = {"GET": Action.SUBSCRIBE, "PATCH": Action.SUBSCRIBE, "DELETE": Action.SUBSCRIBE}
    hidden, nothing = True, NONE

    @extend_schema(
        operation_id="read_webhook",
        summary="A webhook",
        tags=TAGS,
        parameters=[pages.FieldsQuery, *conditional("GET")],
        responses={200: ONE, 304: None, **problems(401, 404, 422)},
    )
    def get(self, request: Request, pk: UUID) -> Response:
        asked = pages.asked_of(pages.FieldsQuery, request)
        whole = told(found(request, pk))
        return preconditions.read(request, whole, pages.cut(bodies.WebhookAnswer, whole, asked))

    @extend_schema(
        operation_id="change_webhook",
        summary="Change a webhook, or switch it off and on",
        description="What is left out stays. It counts within two seconds.",
        tags=TAGS,
        parameters=conditional("PATCH"),
        request=bodies.WebhookChange,
        responses={200: ONE, **problems(400, 401, 403, 404, 412, 413, 415, 422, 428)},
        examples=[CHANGED],
    )
    def patch(self, request: Request, pk: UUID) -> Response:
        found(request, pk)
        with preconditions.held(request, webhooks(request.user), pk, told) as row:
            given = shapes.given(bodies.WebhookChange, request.data)
            why = given.pop("why")
            _require(request, row, list(given))
            with by_field(row):
                row = service.change(row, given, by=request.user, actor=actor_of(request), why=why)
        return preconditions.changed(told(row))

    @extend_schema(
        operation_id="delete_webhook",
        summary="Remove a webhook",
        description="Nothing more is sent to it, and what it was told is seen no more.",
        tags=TAGS,
        parameters=[WhyQuery, *conditional("DELETE")],
        responses={204: None, **problems(401, 403, 404, 412, 422, 428)},
    )
    def delete(self, request: Request, pk: UUID) -> Response:
        why = pages.asked_of(WhyQuery, request)["why"]
        found(request, pk)
        with preconditions.held(request, webhooks(request.user), pk, told) as row:
            service.delete(row, actor=actor_of(request), why=why)
        return Response(status=204)


def _require(request: Request, row: WebhookEndpoint, fields: list[str]) -> None:
    """Whether this user may change these fields at all; which queues, the service asks. Raises NotAllowed."""
    on = [name for name in row.queues if policy.may(request.user, Action.SUBSCRIBE, queue=name)]
    refused = policy.refused(request.user, "webhook", fields, queue=(on or row.queues)[0])
    if refused:
        raise NotAllowed(f"Your roles do not let you change {', '.join(refused)} of a webhook.")
