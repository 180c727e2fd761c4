"""A look's outcome for one rule and queue, put onto its row: pure but for the row that it changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from queues.ledger.requests import new_id
from queues.models import Alert, AlertEvent
from queues.watch.alert_rules import Figure, Level, Lines, Rule, judge, shown
from queues.watch.alert_states import News, Standing, Verb, news, quiet_until

CHANGED = (
    "level", "text", "value", "threshold", "peak", "level_at", "last_seen_at", "resolved_at", "reopened", "calm_since",
    "calm_level", "told_level", "quiet_until", "acknowledged_at", "acknowledged_by", "note",
)  # fmt: skip


@dataclass
class Change:
    """A row, the step that is to be kept (None: it only stands there still), and what is told of it."""

    alert: Alert
    event: AlertEvent | None
    news: News | None


def standing_of(row: Alert | None, beyond_since: datetime | None) -> Standing:
    """What is remembered: of the newest row, and of a figure that has no alert yet."""
    if row is None:
        return Standing(beyond_since=beyond_since)
    if row.resolved_at is not None:
        return Standing(beyond_since=beyond_since, resolved_at=row.resolved_at)
    return Standing(level=_level(row.level), calm_since=row.calm_since, calm_level=_level(row.calm_level))


def opened(rule: Rule, queue: str, level: Level, now: datetime) -> Alert:
    """A new row."""
    return Alert(
        id=new_id(), rule=rule.name, queue=queue, level=level, opened_at=now, level_at=now, last_seen_at=now,
        value=0.0, threshold=0.0, peak=0.0,
    )  # fmt: skip


def put(
    row: Alert, rule: Rule, lines: Lines, figure: Figure, now: datetime, stands: Standing, verb: Verb | None, *, muted: bool
) -> Change:  # fmt: skip
    """Bring the row up to date with how it stands now."""
    beyond = judge(rule, lines, figure) is not None
    if verb == "reopened" and row.resolved_at is not None and stands.level is not None:
        row.quiet_until = quiet_until(row.resolved_at, _level(row.level) or "warning", stands.level)
        row.resolved_at, row.reopened = None, row.reopened + 1
    if stands.level is not None:
        _measured(row, rule, lines, figure, now, stands.level, beyond)
    else:
        row.resolved_at = now
        row.value = row.value if figure.value is None else figure.value
    if verb in ("reopened", "worsened"):  # who took care of it saw something else
        row.acknowledged_at, row.acknowledged_by, row.note = None, "", ""
    row.calm_since, row.calm_level = stands.calm_since, stands.calm_level or ""
    quiet = muted or (row.quiet_until is not None and now < row.quiet_until and verb != "worsened")
    told = news(_level(row.told_level), stands.level, quiet=quiet)
    if told is not None:
        row.told_level = stands.level or ""
    return Change(row, _event(row, verb, now, row.text if beyond else figure.text) if verb else None, told)


def _measured(row: Alert, rule: Rule, lines: Lines, figure: Figure, now: datetime, level: Level, beyond: bool) -> None:
    if row.level != level:
        row.level, row.level_at = level, now
    line = lines.of(level)
    if line is not None:
        row.threshold = line
    if figure.value is None:
        return
    fresh = not row.text
    row.value = figure.value
    row.peak = figure.value if fresh else (min if rule.below else max)(row.peak, figure.value)
    if beyond:
        row.last_seen_at = now
        side = "under" if rule.below else "over"
        row.text = f"{figure.text} ({level} {side} {shown(row.threshold, rule.unit)})."[:300]


def _event(row: Alert, verb: Verb, now: datetime, note: str) -> AlertEvent:
    return AlertEvent(alert=row, at=now, kind=verb, level=row.level, value=row.value, note=note[:300])


def _level(value: str) -> Any:
    return value or None
