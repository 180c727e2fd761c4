"""Workers: which processes serve the queues, and which did."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from queues import catalogue
from queues.api import pages
from queues.api.endpoint import Endpoint
from queues.api.fields import Moment
from queues.api.openapi import problems
from queues.models import Worker
from queues.policy import Action

Serializer = serializers.Serializer[Any]
STATES = ("running", "stopping", "stopped", "lost")


class WorkerAnswer(Serializer):
    """A worker process, as it told last."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    host = serializers.CharField()
    pid = serializers.IntegerField()
    state = serializers.ChoiceField(choices=STATES)
    queues = serializers.ListField(child=serializers.CharField())
    slots = serializers.IntegerField()
    busy = serializers.IntegerField()
    rss_mb = serializers.FloatField(help_text="Memory of the process.")
    started_at = Moment()
    beat_at = Moment(help_text="Its last sign of life.")
    stopping_at = Moment(allow_null=True)
    stopped_at = Moment(allow_null=True)
    lost_at = Moment(allow_null=True)


class WorkerPage(Serializer):
    items = WorkerAnswer(many=True)
    next = serializers.CharField(allow_null=True, help_text="The next page's path; null: this is the last one.")


class WorkerQuery(pages.PageQuery):
    """The newest first."""

    state = serializers.ChoiceField(choices=STATES, required=False)
    host = serializers.CharField(required=False, max_length=120)
    queue = serializers.CharField(required=False, max_length=64, help_text="Those that serve it: its name or an alias.")


class Workers(Endpoint):
    needs = {"GET": Action.STATS}

    @extend_schema(
        operation_id="list_workers",
        summary="The worker processes, those that ended too",
        tags=["Queues"],
        parameters=[WorkerQuery],
        responses={200: WorkerPage, **problems(401, 403, 404, 422)},
    )
    def get(self, request: Request) -> Response:
        asked = pages.asked_of(WorkerQuery, request)
        page = pages.page_of(request, _filtered(asked), asked, "-id")
        return pages.answer(page, WorkerAnswer, map(_facts, page.rows), asked)


def _facts(row: Worker) -> dict[str, Any]:
    return {name: getattr(row, name) for name in WorkerAnswer._declared_fields}


def _filtered(asked: dict[str, Any]) -> QuerySet[Worker]:
    rows = Worker.objects.all()
    if "host" in asked:
        rows = rows.filter(host=asked["host"])
    if "queue" in asked:  # as text, for SQLite cannot look into a list; a name between its quotes is no part of another
        rows = rows.filter(queues__icontains=f'"{catalogue.canonical(asked["queue"])}"')
    if "state" in asked:  # as Worker.state puts them in order
        state = asked["state"]
        rows = rows.filter(lost_at__isnull=state != "lost")
        if state != "lost":
            rows = rows.filter(stopped_at__isnull=state != "stopped")
        if state in ("running", "stopping"):
            rows = rows.filter(stopping_at__isnull=state == "running")
    return rows
