"""How many runs wait in each queue, and since when: to the last one in an ordinary backlog, and cheaply in a huge one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from queues.ledger import states
from queues.ledger.sql import fetch
from queues.models import Run

DEEP = 20_000  # runs; to count a million takes a second or two, and every worker and every page would do it
COUNTED_EVERY = timedelta(minutes=5)
NONE = timedelta(0)

_ONE = """SELECT CAST(%s AS varchar(64)), count(*), min(t.due_at) FROM (
    SELECT due_at FROM {run} WHERE queue = %s AND state = 'pending'
    ORDER BY priority DESC, concurrency_key, due_at, id LIMIT %s) AS t"""
_deep: dict[str, tuple[int, datetime]] = {}  # what was counted to the end, and when
_since: dict[str, datetime] = {}  # when a queue was first seen to be deep, having not been so


def pending(names: Sequence[str], now: datetime, patience: timedelta = NONE) -> Mapping[str, tuple[int, datetime]]:
    """By queue that has any: (how many runs wait, when the oldest of them fell due).

    Beyond `DEEP` the number is exact when it was counted, at most five minutes ago, and never below `DEEP`; the oldest is
    that of the `DEEP` which come next. With `patience` a backlog is counted only when it has been deep for so long: one
    that is worked off before need not be; till then the number is just above `DEEP`. Raises DatabaseError.
    """
    if not names:
        return {}
    params = [value for name in names for value in (name, name, DEEP + 1)]
    rows = fetch(" UNION ALL ".join([_ONE.format(run=Run._meta.db_table)] * len(names)), params)
    found = {}
    for name, seen, oldest in rows:
        if oldest is not None:
            number = _counted(name, seen, now, patience) if seen > DEEP else seen
            found[name] = (max(number, seen), _time(oldest))
        if seen <= DEEP:
            _since.pop(name, None)
    return found


def _time(value: datetime | str) -> datetime:
    """SQLite gives the text of what an expression makes of a time."""
    return datetime.fromisoformat(value).replace(tzinfo=UTC) if isinstance(value, str) else value


def _counted(name: str, seen: int, now: datetime, patience: timedelta) -> int:
    number, at = _deep.get(name, (0, None))
    if at is not None and now - COUNTED_EVERY < at <= now:
        return number
    if now - _since.setdefault(name, now) < patience:
        return seen
    number = Run.objects.filter(queue=name, state=states.PENDING).count()
    _deep[name] = (number, now)
    return number
