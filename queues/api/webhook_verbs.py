"""What is done to a webhook: a new secret, a test, and the dead ones of its messages sent again."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from queues.api import preconditions, shapes
from queues.api import webhook_serializers as bodies
from queues.api.actor import actor_of
from queues.api.endpoint import Endpoint
from queues.api.idempotency import once_row, once_told
from queues.api.openapi import idempotent, location, problems, tagged
from queues.api.webhook_facts import NONE, found, told, told_delivery, told_with_secret
from queues.api.webhooks import TAGS
from queues.engine.webhook_reach import webhooks
from queues.ledger import webhook_deliveries
from queues.ledger import webhook_endpoints as service
from queues.models import WebhookDelivery, WebhookEndpoint
from queues.policy import Action

WHY = OpenApiExample("With a reason", value={"why": "The receiver is mended"}, request_only=True)


class _Verb(Endpoint):
    needs = {"POST": Action.SUBSCRIBE}
    hidden, nothing = True, NONE


class RotateWebhook(_Verb):
    @extend_schema(
        operation_id="rotate_webhook",
        summary="Give a webhook a new secret",
        description="It is told in this answer alone. The one before signs as well for a day, or as long as you say.",
        tags=TAGS,
        parameters=[*idempotent(200, "webhook"), tagged(200)],
        request=bodies.WebhookRotation,
        responses={
            200: OpenApiResponse(bodies.WebhookSecret, description="The webhook with its new secret."),
            **problems(400, 401, 403, 404, 409, 413, 415, 422),
        },
        examples=[OpenApiExample("At once", value={"both_sign_s": 0, "why": "It leaked"}, request_only=True)],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        row = found(request, pk)

        def once() -> WebhookEndpoint:
            given = shapes.given(bodies.WebhookRotation, request.data)
            return service.rotate(row, **given, actor=actor_of(request))

        done, headers = once_row(request, once, webhooks(request.user))
        answer = preconditions.changed(told(done), headers=headers)
        answer.data = told_with_secret(done)
        answer["Cache-Control"] = "no-store"
        return answer


class TestWebhook(_Verb):
    @extend_schema(
        operation_id="test_webhook",
        summary="Have a webhook told `webhook.test`",
        description="It is sent within two seconds; `href` tells what came of it.",
        tags=TAGS,
        parameters=[*idempotent(202, "message"), *location(202)],
        request=bodies.WebhookWhy,
        responses={202: bodies.DeliveryDetail, **problems(400, 401, 403, 404, 409, 413, 415, 422)},
        examples=[WHY],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        row = found(request, pk)

        def once() -> WebhookDelivery:
            given = shapes.given(bodies.WebhookWhy, request.data)
            return service.send_test(row, actor=actor_of(request), why=given["why"])

        done, headers = once_row(request, once, WebhookDelivery.objects.all())
        whole = told_delivery(done)
        return Response(whole, status=202, headers={"Location": whole["href"], **headers})


class ReplayWebhook(_Verb):
    @extend_schema(
        operation_id="replay_webhook",
        summary="Send a webhook's dead messages again",
        description="All that did not arrive since then, under the same ids, from the first sending on.",
        tags=TAGS,
        parameters=idempotent(200, "answer"),
        request=bodies.WebhookReplay,
        responses={200: bodies.ReplayAnswer, **problems(400, 401, 403, 404, 409, 413, 415, 422)},
        examples=[
            OpenApiExample(
                "Since the night", value={"since": "2026-11-26T00:00:00Z", "why": "It was down"}, request_only=True
            )
        ],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        row = found(request, pk)

        def once() -> dict[str, int]:
            given = shapes.given(bodies.WebhookReplay, request.data)
            dead = row.deliveries.filter(state=WebhookDelivery.State.DEAD, created_at__gte=given["since"])
            return {"replayed": webhook_deliveries.replay(dead, actor=actor_of(request), why=given["why"])}

        answer, headers = once_told(request, once)
        return Response(answer, headers=headers)
