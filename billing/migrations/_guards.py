"""What the database itself refuses: to change a final document or anything in it, and to change what is only added to.

On PostgreSQL the application's role owns no table, so it cannot lift these triggers (`manage.py database_roles`). On SQLite an altered table
is made anew, without its triggers: a migration that alters one of these lists `Guard` again. (A test looks for them after all migrations.)
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.migrations.operations.base import Operation

DOCUMENTS = "billing_document"
PARTS = ("billing_line", "billing_adjustment", "billing_taxgroup")
# What tells rows apart: SQLite's INSERT and UPDATE OR REPLACE would delete the one there is without a word.
SAME_DOCUMENT = (
    "d.id = NEW.id OR d.number = NEW.number OR (d.series_id = NEW.series_id AND d.sequence = NEW.sequence)"
    " OR (d.contract_id = NEW.contract_id AND d.period_start = NEW.period_start AND d.generation = NEW.generation"
    " AND (d.kind = 'invoice' OR d.credits_id IS NULL) AND (NEW.kind = 'invoice' OR NEW.credits_id IS NULL))"
)
ADDED_TO = {
    "billing_entry": ("id", "(posting = NEW.posting AND part = NEW.part)"),
    "billing_documentfile": ("id", "(document_id = NEW.document_id AND kind = NEW.kind)"),
    "billing_allocation": ("id",),
    "billing_reminder": ("id", "(document_id = NEW.document_id AND step = NEW.step)"),
}
TABLES = (DOCUMENTS, *PARTS, *ADDED_TO)
FINAL = "a final document is never changed: make a credit note."


def install(vendor: str) -> list[str]:
    """The SQL that puts every guard up; again is no harm."""
    return _postgres() if vendor == "postgresql" else [sql for table in TABLES for sql in _sqlite(table)]


def remove(vendor: str) -> list[str]:
    if vendor == "postgresql":
        return [f"DROP TRIGGER IF EXISTS {name} ON {table}" for table in TABLES for name in ("guard", "guard_all")]
    return [f"DROP TRIGGER IF EXISTS {table}_guard_{verb}" for table in TABLES for verb in ("update", "delete", "insert")]


def _postgres() -> list[str]:
    made = [
        _function("billing_guard_document", f"IF OLD.state = 'final' THEN {_raise(FINAL)} END IF;"),
        _function(
            "billing_guard_part",
            f"IF TG_OP <> 'INSERT' THEN {_final('OLD')} END IF; IF TG_OP <> 'DELETE' THEN {_final('NEW')} END IF;",
        ),
        _function("billing_guard_added_to", _raise("this table is only added to.")),
    ]
    watched = {
        DOCUMENTS: ("UPDATE OR DELETE", "billing_guard_document"),
        **{table: ("INSERT OR UPDATE OR DELETE", "billing_guard_part") for table in PARTS},
        **{table: ("UPDATE OR DELETE", "billing_guard_added_to") for table in ADDED_TO},
    }
    for table, (events, function) in watched.items():
        made += [
            f"CREATE OR REPLACE TRIGGER guard BEFORE {events} ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()",
            f"CREATE OR REPLACE TRIGGER guard_all BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION billing_guard_added_to()",
            f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER guard",  # session_replication_role is no way round
            f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER guard_all",
        ]
    return made


def _function(name: str, body: str) -> str:
    return (
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN {body} IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$"
    )


def _final(row: str) -> str:
    """FOR SHARE: who writes a part while somebody else makes the document final waits, and is refused."""
    return (
        f"PERFORM 1 FROM billing_document d WHERE d.id = {row}.document_id FOR SHARE;"
        f" IF EXISTS (SELECT 1 FROM billing_document d WHERE d.id = {row}.document_id AND d.state = 'final')"
        f" THEN {_raise(FINAL)} END IF;"
    )


def _raise(why: str) -> str:
    return f"RAISE EXCEPTION '%: % is refused: {why}', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';"


def _sqlite(table: str) -> list[str]:
    final = "EXISTS (SELECT 1 FROM billing_document d WHERE d.id = {0}.document_id AND d.state = 'final')"
    if table == DOCUMENTS:
        old = "OLD.state = 'final'"
        new = f"EXISTS (SELECT 1 FROM {table} d WHERE d.state = 'final' AND ({SAME_DOCUMENT}))"
    elif table in PARTS:
        there = f"SELECT 1 FROM {table} p JOIN billing_document d ON d.id = p.document_id"
        old = final.format("OLD")
        new = f"{final.format('NEW')} OR EXISTS ({there} WHERE p.id = NEW.id AND d.state = 'final')"
    else:
        same = " OR ".join(each if "=" in each else f"{each} = NEW.{each}" for each in ADDED_TO[table])
        old, new = "1", f"EXISTS (SELECT 1 FROM {table} WHERE {same})"
    moved = f"{old} OR {new}"  # a draft is not final before its update: whatever final is the same is another
    why = "this table is only added to." if table in ADDED_TO else FINAL
    return [
        f"CREATE TRIGGER IF NOT EXISTS {table}_guard_{verb.lower()} BEFORE {verb} ON {table} WHEN {when}"
        f" BEGIN SELECT RAISE(ABORT, '{table}: {verb} is refused: {why}'); END"
        for verb, when in (("UPDATE", moved), ("DELETE", old), ("INSERT", new))
    ]


class Guard(Operation):
    """In a migration: all guards of billing stand."""

    reversible = True
    reduces_to_sql = True

    def state_forwards(self, app_label: str, state: Any) -> None:
        """The models are the same."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        self._run(schema_editor, install(schema_editor.connection.vendor))

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        self._run(schema_editor, remove(schema_editor.connection.vendor))

    def _run(self, schema_editor: Any, statements: list[str]) -> None:
        database = schema_editor.connection
        with transaction.atomic(database.alias):
            if database.vendor == "postgresql":  # writers queue behind whoever waits for the table
                schema_editor.execute("SET LOCAL lock_timeout = '3s'", params=None)
            for sql in statements:
                schema_editor.execute(sql, params=None)

    def describe(self) -> str:
        return "The guards of final documents and of the journal"
