"""The audit log: who changed what, when, from where and why. Read only, for admins."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from queues.api import pages
from queues.api.endpoint import Endpoint
from queues.api.fields import JsonObject, Moment
from queues.api.openapi import problems
from queues.ledger import audit_export
from queues.models import AuditEntry
from queues.policy import Action

Serializer = serializers.Serializer[Any]
SAME = ("actor", "action", "object_type", "object_id", "source")


class AuditEntryAnswer(Serializer):
    """One change."""

    id = serializers.IntegerField()
    at = Moment()
    actor = serializers.CharField()
    source = serializers.CharField(help_text="admin, api, command, …")  # type: ignore[assignment]
    address = serializers.CharField(allow_blank=True)
    request_id = serializers.CharField(allow_blank=True)
    action = serializers.CharField(help_text="e.g. schedule.pause")
    object_type = serializers.CharField()
    object_id = serializers.CharField()
    object_label = serializers.CharField(allow_blank=True)
    before = JsonObject(allow_null=True, help_text="What differs; null: it was made.")
    after = JsonObject(allow_null=True, help_text="What differs; null: it was removed.")
    why = serializers.CharField(allow_blank=True)


class AuditPage(Serializer):
    items = AuditEntryAnswer(many=True)
    next = serializers.CharField(allow_null=True, help_text="The next page's path; null: this is the last one.")


class AuditQuery(pages.PageQuery):
    """Entries for which all that is given holds, the newest first."""

    actor = serializers.CharField(required=False, max_length=150)
    action = serializers.CharField(required=False, max_length=64, help_text="e.g. schedule.pause")
    object_type = serializers.CharField(required=False, max_length=64, help_text="definition, schedule, queue, run, …")
    object_id = serializers.CharField(required=False, max_length=64)
    source = serializers.CharField(required=False, max_length=16)  # type: ignore[assignment]
    since = Moment(required=False, help_text="Then or later. With an offset.")
    until = Moment(required=False, help_text="Before then. With an offset.")
    text = serializers.CharField(
        required=False, max_length=100, help_text="Somewhere in actor, action, object or reason; or the object's id."
    )


class Audit(Endpoint):
    needs = {"GET": Action.AUDIT}

    @extend_schema(
        operation_id="list_audit_entries",
        summary="Who changed what, when, from where and why",
        description="E-mail addresses and telephone numbers are masked.",
        tags=["Audit"],
        parameters=[AuditQuery],
        responses={200: AuditPage, **problems(401, 403, 422)},
    )
    def get(self, request: Request) -> Response:
        asked = pages.asked_of(AuditQuery, request)
        page = pages.page_of(request, _filtered(asked), asked, "-id")
        return pages.answer(page, AuditEntryAnswer, map(_facts, page.rows), asked)


def _facts(row: AuditEntry) -> dict[str, Any]:
    """Personal data in it is masked here, whoever asks; the admin shows it to those who may see it, and notes that."""
    return audit_export.told(row, masked=True)


def _filtered(asked: dict[str, Any]) -> QuerySet[AuditEntry]:
    rows = AuditEntry.objects.filter(**{name: asked[name] for name in SAME if name in asked})
    if "since" in asked:
        rows = rows.filter(at__gte=asked["since"])
    if "until" in asked:
        rows = rows.filter(at__lt=asked["until"])
    if text := asked.get("text"):
        named = Q(actor__icontains=text) | Q(action__icontains=text) | Q(object_label__icontains=text)
        rows = rows.filter(named | Q(why__icontains=text) | Q(object_id=text))
    return rows
