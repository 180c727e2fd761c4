"""POST /api/v1/queue/jobs/batch: up to 500 requests for runs in one, each accepted or refused by itself."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from queues import catalogue
from queues.api import answers, shapes
from queues.api.actor import actor_of
from queues.api.batch_accepting import Batch, still_open
from queues.api.endpoint import Endpoint
from queues.api.fields import JsonObject, Strict
from queues.api.idempotency import once_told
from queues.api.openapi import idempotent, problems
from queues.api.parsers import BatchJSONParser
from queues.api.serializers import JobRequest
from queues.models import Run
from queues.policy import Action

MOST = 500
_ID = "01981c2e-5f2a-7c44-9a57-1f0d6f1f9f10"
_PATH = f"/api/v1/queue/maintenance/jobs/{_ID}"


class BatchRequest(Strict):
    """Requests, of which each is validated by itself."""

    items = serializers.ListField(child=JsonObject(), min_length=1, max_length=MOST, help_text="1 to 500 requests.")


@extend_schema_serializer(component_name="JobBatch")  # the schema adds "Request"
class BatchShape(Strict):
    """Requests, each as POST jobs takes it."""

    items = serializers.ListField(child=JobRequest(), min_length=1, max_length=MOST, help_text="1 to 500 requests.")


class BatchRun(serializers.Serializer[Any]):
    """The run that an item was answered with."""

    id = serializers.UUIDField()
    url = serializers.CharField(help_text="Where to ask for it.")
    job = serializers.CharField()
    queue = serializers.ChoiceField(choices=catalogue.NAMES)
    state = serializers.ChoiceField(choices=Run.State.choices)
    cached = serializers.BooleanField(help_text="An earlier result answers: nothing is run.")


class BatchItem(serializers.Serializer[Any]):
    """What became of one request."""

    index = serializers.IntegerField(help_text="Its place among the items, from 0.")
    status = serializers.IntegerField(
        help_text="What the request alone would have been answered with, e.g. 202 or 422."
    )
    run = BatchRun(allow_null=True)
    problem = answers.Problem(allow_null=True)


class BatchAnswer(serializers.Serializer[Any]):
    accepted = serializers.IntegerField()
    refused = serializers.IntegerField()
    items = BatchItem(many=True, help_text="In the order of the request.")


EXAMPLES = [
    OpenApiExample(
        "Two jobs",
        value={
            "items": [
                {"job": "queues.clean_history", "params": {"dry_run": True}},
                {"definition": "Plan tomorow's routes"},
            ]
        },
        request_only=True,
    ),
    OpenApiExample(
        "One of two is accepted",
        value={
            "accepted": 1,
            "refused": 1,
            "items": [
                {
                    "index": 0, "status": 202, "problem": None,
                    "run": {
                        "id": _ID, "url": _PATH, "job": "queues.clean_history", "queue": "maintenance",
                        "state": "pending", "cached": False,
                    },
                },
                {
                    "index": 1, "status": 404, "run": None,
                    "problem": {
                        "type": "urn:roundsman:problem:unknown_definition", "title": "Not Found", "status": 404,
                        "detail": "There is no definition named \"Plan tomorow's routes\". Did you mean \"Plan tomorrow's routes\"?",
                        "code": "unknown_definition", "instance": "0f9a1c52-6f0e-4f0b-9d0c-2b1c7f7f6a11",
                    },
                },
            ],
        },
        response_only=True,
        status_codes=["202"],
    ),
]  # fmt: skip


class JobsBatch(Endpoint):
    needs = {"POST": Action.ENQUEUE}
    parser_classes = [BatchJSONParser]

    def cost(self, request: Request) -> int:
        """How many jobs it asks for."""
        body = request.data
        items = body.get("items") if isinstance(body, dict) else None
        return min(MOST, max(1, len(items))) if isinstance(items, list) else 1

    @extend_schema(
        operation_id="enqueue_jobs",
        summary="Run up to 500 jobs and definitions",
        description=(
            "Each item is accepted or refused by itself, and told in its place with the status that it alone would have "
            "got. 202 where one at least is accepted, else 200. The body may take 1 MB. The Idempotency-Key is the whole "
            "batch's: sent again, it is answered as it was first."
        ),
        tags=["Queues"],
        parameters=idempotent(202, "answer"),
        request=BatchShape,
        responses={
            200: OpenApiResponse(BatchAnswer, description="None is accepted."),
            202: OpenApiResponse(BatchAnswer, description="One at least is accepted."),
            **problems(400, 401, 403, 413, 415, 422),
        },
        examples=EXAMPLES,
    )
    def post(self, request: Request) -> Response:
        told, headers = once_told(request, lambda: self._accept(request), still_open(request.user))
        return Response(told, status=202 if told["accepted"] else 200, headers=headers)

    def _accept(self, request: Request) -> dict[str, Any]:
        items = shapes.given(BatchRequest, request.data)["items"]
        with transaction.atomic():
            found = Batch(request.user, actor_of(request)).accept(items)
        accepted = sum(item["run"] is not None for item in found)
        return {"accepted": accepted, "refused": len(found) - accepted, "items": found}
