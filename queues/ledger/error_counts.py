"""How often attempts failed lately, by the error's type and code: read from the runs' events, a bounded number of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Max
from django.db.models.fields.json import KT

from queues.ledger.error_table import Key, Rule, Table
from queues.models import RunEvent

SPAN_S = 86_400.0
NEWEST = 20_000  # events are looked at
_ANY = Rule(permanent=False)


@dataclass(frozen=True)
class Times:
    """Attempts that failed: those after which another one was to follow, and those that made a dead letter."""

    retried: int = 0
    dead: int = 0

    def __add__(self, other: Times) -> Times:
        return Times(self.retried + other.retried, self.dead + other.dead)

    def __bool__(self) -> bool:
        return bool(self.retried or self.dead)


@dataclass(frozen=True)
class Lately:
    """`by_error` of the last 24 hours; not `whole`: there were more events than are looked at."""

    by_error: Mapping[Key, Times] = field(default_factory=dict)
    whole: bool = True

    def by_rule(self, table: Table) -> dict[Key, Times]:
        """Under the rule that names the error, where one does. What base classes or the error itself said isn't known."""
        found: dict[Key, Times] = defaultdict(Times)
        for key, times in self.by_error.items():
            rule = table.judge_stored(*key).key
            if rule is not None:
                found[rule] += times
        return dict(found)

    def without_rule(self, table: Table) -> dict[Key, Times]:
        """Errors that no rule names."""
        return {key: times for key, times in self.by_error.items() if table.judge_stored(*key).key is None}

    def under(self, table: Table, key: Key) -> Times:
        """Of errors that a rule of staff's for this type and code would be about, beside the others that staff wrote."""
        wider = Table({**table.staff, key: _ANY}, {})
        return sum((times for error, times in self.by_error.items() if wider.judge_stored(*error).key == key), Times())


def lately(now: datetime) -> Lately:
    """Three queries over the newest events. Raises DatabaseError."""
    since = now - timedelta(seconds=SPAN_S)
    floor = (RunEvent.objects.aggregate(last=Max("id"))["last"] or 0) - NEWEST
    newest = RunEvent.objects.filter(id__gt=floor)
    oldest = newest.order_by("id").values_list("at", flat=True).first() if floor > 0 else None
    rows = (
        newest.filter(at__gte=since, kind__in=(RunEvent.Kind.RETRY, RunEvent.Kind.FAILED))
        .order_by()
        .annotate(error_type=KT("data__error_type"), error_code=KT("data__error_code"))
        .values_list("error_type", "error_code", "kind")
        .annotate(times=Count("pk"))
    )
    found: dict[Key, Times] = defaultdict(Times)
    for error_type, error_code, kind, times in rows:
        if error_type:
            retried = kind == RunEvent.Kind.RETRY
            found[error_type, error_code or ""] += Times(times if retried else 0, 0 if retried else times)
    return Lately(dict(found), whole=oldest is None or oldest < since)
