"""The columns of the schedules' list."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import display
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from queues.admin import show
from queues.models import Fire, Schedule
from queues.timetable import schedules as service


class ScheduleColumns:
    """In words, with the next fire and what became of the last one."""

    @display(description="Definition", ordering="definition__name")
    def definition_link(self, obj: Schedule) -> SafeString:
        return show.link(reverse("admin:queues_jobdefinition_change", args=[obj.definition_id]), obj.definition.name)

    @display(description="When")
    def in_words(self, obj: Schedule) -> SafeString:
        expression = format_html('<span class="rm-sub"><code>{}</code></span>', obj.cron) if obj.cron else ""
        return format_html('<span class="rm-wrap">{}</span>{}', service.in_words(obj), expression)

    @display(description="Next fire", ordering="next_fire_at")
    def next_fire(self, obj: Schedule) -> SafeString:
        return show.when(obj.next_fire_at) if obj.enabled and obj.paused_at is None else show.NONE

    @display(description="Last fire")
    def last_fire(self, obj: Any) -> SafeString:
        if obj.last_at is None:
            return show.faint("never")
        if obj.last_run_id and obj.last_run_state:
            told = show.link(show.run_url(obj.last_run_id), show.state(obj.last_run_state), "rm-plain")
        else:
            told = show.badge(Fire.Outcome(obj.last_outcome).label, "warn")
        return format_html('{}<span class="rm-sub">{}</span>', told, show.when(obj.last_at))

    @display(description="Status")
    def status(self, obj: Schedule) -> SafeString:
        if not obj.enabled:
            return show.badge("Off", "idle")
        if obj.paused_at:
            return format_html(
                '{}<span class="rm-sub">{}</span>',
                show.badge("Paused", "warn", f"by {obj.paused_by}"),
                obj.pause_reason,
            )
        return show.badge("On", "ok")

    @display(description="")
    def verb(self, obj: Any) -> SafeString:
        if not obj.enabled or not obj.may_pause:
            return SafeString("")
        verb = "resume" if obj.paused_at else "pause"
        return show.link(reverse(f"admin:queues_schedule_{verb}", args=[obj.pk]), verb.capitalize(), "rm-btn rm-small")
