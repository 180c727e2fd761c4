"""Wires the engine to its ports when Django is ready, and gathers every domain's handlers."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class QueuesConfig(AppConfig):
    name = "queues"
    verbose_name = "Jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from queues import checks  # noqa: F401  (registers the system checks)
        from queues.contract import ports
        from queues.engine import outbox
        from queues.engine.dispatch import dispatch, dispatch_alike
        from queues.ledger import clock
        from queues.ledger.audit import write
        from queues.ledger.run_now import run_now

        ports.dispatch, ports.dispatch_alike = dispatch, dispatch_alike
        ports.audit, ports.outbox, ports.clock = write, outbox, lambda: clock.now()
        ports.look = run_now
        autodiscover_modules("jobs")
