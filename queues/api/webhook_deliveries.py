"""What a webhook was told: the list, one message with each time it was tried, and one sent again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from queues.api import pages, shapes
from queues.api import webhook_serializers as bodies
from queues.api.actor import actor_of
from queues.api.endpoint import Endpoint
from queues.api.idempotency import once_row
from queues.api.openapi import idempotent, location, problems
from queues.api.webhook_facts import NO_DELIVERY, NONE, delivery_facts, found, told_delivery
from queues.api.webhook_verbs import WHY
from queues.api.webhooks import TAGS
from queues.errors import WrongState
from queues.ledger import webhook_deliveries
from queues.models import WebhookDelivery
from queues.policy import Action


class Deliveries(Endpoint):
    needs = {"GET": Action.SUBSCRIBE}
    hidden, nothing = True, NONE

    @extend_schema(
        operation_id="list_webhook_deliveries",
        summary="What a webhook was told, the newest first",
        description="Kept for thirty days.",
        tags=TAGS,
        parameters=[bodies.DeliveryQuery],
        responses={200: bodies.DeliveryPage, **problems(401, 403, 404, 422)},
    )
    def get(self, request: Request, pk: UUID) -> Response:
        asked = pages.asked_of(bodies.DeliveryQuery, request)
        rows = found(request, pk).deliveries.defer("payload")
        rows = rows.filter(**{name: asked[name] for name in ("state", "event") if name in asked})
        if "since" in asked:
            rows = rows.filter(created_at__gte=asked["since"])
        page = pages.page_of(request, rows, asked, "-id")
        return pages.answer(page, bodies.DeliveryAnswer, map(delivery_facts, page.rows), asked)


class OneDelivery(Endpoint):
    needs = {"GET": Action.SUBSCRIBE}
    hidden, nothing = True, NONE

    @extend_schema(
        operation_id="read_webhook_delivery",
        summary="A message, and each time it was tried",
        tags=TAGS,
        parameters=[pages.FieldsQuery],
        responses={200: bodies.DeliveryDetail, **problems(401, 404, 422)},
    )
    def get(self, request: Request, pk: UUID, delivery: UUID) -> Response:
        asked = pages.asked_of(pages.FieldsQuery, request)
        whole = told_delivery(_one(request, pk, delivery))
        return Response(pages.cut(bodies.DeliveryDetail, whole, asked))


class ReplayDelivery(Endpoint):
    needs = {"POST": Action.SUBSCRIBE}
    hidden, nothing = True, NONE

    @extend_schema(
        operation_id="replay_webhook_delivery",
        summary="Send a message again",
        description="Under the same id, from the first sending on. 409 while it is on its way.",
        tags=TAGS,
        parameters=[*idempotent(202, "message"), *location(202)],
        request=bodies.WebhookWhy,
        responses={
            202: OpenApiResponse(bodies.DeliveryDetail, description="It is on its way."),
            **problems(400, 401, 403, 404, 409, 413, 415, 422),
        },
        examples=[WHY],
    )
    def post(self, request: Request, pk: UUID, delivery: UUID) -> Response:
        row = _one(request, pk, delivery)
        rows = WebhookDelivery.objects.filter(pk=row.pk)

        def once() -> WebhookDelivery:
            given = shapes.given(bodies.WebhookWhy, request.data)
            if not webhook_deliveries.replay(rows, actor=actor_of(request), why=given["why"]):
                raise WrongState("This message is on its way: wait until it has arrived or is given up.")
            return rows.get()

        done, headers = once_row(request, once, WebhookDelivery.objects.all())
        whole = told_delivery(done)
        return Response(whole, status=202, headers={"Location": whole["href"], **headers})


def _one(request: Request, pk: UUID, delivery: UUID) -> WebhookDelivery:
    """Raises Http404."""
    rows: QuerySet[Any] = found(request, pk).deliveries.prefetch_related("tries")
    row: WebhookDelivery | None = rows.filter(pk=delivery).first()
    if row is None:
        raise Http404(NO_DELIVERY)
    return row
