"""Every address of the API that is read, with what it is asked with. Name → paths that are taken by turns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from benchmarks.reads.lists import LISTS

QUEUES = ("notifications", "billing", "data-sync")
PAGED = (
    "all",
    "succeeded",
    "busy queue",
    "rare queue",
    "definition",
    "key",
)  # lists of which further pages are read, too


def addresses(facts: Mapping[str, Any]) -> dict[str, list[str]]:
    """`facts`: see fill.facts."""
    some, failed, logged = facts["runs"], facts["failed"], facts["logged"]
    definitions, schedules = facts["definitions"], facts["schedules"]
    found = {f"runs: {name}": [runs(query, facts)] for name, query in LISTS.items()}
    return found | {
        "run": [f"/api/v1/runs/{each}" for each in some],
        "run, few fields in a list": [f"/api/v1/runs?q={each}&fields=id,state" for each in some],
        "run, failed": [f"/api/v1/runs/{each}" for each in failed],
        "run's progress": [f"/api/v1/runs/{each}/progress" for each in some],
        "run's log": [f"/api/v1/runs/{each}/log" for each in logged],
        "run's events": [f"/api/v1/runs/{each}/events" for each in failed],
        "status": ["/api/v1/queue/status"],
        "stats": ["/api/v1/queue/stats"],
        "stats of a queue": [f"/api/v1/queue/stats/{queue}" for queue in QUEUES],
        "health": ["/api/v1/queue/health"],
        "error rules": ["/api/v1/queue/error-rules"],
        "admin stats": ["/api/admin/queue/stats"],
        "migration status": ["/api/admin/migration-status"],
        "queues": ["/api/v1/queues"],
        "queue": [f"/api/v1/queues/{queue}" for queue in QUEUES],
        "workers": ["/api/v1/workers"],
        "workers, running": ["/api/v1/workers?state=running&queue=email"],
        "definitions": ["/api/v1/definitions"],
        "definitions, text": ["/api/v1/definitions?text=Definition%202"],
        "definition": [f"/api/v1/definitions/{each}" for each in definitions],
        "schedules": ["/api/v1/schedules"],
        "schedule": [f"/api/v1/schedules/{each}" for each in schedules],
        "next fires": [f"/api/v1/schedules/{each}/next-fires" for each in schedules],
        "alerts": ["/api/v1/alerts"],
        "webhooks": ["/api/v1/webhooks"],
        "audit": ["/api/v1/audit"],
        "audit, action": ["/api/v1/audit?action=queue.clean"],
        "audit, actor": ["/api/v1/audit?actor=person-7"],
        "audit, since": [f"/api/v1/audit?since={facts['moments']['old']}"],
    }


def runs(query: str, facts: Mapping[str, Any]) -> str:
    """The path of a list of runs."""
    asked = quote(query.format(**facts["moments"]), safe="=&,:.")
    return f"/api/v1/runs?{asked}" if asked else "/api/v1/runs"
