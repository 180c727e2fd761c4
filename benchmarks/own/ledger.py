"""A ledger filled by SQL alone, as many rows as wanted in one statement."""

from __future__ import annotations

import psycopg
from psycopg import sql

STATE = {"waiting": "pending", "finished": "succeeded"}
STEP = {"waiting": "10 milliseconds", "finished": "200 milliseconds"}  # between two rows' times
AGO = {"waiting": "4 hours", "finished": "3 days"}  # when the first was created


class Ledger:
    """Copies of one run, as the system itself wrote it. Own connection, whose cost is told apart from the worker's."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url, autocommit=True)
        self.pid = self.connection.info.backend_pid

    def keep_template(self, kind: str) -> None:
        """Remember the one run there is as what a "waiting" or "finished" one looks like, and take a finished one out again."""
        name, state = sql.Identifier(f"bench_{kind}"), STATE[kind]
        kept = self.connection.execute(
            sql.SQL("CREATE UNLOGGED TABLE {} AS SELECT * FROM queues_run WHERE state = {} LIMIT 1").format(name, state)
        )
        if kept.rowcount != 1:
            raise RuntimeError(f"there is no {state} run to copy")
        if kind == "finished":
            self.connection.execute("DELETE FROM queues_run")

    def add(self, kind: str, first: int, count: int, *, now: bool = False) -> None:
        """`count` copies whose jobs are numbered from `first`. Their ids are in the order of their times, as UUIDv7 are.

        `now`: they are created now; else at STEP from each other, beginning AGO.
        """
        columns = self.connection.execute(
            "SELECT column_name, udt_name FROM information_schema.columns "
            "WHERE table_name = 'queues_run' AND is_generated = 'NEVER'"
        ).fetchall()
        begin: sql.Composable
        if now:
            begin, step = sql.SQL("clock_timestamp()"), sql.Literal("1 microsecond")
        else:
            begin, step = sql.SQL("now() - interval {}").format(sql.Literal(AGO[kind])), sql.Literal(STEP[kind])
        chosen: list[sql.Composable] = []
        for name, kind_of in columns:
            if name == "id":
                chosen.append(sql.SQL(ID))
            elif name == "params":
                chosen.append(sql.SQL(f"jsonb_set(t.params::jsonb, '{{i}}', to_jsonb(n))::{kind_of}"))
            elif kind_of == "timestamptz":  # each as long after the run's creation as in the one that is copied
                chosen.append(sql.SQL("f.at + (t.{0} - t.created_at)").format(sql.Identifier(name)))
            else:
                chosen.append(sql.SQL("t.{}").format(sql.Identifier(name)))
        self.connection.execute(
            sql.SQL(
                "INSERT INTO queues_run ({names}) SELECT {chosen} FROM {template} t, {begin} b(start), "
                "generate_series({first}, {last}) n, LATERAL (SELECT b.start + (n - {first}) * interval {step} AS at) f"
            ).format(
                names=sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns),
                chosen=sql.SQL(", ").join(chosen),
                template=sql.Identifier(f"bench_{kind}"),
                begin=sql.SQL("(SELECT {})").format(begin),
                first=sql.Literal(first),
                last=sql.Literal(first + count - 1),
                step=step,
            )
        )

    def settle(self) -> None:
        """Bring to disk what the filling wrote, so that it is not done while a job's cost is measured. No ANALYZE."""
        self.connection.execute("CHECKPOINT")

    def close(self) -> None:
        self.connection.close()


ID = (
    "(lpad(to_hex((extract(epoch from f.at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0') || '8' "
    "|| substr(md5(n::text), 1, 15))::uuid"
)
