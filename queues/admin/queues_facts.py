"""What the list of queues and the first page tell of every queue, in three queries."""

from __future__ import annotations

from django.db.models import Count
from django.utils.html import format_html, format_html_join
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


def drain_left(in_force: QueueSettings) -> tuple[int, int]:
    """Of a draining queue: how many live runs are still to be finished, and how many came later and wait. Two queries."""
    live = Run.objects.filter(queue=in_force.name, state__in=LIVE_STATES)
    left = live.filter(created_at__lte=in_force.drain_at).count()
    return left, live.count() - left


def status_badge(in_force: QueueSettings, *, brief: bool = False) -> SafeString:
    """Open, paused, draining (why, by whom, until when; not if `brief`) or off."""
    if not in_force.enabled:
        return show.badge("Off", "idle")
    told = []
    if in_force.paused:
        until = format_html(", until {}", show.when(in_force.paused_until)) if in_force.paused_until else ""
        told.append(_told("Paused", in_force.pause_reason, in_force.paused_by, until, brief))
    if in_force.draining:
        told.append(_told("Draining", in_force.drain_reason, in_force.drain_by, "", brief))
    if not told:
        return show.badge("Open", "ok")
    parts = format_html_join(" ", "{}", ((each,) for each in told))
    return parts if brief else format_html('<span class="rm-status">{}</span>', parts)


def _told(word: str, why: str, who: str, until: str | SafeString, brief: bool) -> SafeString:
    badge = show.badge(word, "warn")
    return badge if brief else format_html('{}<span class="rm-sub">{} ({}{})</span>', badge, why, who, until)
