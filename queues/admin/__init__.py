"""The queues' pages in Django's admin: thin over the services of queues.engine, queues.timetable and queues.ledger."""

from queues.admin import (
    allowances,
    api_keys,
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
    session_age,
    switches,
    workers,
)

__all__ = [
    "allowances",
    "api_keys",
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
    "session_age",
    "switches",
    "workers",
]
