"""GET /api/admin/migration-status: how this installation stands, for admins."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from queues import catalogue
from queues.api import shapes
from queues.api.answers import ConnectionAnswer, HealthVerdict
from queues.api.endpoint import Endpoint
from queues.api.fields import Moment
from queues.api.openapi import problems
from queues.api.reads import connection_told
from queues.ledger import clock, switches
from queues.models.queue import Executor
from queues.policy import Action
from queues.watch import health, standing
from queues.watch.score import grade_of, judge

Serializer = serializers.Serializer[Any]
FROM = ("environment", "staff")


class SwitchAnswer(Serializer):
    """How a switch stands, and whose word that is."""

    name = serializers.CharField()
    variable = serializers.CharField(help_text="Of the environment.")
    on = serializers.BooleanField()
    said_by = serializers.ChoiceField(
        choices=FROM, help_text="staff: it was thrown here, over the environment's value."
    )
    reason = serializers.CharField(allow_blank=True)
    changed_by = serializers.CharField(allow_blank=True)
    changed_at = Moment(allow_null=True)
    off_means = serializers.CharField()


class OptimisedQueue(Serializer):
    """What is in force for a queue. `plain`: the plain settings, for the switch `optimization` is off."""

    queue = serializers.ChoiceField(choices=catalogue.NAMES)
    plain = serializers.BooleanField()
    concurrency = serializers.IntegerField()
    rate_limit = serializers.CharField(allow_blank=True)
    batch = serializers.BooleanField(help_text="Whether a slot takes several runs at once.")
    executor = serializers.ChoiceField(choices=Executor.choices)


class PendingMigration(Serializer):
    app = serializers.CharField()
    name = serializers.CharField()


class MigrationStatus(Serializer):
    at = Moment()
    health = HealthVerdict(help_text="Of the whole: its worst queue's.")
    optimised = serializers.BooleanField(help_text="Whether the optimised settings are in force.")
    switches = SwitchAnswer(many=True)
    queues = OptimisedQueue(many=True)
    connections = ConnectionAnswer(many=True)
    pending_migrations = PendingMigration(many=True)


class Standing(Endpoint):
    needs = {"GET": Action.ADMINISTER}

    @extend_schema(
        operation_id="migration_status",
        summary="How this installation stands",
        description="Its health, the switches and which optimised settings are in force, its connections, and pending migrations.",
        tags=["Steering"],
        responses={200: MigrationStatus, **problems(401, 403)},
    )
    def get(self, request: Request) -> Response:
        return Response(shapes.told(MigrationStatus, told()))


def told() -> dict[str, Any]:
    """For MigrationStatus."""
    seen = health.look_now()
    score = min(judge(facts).score for facts in seen.facts.values())
    grade, word = grade_of(score)
    return {
        "at": clock.now(),
        "health": {"score": score, "grade": grade, "word": word},
        "optimised": not any(queue.plain for queue in seen.in_force.values()),
        "switches": [switch_told(position) for position in switches.positions()],
        "queues": [
            {
                "queue": name,
                **{key: getattr(queue, key) for key in ("plain", "concurrency", "rate_limit", "batch", "executor")},
            }
            for name, queue in seen.in_force.items()
        ],
        "connections": [connection_told(each) for each in standing.connections()],
        "pending_migrations": [{"app": app, "name": name} for app, name in standing.pending_migrations()],
    }


def switch_told(position: switches.Position) -> dict[str, Any]:
    """For SwitchAnswer."""
    spec, row = position.spec, position.row
    return {
        "name": spec.name,
        "variable": spec.variable,
        "on": position.on,
        "said_by": FROM[0] if row is None else FROM[1],
        "reason": "" if row is None else row.reason,
        "changed_by": "" if row is None else row.changed_by,
        "changed_at": None if row is None else row.changed_at,
        "off_means": spec.off,
    }
