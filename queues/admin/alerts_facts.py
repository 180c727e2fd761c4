"""What the pages tell of an alert: its level, where, what was found against which line, since when, who takes care of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from queues.admin import show
from queues.ledger import clock
from queues.models import Alert
from queues.watch import alert_rights
from queues.watch.alert_overrides import InForce, in_force
from queues.watch.alert_rules import BY_NAME, Rule, shown

TONES = {"warning": "warn", "critical": "bad"}
ON_DASHBOARD = 8


@dataclass(frozen=True)
class Told:
    """An alert for a page."""

    alert: Alert
    rule: Rule | None
    muted_until: datetime | None
    now: datetime

    @property
    def url(self) -> str:
        return reverse("admin:queues_alert_change", args=[self.alert.pk])

    @property
    def title(self) -> str:
        return self.rule.title if self.rule else self.alert.rule

    @property
    def where(self) -> str:
        return show.queue_title(self.alert.queue) if self.alert.queue else "the whole house"

    @property
    def badge(self) -> SafeString:
        label = Alert.Level(self.alert.level).label
        if not self.alert.open:
            return show.badge("Resolved", "idle", f"It was {label.lower()}")
        return show.badge(label, "idle" if self.muted_until else TONES[self.alert.level])

    @property
    def value(self) -> str:
        return self._unit(self.alert.value)

    @property
    def line(self) -> str:
        return self._unit(self.alert.threshold)

    @property
    def peak(self) -> str:
        return self._unit(self.alert.peak)

    @property
    def side(self) -> str:
        return "under" if self.rule and self.rule.below else "over"

    @property
    def lasted(self) -> str:
        return show.lasted(self.alert.opened_at, self.alert.resolved_at or self.now)

    @property
    def care(self) -> SafeString:
        """Who takes care of it, and whether it is muted."""
        parts = []
        if self.alert.acknowledged_by:
            parts.append(format_html('{}<span class="rm-sub rm-wrap">{}</span>', self.alert.acknowledged_by, self.alert.note))  # fmt: skip
        if self.muted_until:
            until = show.when(self.muted_until)
            parts.append(format_html('<span class="rm-sub">Muted until {}</span>', until))
        return format_html_join("", "{}", ((part,) for part in parts)) if parts else show.NONE

    def _unit(self, value: float) -> str:
        return shown(value, self.rule.unit) if self.rule else f"{value:g}"


def told(alert: Alert, rules: InForce, now: datetime) -> Told:
    until = rules.muted_until(alert.rule, alert.queue, now) if alert.open else None
    return Told(alert, BY_NAME.get(alert.rule), until, now)


def open_alerts(user: Any) -> list[Told]:
    """Those that this user may see, critical ones first; two queries at most."""
    rows = list(
        alert_rights.visible(Alert.objects.filter(resolved_at__isnull=True), user).order_by("level", "-id")[
            :ON_DASHBOARD
        ]
    )
    if not rows:
        return []
    rules, now = in_force(), clock.now()
    return [told(row, rules, now) for row in rows]


def count_badge(request: HttpRequest) -> str:
    """Beside the menu's entry: how many are open, empty for none. UNFOLD names it."""
    rows = alert_rights.visible(Alert.objects.filter(resolved_at__isnull=True), request.user)
    number = rows.count()
    return f"{number}" if number else ""
