"""Which runs a bulk verb is about: said once, counted first, then taken page by page in the order of their ids."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet

from queues.contract import Json
from queues.ledger.strands import First
from queues.models import Run

IDS_AT_ONCE = 500  # ids in one statement
NAMED = 50  # ids that are told one by one


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Runs in one of `states` for which all that is given holds; what is None does not matter.

    `jobs` are names as the runs bear them (a job's name and its aliases), `definition` is a definition's name. Times are
    aware UTC and both ends are included; `ended_…` is when the run was finished. `upto` is the last run, by its id.
    """

    states: tuple[str, ...]
    queues: tuple[str, ...] | None = None
    jobs: tuple[str, ...] | None = None
    definition: str | None = None
    error_code: str | None = None
    created_since: datetime | None = None
    created_until: datetime | None = None
    ended_since: datetime | None = None
    ended_until: datetime | None = None
    upto: UUID | None = None
    ids: tuple[UUID, ...] | None = None

    def rows(self) -> QuerySet[Run]:
        """Unordered. Many ids are better taken through `pages`."""
        return Run.objects.order_by().filter(**self._conditions())

    def counts(self) -> dict[tuple[str, str], int]:
        """How many runs of each (state, job) there are now."""
        found: dict[tuple[str, str], int] = {}
        for rows in self._parts():
            for state, job, number in rows.values_list("state", "job").annotate(n=Count("pk")):
                found[state, job] = found.get((state, job), 0) + number
        return found

    def nth(self, number: int) -> UUID | None:
        """The id of the `number`th run (from 1) in the order of ids; None if there are fewer."""
        return self.rows().order_by("id").values_list("id", flat=True)[number - 1 : number].first()

    def pages(self, size: int) -> Iterator[list[UUID]]:
        """Ids, oldest first within each state, `size` at a time; each run comes once, whatever becomes of it meanwhile.

        State by state, each by the strands of an index; each page is read when it is asked for.
        """
        for rows in self._parts():
            for state in self.states:
                left = rows.filter(state=state)
                while page := self._page(left, state, size):
                    yield page
                    left = rows.filter(state=state, id__gt=page[-1])

    def _page(self, rows: QuerySet[Run], state: str, size: int) -> list[UUID]:
        if self.ids is None and self.definition is None:
            first = First(rows, "id", size)
            rows = first.of(first.by_state(states=[state], queues=self.queues, jobs=self.jobs))
        return list(rows.order_by("id").values_list("id", flat=True)[:size])

    def told(self) -> dict[str, Json]:
        """What was given, as JSON for the audit log. Many ids are told by their number."""
        given = {field.name: value for field in fields(self) if (value := getattr(self, field.name)) is not None}
        if self.ids is not None and len(self.ids) > NAMED:
            given["ids"] = f"{len(self.ids):,} ids"
        return {name: _json(value) for name, value in given.items()}

    def _parts(self) -> Iterator[QuerySet[Run]]:
        if self.ids is None:
            yield self.rows()
            return
        conditions = {name: value for name, value in self._conditions().items() if name != "id__in"}
        ids = sorted(set(self.ids))
        for start in range(0, len(ids), IDS_AT_ONCE):
            yield Run.objects.order_by().filter(**conditions, id__in=ids[start : start + IDS_AT_ONCE])

    def _conditions(self) -> dict[str, Any]:
        given = {
            "state__in": self.states,
            "queue__in": self.queues,
            "job__in": self.jobs,
            "definition__name": self.definition,
            "error_code": self.error_code,
            "created_at__gte": self.created_since,
            "created_at__lte": self.created_until,
            "finished_at__gte": self.ended_since,
            "finished_at__lte": self.ended_until,
            "id__lte": self.upto,
            "id__in": self.ids,
        }
        return {name: value for name, value in given.items() if value is not None}


def _json(value: object) -> Json:
    if isinstance(value, tuple):
        return [_json(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
