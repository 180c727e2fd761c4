"""The queues' pages in Django's admin: thin over the services of queues.engine, queues.timetable and queues.ledger."""

from queues.admin import (
    audit,
    definitions,
    effects,
    error_rules,
    health,
    outbox,
    people,
    queues,
    runs,
    schedules,
    switches,
    workers,
)

__all__ = [
    "audit",
    "definitions",
    "effects",
    "error_rules",
    "health",
    "outbox",
    "people",
    "queues",
    "runs",
    "schedules",
    "switches",
    "workers",
]
