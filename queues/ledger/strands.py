"""Lists of runs in the order of their ids, merged out of strands that an index holds in that order.

No index has all runs of a queue, or of a job, by id: two such would cost the database a fifth more for every run. The one
that finds runs by state, queue and job has each three of these by id, and there are few such threes. So a list takes the
first rows of each strand and merges them: it reads as many rows as there are strands times the page, wherever in the
table they are. (Whoever walks the ids until enough runs fit reads the whole table where a queue or a job is rare.)

    first = First(rows, "-id", 51)                  # rows: what must hold, a filtered queryset
    found = first.of(first.by_state(jobs=["billing.invoice"]))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from queues.models import JobDefinition, Run

Sql = tuple[str, tuple[Any, ...]]  # a statement that answers with ids, and its parameters
NOTHING: Sql = ("", ())
RUNS = Run._meta.db_table

# Each state's first (queue, job), and from each the next one: a step is one look into the index.
_THREES = f"""WITH RECURSIVE asked(state) AS (VALUES {{states}}), strand(state, queue, job) AS (
    SELECT r.state, r.queue, r.job FROM asked JOIN {RUNS} AS r ON r.id = (
        SELECT f.id FROM {RUNS} AS f WHERE f.state = asked.state ORDER BY f.queue, f.job LIMIT 1)
    UNION ALL
    SELECT r.state, r.queue, r.job FROM strand AS t JOIN {RUNS} AS r ON r.id = (
        SELECT n.id FROM {RUNS} AS n WHERE n.state = t.state AND (n.queue, n.job) > (t.queue, t.job)
        ORDER BY n.queue, n.job LIMIT 1)
)"""


@dataclass(frozen=True)
class First:
    """The first `limit` of `rows` in `order`, "id" or "-id". `rows` says what must hold; a strand only where to look."""

    rows: QuerySet[Run]
    order: str
    limit: int

    def by_state(
        self,
        *,
        states: Sequence[str] = Run.State.values,
        queues: Sequence[str] | None = None,
        jobs: Sequence[str] | None = None,
    ) -> Sql:
        """A strand for each state, queue and job that there are, of those that are given."""
        if not states or queues == [] or jobs == []:
            return NOTHING
        among, params = "", list[Any]()
        for column, names in (("queue", queues), ("job", jobs)):
            if names is not None:
                among += f" AND strand.{column} IN ({_places(names)})"
                params += names
        begin = _THREES.format(states=", ".join(["(%s)"] * len(states)))
        return self._each(begin, tuple(states), ("state", "queue", "job"), among, tuple(params))

    def by_dedupe_key(self, keys: Sequence[str]) -> Sql:
        """A strand for each key, as it is stored; one at least."""
        begin = f"WITH strand(dedupe_key) AS (VALUES {', '.join(['(%s)'] * len(keys))})"
        return self._each(begin, tuple(keys), ("dedupe_key",))

    def by_definition(self, definitions: QuerySet[JobDefinition]) -> Sql:
        """A strand for each of these definitions."""
        sql, params = definitions.values("pk").query.sql_with_params()
        return self._each(f"WITH strand(definition_id) AS ({sql})", params, ("definition_id",))

    def by(self, **conditions: Any) -> Sql:
        """One strand: what an index has by id already."""
        return self._first(self.rows.filter(**conditions))

    def of(self, *strands: Sql) -> QuerySet[Run]:
        """The rows themselves, unordered. One statement, with whatever it is asked for."""
        strands = tuple(strand for strand in strands if strand[0])
        if not strands:
            return self.rows.none()
        merged = " UNION ".join(f"SELECT id FROM ({sql}) AS s{number}" for number, (sql, _) in enumerate(strands))
        down = " DESC" if self.order.startswith("-") else ""
        params = [value for _, those in strands for value in those]
        return Run.objects.filter(pk__in=RawSQL(f"{merged} ORDER BY id{down} LIMIT %s", [*params, self.limit]))  # nosec B611 # pieces of ours and of Django's

    def _each(
        self, begin: str, given: Sequence[Any], columns: Sequence[str], among: str = "", names: Sequence[Any] = ()
    ) -> Sql:
        """The first rows of each strand. SQLite knows no LATERAL, PostgreSQL plans its stand-in badly."""
        same: dict[str, Any] = {column: RawSQL(f"strand.{column}", []) for column in columns}  # nosec B611 # columns are names of ours
        sql, params = self._first(self.rows.filter(**same))
        if not sql:
            return NOTHING
        if connection.vendor == "postgresql":
            joined = f"CROSS JOIN LATERAL ({sql}) AS x WHERE true"
        else:
            joined = f"JOIN {RUNS} AS x ON x.id IN ({sql}) WHERE true"
        return f"{begin} SELECT x.id FROM strand {joined}{among}", (*given, *params, *names)

    def _first(self, rows: QuerySet[Run]) -> Sql:
        """NOTHING where Django sees by itself that nothing can hold."""
        try:
            sql, params = rows.order_by(self.order).values("id")[: self.limit].query.sql_with_params()
        except EmptyResultSet:
            return NOTHING
        return sql, tuple(params)


def _places(names: Sequence[str]) -> str:
    return ", ".join(["%s"] * len(names))
