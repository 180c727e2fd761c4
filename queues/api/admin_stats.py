"""GET /api/admin/queue/stats: every figure, and what admins need beside them: what is in force, who works, what ended."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from queues.api import answers, examples, reads, run_items, shapes
from queues.api.endpoint import Endpoint
from queues.api.fields import Moment
from queues.api.openapi import problems
from queues.ledger import clock
from queues.ledger.strands import First
from queues.models import Run
from queues.policy import Action
from queues.watch import standing
from queues.watch.look import look

FAILED, SUCCEEDED = 25, 50
TOLD = ("id", "url", "job", "title", "queue", "state", "attempt", "created_at", "finished_at", "total_s", "error")


class EndedRun(serializers.Serializer[Any]):
    """A run that ended, in short."""

    id = serializers.UUIDField()
    url = serializers.CharField()
    job = serializers.CharField()
    title = serializers.CharField()
    queue = serializers.CharField()
    state = serializers.ChoiceField(choices=Run.State.choices)
    attempt = serializers.IntegerField()
    created_at = Moment()
    finished_at = Moment()
    total_s = serializers.FloatField()
    error = answers.RunError(allow_null=True)


class AdminStatsAnswer(answers.StatsAnswer):
    redis_up = serializers.BooleanField()
    in_force = answers.QueueStatus(
        many=True, help_text="What is in force for each queue, overrides and pauses included."
    )
    workers = answers.WorkerStatus(many=True)
    connections = answers.ConnectionAnswer(many=True)
    failed = EndedRun(many=True, help_text=f"The newest {FAILED} dead letters.")
    succeeded = EndedRun(many=True, help_text=f"The newest {SUCCEEDED} that succeeded.")


_RUN = examples.one_run(200)
EXAMPLE = OpenApiExample(
    "A quiet house",
    value={
        "at": "2026-11-23T05:30:00.000Z",
        "totals": {
            "depth": 0, "scheduled": 1, "running": 0, "dead": 0, "succeeded": 1, "failed": 0, "rate_per_min": 1.0,
            "workers": 1,
        },
        "queues": [], "redis_up": True, "in_force": [],
        "workers": [{"name": "depot-1", "queues": ["maintenance"], "slots": 3, "busy": 0, "rss_mb": 96.0}],
        "connections": [], "failed": [], "succeeded": [{name: _RUN[name] for name in TOLD}],
    },
    response_only=True,
    status_codes=["200"],
)  # fmt: skip


class AdminStats(Endpoint):
    needs = {"GET": Action.ADMINISTER}

    @extend_schema(
        operation_id="read_admin_stats",
        summary="Every queue's figures, settings, workers, connections, and what ended last",
        tags=["Steering"],
        responses={200: OpenApiResponse(AdminStatsAnswer), **problems(401, 403)},
        examples=[EXAMPLE],
    )
    def get(self, request: Request) -> Response:
        connections = standing.connections()
        redis_up = reads.redis_of(connections).up
        seen = look(clock.now(), redis_up=redis_up)
        status = reads.status(seen, redis_up=redis_up)
        told = {
            **reads.stats(seen),
            "redis_up": status["redis_up"],
            "in_force": status["queues"],
            "workers": status["workers"],
            "connections": [reads.connection_told(each) for each in connections],
            "failed": list(_newest(Run.State.DEAD, FAILED)),
            "succeeded": list(_newest(Run.State.SUCCEEDED, SUCCEEDED)),
        }
        return Response(shapes.told(AdminStatsAnswer, told))


def _newest(state: str, number: int) -> Iterable[dict[str, Any]]:
    first = First(Run.objects.filter(state=state), "-id", number)
    rows = run_items.narrowed(first.of(first.by_state(states=[state])), TOLD)
    return (run_items.told(run, TOLD) for run in rows.order_by("-id"))
