"""Tables to which rows are only ever added: the database itself refuses every other change.

On SQLite an altered table is made anew, without its triggers: a migration that alters one of these lists `AppendOnly`
again. (A test looks for the triggers after all migrations.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.migrations.operations.base import Operation

FUNCTION = "queues_append_only"
KEYS = {"queues_auditentry": ("id",), "queues_auditseal": ("seq", "entry_id")}


def message(verb: str, table: str) -> str:
    return f"{table} is append-only: {verb} is refused."


def install(vendor: str, table: str) -> list[str]:
    """The SQL that makes a table append-only; again is no harm."""
    if vendor == "postgresql":
        return [
            f"""CREATE OR REPLACE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION '% is append-only: % is refused.', TG_TABLE_NAME, TG_OP
                    USING ERRCODE = 'restrict_violation';
            END $$""",
            # Of the statement, so that TRUNCATE and an UPDATE of no row are refused, too.
            f"CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {FUNCTION}()",
            f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only",  # session_replication_role is no way round
            _revoke(table),
        ]
    same = " OR ".join(f"{key} = NEW.{key}" for key in KEYS[table])  # INSERT OR REPLACE would delete without a word
    events = {
        "update": ("UPDATE", ""),
        "delete": ("DELETE", ""),
        "insert": ("INSERT", f" WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})"),
    }
    return [
        f"CREATE TRIGGER IF NOT EXISTS {table}_no_{name} BEFORE {event} ON {table}{when}"
        f" BEGIN SELECT RAISE(ABORT, '{message('REPLACE' if when else event, table)}'); END"
        for name, (event, when) in events.items()
    ]


def remove(vendor: str, table: str) -> list[str]:
    if vendor == "postgresql":
        return [f"DROP TRIGGER IF EXISTS append_only ON {table}"]
    return [f"DROP TRIGGER IF EXISTS {table}_no_{name}" for name in ("update", "delete", "insert")]


def _revoke(table: str) -> str:
    """Who was given more than adding and reading (as by default privileges) loses it; the owner apart."""
    return f"""DO $$ DECLARE who text; BEGIN
        FOR who IN
            SELECT DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
            FROM pg_class c, aclexplode(c.relacl) a
            WHERE c.oid = '{table}'::regclass AND a.grantee <> c.relowner
        LOOP
            EXECUTE 'REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON {table} FROM ' || who;
        END LOOP;
    END $$"""


class AppendOnly(Operation):
    """In a migration: these tables are added to and read, nothing else."""

    reversible = True
    reduces_to_sql = True

    def __init__(self, tables: Sequence[str]) -> None:
        self.tables = tables

    def state_forwards(self, app_label: str, state: Any) -> None:
        """The models are the same."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        self._run(schema_editor, install)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        self._run(schema_editor, remove)

    def _run(self, schema_editor: Any, statements: Any) -> None:
        database = schema_editor.connection
        with transaction.atomic(database.alias):
            if database.vendor == "postgresql":  # writers queue behind whoever waits for the table
                schema_editor.execute("SET LOCAL lock_timeout = '3s'", params=None)
            for table in self.tables:
                for sql in statements(database.vendor, table):
                    schema_editor.execute(sql, params=None)

    def describe(self) -> str:
        return f"Append-only: {', '.join(self.tables)}"
