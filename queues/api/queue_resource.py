"""Queues as staff set them: what is overridden, what would be in force otherwise, and what is. The services are the admin's.

Their verbs are in `queue_views`.
"""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from queues import catalogue
from queues.api import pages, preconditions, shapes
from queues.api.actor import actor_of
from queues.api.answers import QueueInForce
from queues.api.definition_serializers import why
from queues.api.endpoint import Endpoint
from queues.api.fields import Moment, Strict
from queues.api.openapi import conditional, problems
from queues.api.reads import in_force_of
from queues.api.refusals import by_field, require_fields
from queues.api.views import QUEUE
from queues.engine import queue_verbs, reach
from queues.ledger.queue_settings import as_set, effective, ensure_queues
from queues.models import Queue
from queues.models.queue import Executor
from queues.policy import Action

TAGS = ["Queues"]
Serializer = serializers.Serializer[Any]


class QueueDefaults(Serializer):
    """A queue's settings."""

    enabled = serializers.BooleanField()
    concurrency = serializers.IntegerField(help_text="Slots over all workers together.")
    memory_limit_mb = serializers.IntegerField()
    rate_limit = serializers.CharField(allow_blank=True, help_text="e.g. 30/s or 100/min; empty: none.")
    executor = serializers.ChoiceField(choices=Executor.choices)


class QueueOverrides(Serializer):
    """What staff put over the defaults; null: the default holds."""

    enabled = serializers.BooleanField(help_text="false: nothing is taken from it. What waits stays.")
    concurrency = serializers.IntegerField(allow_null=True)
    memory_limit_mb = serializers.IntegerField(allow_null=True)
    rate_limit = serializers.CharField(allow_null=True)
    executor = serializers.ChoiceField(choices=Executor.choices, allow_null=True)


class QueueAnswer(Serializer):
    """A queue as it is set now."""

    queue = serializers.ChoiceField(choices=catalogue.NAMES)
    url = serializers.CharField()
    title = serializers.CharField()
    overrides = QueueOverrides()
    defaults = QueueDefaults(help_text="From the environment or the catalogue.")
    in_force = QueueInForce()
    updated_at = Moment()
    version = serializers.IntegerField(help_text="Counts the changes.")


class QueuePage(Serializer):
    items = QueueAnswer(many=True)
    next = serializers.CharField(allow_null=True)


@extend_schema_serializer(component_name="QueueChange")  # the schema adds "Request"
class QueueChange(Strict):
    """What is left out stays; null puts the default back."""

    enabled = serializers.BooleanField(required=False)
    concurrency = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=10_000)
    memory_limit_mb = serializers.IntegerField(required=False, allow_null=True, min_value=16, max_value=1_048_576)
    rate_limit = serializers.CharField(required=False, allow_null=True, max_length=32, help_text="e.g. 30/s, 100/min.")
    executor = serializers.ChoiceField(choices=Executor.choices, required=False, allow_null=True)
    why = why()


ONE = OpenApiResponse(QueueAnswer, description="The queue; `ETag` names this state of it.")
CHANGED = OpenApiExample(
    "More slots, the usual rate", value={"concurrency": 4, "rate_limit": None, "why": "Monday"}, request_only=True
)


class Queues(Endpoint):
    needs = {"GET": Action.READ}

    @extend_schema(
        operation_id="list_queues",
        summary="The queues, in the order in which workers serve them",
        tags=TAGS,
        parameters=[pages.FieldsQuery],
        responses={200: QueuePage, **problems(401, 403, 422)},
    )
    def get(self, request: Request) -> Response:
        asked = pages.asked_of(pages.FieldsQuery, request)
        ensure_queues()
        rows = _rows().filter(pk__in=reach.queues(request.user, Action.READ))
        return pages.answer(pages.Page(list(rows), None), QueueAnswer, map(_facts, rows), asked)


class OneQueue(Endpoint):
    needs = {"GET": Action.READ, "PATCH": Action.ADMINISTER}

    @extend_schema(
        operation_id="read_queue",
        summary="A queue: its overrides, its defaults, what is in force",
        tags=TAGS,
        parameters=[QUEUE, pages.FieldsQuery, *conditional("GET")],
        responses={200: ONE, 304: None, **problems(401, 403, 404, 422)},
    )
    def get(self, request: Request, queue: str) -> Response:
        asked = pages.asked_of(pages.FieldsQuery, request)
        ensure_queues()
        whole = told(_rows().get(pk=catalogue.canonical(queue)))
        return preconditions.read(request, whole, pages.cut(QueueAnswer, whole, asked))

    @extend_schema(
        operation_id="change_queue",
        summary="Put settings over a queue's defaults, or take them back",
        description="In force from the next claim on.",
        tags=TAGS,
        parameters=[QUEUE, *conditional("PATCH")],
        request=QueueChange,
        responses={200: ONE, **problems(400, 401, 403, 404, 412, 413, 415, 422, 428)},
        examples=[CHANGED],
    )
    def patch(self, request: Request, queue: str) -> Response:
        name = catalogue.canonical(queue)
        ensure_queues()
        given = shapes.given(QueueChange, request.data)
        why = given.pop("why")
        require_fields(request.user, "queue", given, queue=name)
        with preconditions.held(request, _rows(), name, told) as row:
            for field, value in given.items():
                setattr(row, field, "" if value is None and field in _TEXTS else value)
            if given:
                with by_field(row):
                    row = queue_verbs.save_queue(row, actor=actor_of(request), why=why)
        return preconditions.changed(told(row))


_TEXTS = ("rate_limit", "executor")


def told(row: Queue) -> dict[str, Any]:
    """A queue's representation."""
    return shapes.told(QueueAnswer, _facts(row))


def _facts(row: Queue) -> dict[str, Any]:
    plain = as_set(row.name)
    overrides = {name: getattr(row, name) for name in queue_verbs.OVERRIDES}
    return {
        "queue": row.name,
        "url": reverse("api-queue", args=[row.name]),
        "title": row.title,
        "overrides": {name: None if value == "" else value for name, value in overrides.items()},
        "defaults": {name: getattr(plain, name) for name in queue_verbs.OVERRIDES},
        "in_force": in_force_of(effective(row)),
        "updated_at": row.updated_at,
        "version": row.version,
    }


def _rows() -> QuerySet[Queue]:
    return Queue.objects.order_by("position")
