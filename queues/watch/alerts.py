"""Alerts: what is beyond its line is opened, told and resolved by itself, whichever workers run.

There is no leader. Every worker (and whoever else likes) calls `tick`; the update of one row decides who of them looks.
What is read is what the watch knows already; what changes is one transaction, with its events and what is told of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import Q

from queues.ledger import clock
from queues.ledger.brief import brief
from queues.models import Alert, AlertEvent, AlertWatch
from queues.watch import alert_news
from queues.watch.alert_figures import Seen, figures
from queues.watch.alert_look import look
from queues.watch.alert_overrides import InForce, in_force
from queues.watch.alert_rows import CHANGED, Change, opened, put, standing_of
from queues.watch.alert_rules import BY_NAME, Figure, Key
from queues.watch.alert_states import COOLDOWN_S, step

LOOK_EVERY_S = 10.0
EVERY_S = 5.0  # how often each worker asks whether it is time

_WATCH = 1


def tick() -> None:
    """A worker's tick: one small query while it is not time. Raises DatabaseError."""
    look_if_due()


def look_if_due() -> int:
    """Look if nobody has for `LOOK_EVERY_S`. Returns how many alerts opened, changed level or resolved. DatabaseError."""
    now = clock.now()
    watch = AlertWatch.objects.filter(pk=_WATCH).first()
    if watch is None:
        AlertWatch.objects.bulk_create([AlertWatch(pk=_WATCH)], ignore_conflicts=True)
    elif watch.looked_at is not None and abs(now - watch.looked_at) < timedelta(seconds=LOOK_EVERY_S):
        return 0  # (one from the future, by more than that, is of a clock that was set back)
    return evaluate(look(now))


def evaluate(seen: Seen) -> int:
    """Judge what was seen, unless somebody else has just done so: one transaction. Raises DatabaseError."""
    now, age = seen.at, timedelta(seconds=LOOK_EVERY_S)
    due = Q(looked_at__isnull=True) | Q(looked_at__lte=now - age) | Q(looked_at__gte=now + age)
    with brief():
        watch = AlertWatch.objects.select_for_update(skip_locked=True).filter(due, pk=_WATCH).first()
        if watch is None or not AlertWatch.objects.filter(due, pk=_WATCH).update(looked_at=now):
            return 0
        found = _Look(seen, in_force(seen.stretch), _rows(now), watch)
        for key, figure in figures(seen).items():
            found.judge(key, figure)
        found.forget_strangers()
        return found.store()


def _rows(now: datetime) -> dict[Key, Alert]:
    """The open ones, and those that may be opened again; of a rule and queue the open one, else the newest.
    Locked, for somebody may be about to acknowledge one."""
    cooling = Q(resolved_at__gt=now - timedelta(seconds=COOLDOWN_S))
    rows = Alert.objects.select_for_update().filter(Q(resolved_at__isnull=True) | cooling).order_by("id")
    found: dict[Key, Alert] = {}
    for row in rows:
        held = found.get((row.rule, row.queue))
        if held is None or not held.open:
            found[row.rule, row.queue] = row
    return found


class _Look:
    """One evaluation: gathers the changes, then stores them together."""

    def __init__(self, seen: Seen, rules: InForce, rows: Mapping[Key, Alert], watch: AlertWatch) -> None:
        self.seen, self.rules, self.rows, self.watch = seen, rules, rows, watch
        self.judged: set[Key] = set()
        self.beyond: dict[str, str] = {}
        self.changes: list[Change] = []
        self.new: list[Alert] = []

    def judge(self, key: Key, figure: Figure | None) -> None:
        self.judged.add(key)
        rule, queue, now = BY_NAME[key[0]], key[1], self.seen.at
        row, lines = self.rows.get(key), self.rules.lines(rule, queue)
        was = standing_of(row, self._beyond_since(key))
        stands, verb = step(was, rule, lines, figure, now)
        if stands.beyond_since is not None:
            self.beyond["|".join(key)] = stands.beyond_since.isoformat()
        if figure is None or (was.level is None and stands.level is None):
            return
        if verb == "opened" and stands.level is not None:
            row = opened(rule, queue, stands.level, now)
            self.new.append(row)
        if row is not None:
            muted = self.rules.muted_until(rule.name, queue, now) is not None
            self.changes.append(put(row, rule, lines, figure, now, stands, verb, muted=muted))

    def forget_strangers(self) -> None:
        """What is open of a rule or a queue that is no more ends."""
        for key, row in self.rows.items():
            if row.open and key not in self.judged:
                row.resolved_at = self.seen.at
                event = AlertEvent(alert=row, at=self.seen.at, kind="resolved", level=row.level, value=row.value)
                self.changes.append(Change(row, event, "resolved" if row.told_level else None))

    def store(self) -> int:
        """New rows, changed rows, steps, news, and what is remembered."""
        Alert.objects.bulk_create(self.new)
        fresh = {row.pk for row in self.new}
        kept = [change.alert for change in self.changes if change.alert.pk not in fresh]
        Alert.objects.bulk_update(kept, CHANGED)
        counts = Counter(self.watch.counts)
        steps = 0
        for change in self.changes:
            if change.event is None and change.news is None:
                continue
            event = change.event or _still(change.alert, self.seen.at)
            event.save(force_insert=True)
            steps += change.event is not None
            if event.kind in ("opened", "reopened", "worsened"):
                counts[f"{change.alert.rule}|{change.alert.level}"] += 1
            if change.news is not None:
                alert_news.tell(change.news, change.alert, event)
        AlertWatch.objects.filter(pk=_WATCH).update(beyond=self.beyond, counts=dict(counts))
        return steps

    def _beyond_since(self, key: Key) -> datetime | None:
        text = self.watch.beyond.get("|".join(key))
        return datetime.fromisoformat(text) if text else None


def _still(alert: Alert, now: datetime) -> AlertEvent:
    """What is told late, at the end of a quiet time, is a step too."""
    return AlertEvent(alert=alert, at=now, kind="told", level=alert.level, value=alert.value, note=alert.text)
