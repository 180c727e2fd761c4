"""What the list of queues and the first page tell of every queue, in three queries."""

from __future__ import annotations

from django.db.models import Count
from django.utils.html import format_html
from django.utils.safestring import SafeString

from queues.admin import show
from queues.ledger.queue_settings import QueueSettings
from queues.models import QueueHealth, Run, Worker
from queues.models.run import LIVE_STATES


class Facts:
    """What the list tells of every queue, in three queries."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str], int] = {}
        self.workers: dict[str, int] = {}
        self.health: dict[str, QueueHealth] = {}

    @classmethod
    def gather(cls) -> Facts:
        facts = cls()
        live = Run.objects.order_by().filter(state__in=LIVE_STATES)
        for queue, state, number in live.values_list("queue", "state").annotate(n=Count("pk")):
            facts.counts[queue, state] = number
        live_workers = Worker.objects.filter(stopped_at__isnull=True, lost_at__isnull=True)
        for served in live_workers.values_list("queues", flat=True):
            for queue in served:
                facts.workers[queue] = facts.workers.get(queue, 0) + 1
        facts.health = {row.queue: row for row in QueueHealth.objects.all()}
        return facts


def status_badge(in_force: QueueSettings) -> SafeString:
    """Open, paused (by whom, why, until when) or off."""
    if not in_force.enabled:
        return show.badge("Off", "idle")
    if in_force.paused:
        until = format_html(" until {}", show.when(in_force.paused_until)) if in_force.paused_until else ""
        return format_html(
            '{}<span class="rm-sub">{}{}</span>', show.badge("Paused", "warn"), in_force.pause_reason, until
        )
    return show.badge("Open", "ok")
