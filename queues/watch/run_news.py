"""What became of runs that somebody listens to: a few statements, however many listen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Q

from queues.ledger import states
from queues.models import Run, RunLogLine
from queues.watch.listeners import Badge, Doorkeeper

LINES = 2000  # log lines of one look; what is beyond comes with the next one
COLUMNS = (
    "id", "queue", "state", "attempt", "max_attempts", "due_at", "started_at", "finished_at", "cancel_requested_at",
    "progress_done", "progress_total", "progress_note", "result", "error_type", "error_code", "error_message",
)  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """A run that somebody listens to; `after`: the last log line that was told."""

    run_id: UUID
    badge: Badge
    after: int = 0


@dataclass(frozen=True)
class News:
    """`run`: its columns, None where it is gone; `lines` follow the last told one; `more`: lines are left for later."""

    allowed: bool
    run: Mapping[str, Any] | None = None
    lines: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    more: bool = False

    @property
    def ended(self) -> bool:
        """The run ended, and all that it wrote is told with this."""
        return self.run is not None and self.run["state"] not in states.LIVE and not self.more


def look(wanted: Sequence[Wanted]) -> list[News]:
    """In the order of `wanted`. Raises DatabaseError.

    The runs are read before their lines: an ending is stored with the last of them, so none is missed.
    """
    door = Doorkeeper({each.badge for each in wanted})
    rows = {row["id"]: row for row in Run.objects.filter(pk__in={each.run_id for each in wanted}).values(*COLUMNS)}
    told = [(each, door.lets(each.badge, (rows.get(each.run_id) or {}).get("queue"))) for each in wanted]
    lines, full = _lines([each for each, allowed in told if allowed and each.run_id in rows])
    return [
        News(True, rows.get(each.run_id), [line for line in lines[each.run_id] if line["id"] > each.after], full)
        if allowed
        else News(False)
        for each, allowed in told
    ]


def ended_of(run_ids: Iterable[UUID]) -> set[UUID]:
    """Those that ended, or are gone. One statement. Raises DatabaseError."""
    asked = set(run_ids)
    live = Run.objects.filter(pk__in=asked, state__in=states.LIVE).values_list("pk", flat=True)
    return asked - set(live)


def _lines(wanted: Sequence[Wanted]) -> tuple[dict[UUID, list[dict[str, Any]]], bool]:
    """New lines by run, oldest first; and whether there are more than were read."""
    found: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    if not wanted:
        return found, False
    which = Q()
    for each in wanted:
        which |= Q(run_id=each.run_id, id__gt=each.after)
    names = ("id", "run_id", "at", "attempt", "level", "message")
    rows = list(RunLogLine.objects.filter(which).order_by("id").values(*names)[: LINES + 1])
    for row in rows[:LINES]:
        found[row["run_id"]].append(row)
    return found, len(rows) > LINES
