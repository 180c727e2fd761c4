"""The admin's first page: the queues, what failed, what comes, who works. Polled while it is looked at."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from queues.admin import access, alerts_facts, show
from queues.admin.queues_facts import Facts, status_badge
from queues.ledger import clock
from queues.ledger.queue_settings import all_effective
from queues.models import JobDefinition, Run, Schedule, Worker

LATE_S = 30.0


def callback(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """UNFOLD's DASHBOARD_CALLBACK."""
    return {**context, **dashboard_context(request), "title": "Operations"}


def live(request: HttpRequest) -> HttpResponse:
    """The same facts as a fragment, for polling."""
    return TemplateResponse(request, "queues/dashboard_live.html", dashboard_context(request))


def dashboard_context(request: HttpRequest) -> dict[str, Any]:
    """Everything the viewer may see; a constant number of queries, however many rows there are."""
    names = access.readable_queues(request.user)
    if not names:
        return {"dashboard": None}
    facts, now = Facts.gather(), clock.now()
    queues = []
    for name, in_force in all_effective().items():
        if name not in names:
            continue
        health = facts.health.get(name)
        queues.append(
            {
                "name": name,
                "title": in_force.title,
                "status": status_badge(in_force),
                "pending": facts.counts.get((name, "pending"), 0),
                "scheduled": facts.counts.get((name, "scheduled"), 0),
                "running": facts.counts.get((name, "running"), 0),
                "slots": in_force.concurrency,
                "workers": facts.workers.get(name, 0),
                "grade": show.grade(health.grade, health.score) if health else show.NONE,
            }
        )
    mine = Run.objects.filter(queue__in=names).defer("error_detail", "result", "params", "packed")
    workers = list(Worker.objects.filter(stopped_at__isnull=True, lost_at__isnull=True).order_by("name")[:20])
    schedules = access.readable_schedules(Schedule.objects.select_related("definition"), request.user)
    return {
        "dashboard": {
            "alerts": alerts_facts.open_alerts(request.user),
            "queues": queues,
            "running": list(mine.filter(state="running").select_related("definition").order_by("-id")[:8]),
            "recent": list(mine.exclude(state__in=("pending", "scheduled", "running")).order_by("-id")[:8]),
            "dead": list(mine.filter(state="dead", finished_at__gte=now - timedelta(days=1)).order_by("-id")[:8]),
            "next_fires": list(
                schedules.filter(enabled=True, paused_at__isnull=True, next_fire_at__isnull=False).order_by(
                    "next_fire_at"
                )[:8]
            ),
            "workers": [(worker, (now - worker.beat_at).total_seconds()) for worker in workers],
            "late_s": LATE_S,
            "nothing_defined": not access.readable_definitions(JobDefinition.objects.all(), request.user).exists(),
            "may_define": bool(access.operable_jobs(request.user)),
        }
    }
