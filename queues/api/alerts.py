"""Alerts: what is open or was, and who takes care of it. They open and resolve by themselves."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from queues import catalogue
from queues.api import alert_serializers as bodies
from queues.api import pages, preconditions, shapes
from queues.api.actor import actor_of
from queues.api.asking import require
from queues.api.endpoint import Endpoint
from queues.api.idempotency import once_told
from queues.api.openapi import conditional, idempotent, problems, tagged
from queues.errors import NotAllowed
from queues.models import Alert
from queues.policy import Action
from queues.watch import acknowledge, alert_rights
from queues.watch.alert_rules import BY_NAME

TAGS = ["Alerts"]
NONE = "There is no such alert."
ONE = OpenApiResponse(bodies.AlertAnswer, description="The alert; `ETag` names this state of it.")
NOTED = OpenApiExample("With a note", value={"note": "A worker hangs; I restart it"}, request_only=True)


class Alerts(Endpoint):
    needs = {"GET": Action.READ}

    @extend_schema(
        operation_id="list_alerts",
        summary="Alerts, the open ones unless asked otherwise",
        description="Of the queues that you may read, and of the whole house where you may see its figures. Newest first.",
        tags=TAGS,
        parameters=[bodies.AlertQuery],
        responses={200: bodies.AlertPage, **problems(401, 403, 404, 422)},
    )
    def get(self, request: Request) -> Response:
        asked = pages.asked_of(bodies.AlertQuery, request)
        page = pages.page_of(request, _filtered(request, asked), asked, "-id")
        return pages.answer(page, bodies.AlertAnswer, map(_facts, page.rows), asked)


class OneAlert(Endpoint):
    needs = {"GET": Action.READ}
    hidden, nothing = True, NONE

    @extend_schema(
        operation_id="read_alert",
        summary="An alert",
        tags=TAGS,
        parameters=[pages.FieldsQuery, *conditional("GET")],
        responses={200: ONE, 304: None, **problems(401, 404, 422)},
    )
    def get(self, request: Request, pk: UUID) -> Response:
        asked = pages.asked_of(pages.FieldsQuery, request)
        whole = told(found(request, pk))
        return preconditions.read(request, whole, pages.cut(bodies.AlertAnswer, whole, asked))


class AcknowledgeAlert(Endpoint):
    needs = {"POST": Action.ENQUEUE}
    hidden, nothing = True, NONE
    creates = False  # no run

    @extend_schema(
        operation_id="acknowledge_alert",
        summary="Say that somebody takes care of an open alert",
        description=(
            "It stays open until its figure is well again. If it gets worse, the acknowledgement is taken back. 409 where it "
            "has resolved, or somebody takes care of it already."
        ),
        tags=TAGS,
        parameters=[*idempotent(200, "alert"), tagged(200)],
        request=bodies.AcknowledgeRequest,
        responses={200: ONE, **problems(400, 401, 403, 404, 409, 413, 415, 422)},
        examples=[NOTED],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        _require(request, found(request, pk))

        def act() -> dict[str, Any]:
            note = shapes.given(bodies.AcknowledgeRequest, request.data)["note"]
            try:
                acknowledge.acknowledge(pk, actor=actor_of(request), note=note)
            except Alert.DoesNotExist:  # its retention ended just now
                raise Http404(NONE) from None
            return {"alert": str(pk)}

        _, headers = once_told(request, act)
        return preconditions.changed(told(found(request, pk)), headers=headers)


def told(row: Alert) -> dict[str, Any]:
    """An alert's representation."""
    return shapes.told(bodies.AlertAnswer, _facts(row))


def found(request: Request, pk: UUID) -> Alert:
    """Raises Http404 where there is none, and where it is none of this user's."""
    row = Alert.objects.filter(pk=pk).first()
    if row is None or not alert_rights.may_see(request.user, row):
        raise Http404(NONE)
    return row


def _require(request: Request, row: Alert) -> None:
    if row.queue:
        require(request.user, row.queue)
    elif not alert_rights.may_acknowledge(request.user, row):
        raise NotAllowed("This alert is about the whole house: admins acknowledge it.")


def _filtered(request: Request, asked: dict[str, Any]) -> QuerySet[Alert]:
    rows = alert_rights.visible(Alert.objects.all(), request.user)
    if asked["state"] != "all":
        rows = rows.filter(resolved_at__isnull=asked["state"] == "open")
    if "queue" in asked:
        name = catalogue.canonical(asked["queue"])
        if name not in alert_rights.scopes(request.user):
            raise NotFound(f"There is no queue {asked['queue']!r} among those that you may read.", "unknown_queue")
        rows = rows.filter(queue=name)
    return rows.filter(**{name: asked[name] for name in ("level", "rule") if name in asked})


def _facts(row: Alert) -> dict[str, Any]:
    rule = BY_NAME.get(row.rule)
    return {
        **{name: getattr(row, name) for name in _AS_STORED},
        "url": reverse("api-alert", args=[row.pk]),
        "queue": row.queue or None,
        "state": "open" if row.open else "resolved",
        "title": rule.title if rule else row.rule,
        "unit": rule.unit if rule else "",
        "act": rule.act if rule else "",
        "runbook": rule.runbook if rule else "",
    }


_AS_STORED = (
    "id", "rule", "level", "text", "value", "threshold", "peak", "opened_at", "level_at", "last_seen_at", "resolved_at",
    "reopened", "acknowledged_at", "acknowledged_by", "note",
)  # fmt: skip
