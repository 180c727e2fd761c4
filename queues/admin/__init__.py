"""The queues' pages in Django's admin: thin over the services of queues.engine, queues.timetable and queues.ledger."""

from queues.admin import audit, definitions, effects, health, outbox, people, queues, runs, schedules, workers

__all__ = ["audit", "definitions", "effects", "health", "outbox", "people", "queues", "runs", "schedules", "workers"]
