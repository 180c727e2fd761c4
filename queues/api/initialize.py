"""POST /api/v1/queue/initialize: what is missing is made, what is wrong is told. For admins; may be called again."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from queues import catalogue
from queues.api import shapes
from queues.api.actor import actor_of
from queues.api.answers import ConnectionAnswer
from queues.api.endpoint import Endpoint
from queues.api.fields import Moment, Strict
from queues.api.idempotency import once_told
from queues.api.openapi import idempotent, problems
from queues.api.reads import connection_told
from queues.ledger import clock
from queues.policy import Action
from queues.watch import initialize

Serializer = serializers.Serializer[Any]
LEVELS = ("warning", "fault")


@extend_schema_serializer(component_name="Initialize")  # the schema adds "Request"
class InitializeRequest(Strict):
    """Perhaps why."""

    why = serializers.CharField(
        required=False, allow_blank=True, max_length=300, default="", help_text="For the audit log."
    )


class Made(Serializer):
    """What was missing and is there now, by name."""

    queues = serializers.ListField(child=serializers.ChoiceField(choices=catalogue.NAMES))
    definitions = serializers.ListField(child=serializers.CharField())
    schedules = serializers.ListField(child=serializers.CharField())


class Wrong(Serializer):
    about = serializers.CharField()
    level = serializers.ChoiceField(choices=LEVELS)
    text = serializers.CharField()
    mend = serializers.CharField(allow_blank=True, help_text="What to do about it.")


class InitializeAnswer(Serializer):
    at = Moment()
    ready = serializers.BooleanField(help_text="Nothing is wrong that keeps jobs from running.")
    made = Made()
    connections = ConnectionAnswer(many=True)
    wrong = Wrong(many=True)


EXAMPLES = [
    OpenApiExample("With a reason", value={"why": "A new installation"}, request_only=True),
    OpenApiExample(
        "All is there",
        value={
            "at": "2026-11-23T05:30:00.000Z", "ready": True, "made": {"queues": [], "definitions": [], "schedules": []},
            "connections": [
                {
                    "purpose": "database", "up": True, "latency_ms": 0.4, "detail": "", "in_use": None, "idle": None,
                    "max": None,
                }
            ],
            "wrong": [],
        },
        response_only=True,
        status_codes=["200"],
    ),
]  # fmt: skip


class Initialize(Endpoint):
    needs = {"POST": Action.ADMINISTER}

    @extend_schema(
        operation_id="initialize",
        summary="Make what is missing, and tell what is wrong",
        description=(
            "Makes the rows of queues, and a definition and a schedule of every job that says how often it recurs, where "
            "there is none. Asks every connection. What is there stays as it is: call it as often as you like."
        ),
        tags=["Steering"],
        parameters=idempotent(200, "answer"),
        request=InitializeRequest,
        responses={200: OpenApiResponse(InitializeAnswer), **problems(400, 401, 403, 413, 415, 422)},
        examples=EXAMPLES,
    )
    def post(self, request: Request) -> Response:
        done, headers = once_told(request, lambda: self._done(request))
        return Response(done, headers=headers)

    def _done(self, request: Request) -> dict[str, Any]:
        why = shapes.given(InitializeRequest, request.data)["why"]
        made = initialize.make_missing(actor=actor_of(request), why=why)
        found = initialize.look()
        told = {
            "at": clock.now(),
            "ready": not any(each.level == "fault" for each in found.wrong),
            "made": made,
            "connections": [connection_told(each) for each in found.connections],
            "wrong": found.wrong,
        }
        return shapes.told(InitializeAnswer, told)
