"""A final document, its parts, the journal, its files: whatever way one tries to change them, not a byte is another."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, models, transaction
from django.db.models import F, ProtectedError
from django.db.utils import OperationalError

from billing.migrations._guards import TABLES
from billing.models import (
    Adjustment,
    Allocation,
    Document,
    DocumentFile,
    Entry,
    Line,
    Reminder,
    TaxGroup,
)
from tests.engine.test_database_roles import as_app, parted  # noqa: F401  (fixtures)

from .final_books import a_closed_month, a_draft, a_line, everything

pytestmark = pytest.mark.django_db(transaction=True)
REFUSED = r"is refused|append|only added to"
FINAL_PARTS: tuple[type[models.Model], ...] = (Line, Adjustment, TaxGroup)
KEPT: tuple[type[models.Model], ...] = (Entry, DocumentFile, Allocation, Reminder)


@pytest.fixture
def final() -> Document:
    return a_closed_month()


def refused(change: Callable[[], Any], *kinds: type[Exception], match: str = REFUSED) -> None:
    """It is refused, and the guarded tables are as they were."""
    before = everything()
    with pytest.raises(kinds or (DatabaseError,), match=match), transaction.atomic():
        change()
    assert everything() == before


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def row_of(table: str, final: Document) -> str:
    """Which row of the table is the final document's, in SQL."""
    mine = f"'{final.pk}'" if connection.vendor == "postgresql" else f"'{final.pk.hex}'"
    return f"id = {mine}" if table == "billing_document" else f"document_id = {mine}"


# --- the ORM ---


@pytest.mark.parametrize(
    "change",
    [
        {"gross_minor": 1, "net_minor": 1, "tax_minor": 0}, {"number": "INV-999999"}, {"state": "draft", "number": None, "sequence": None, "finalised_at": None},
        {"parties": {"buyer": "another"}}, {"digest": "0" * 64}, {"currency": "USD"}, {"exchange_rate": Decimal(2)},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_a_final_document_is_not_changed_by_save_update_or_bulk_update(final: Document, change: dict[str, Any]) -> None:
    one = Document.objects.get(pk=final.pk)
    for name, value in change.items():
        setattr(one, name, value)
    mine = Document.objects.filter(pk=final.pk)
    refused(one.save)
    refused(lambda: one.save(update_fields=list(change)))
    refused(lambda: mine.update(**change))
    refused(lambda: Document.objects.bulk_update([one], list(change)))
    refused(lambda: Document.objects.update_or_create(defaults=change, pk=final.pk))


def test_an_update_that_changes_nothing_is_refused_too(final: Document) -> None:
    refused(lambda: Document.objects.filter(pk=final.pk).update(reason=F("reason")))


def test_a_final_document_is_not_deleted(final: Document) -> None:
    mine = Document.objects.filter(pk=final.pk)
    refused(final.delete, ProtectedError, match="protected")
    refused(mine.delete, ProtectedError, match="protected")
    refused(lambda: mine._raw_delete(mine.db))


@pytest.mark.parametrize("model", FINAL_PARTS, ids=lambda model: model.__name__)
def test_a_part_of_a_final_document_is_neither_changed_nor_moved_nor_deleted(
    final: Document, model: type[models.Model]
) -> None:
    draft = Document.objects.get(state="draft")
    (part,) = model._default_manager.filter(document=final)
    mine = model._default_manager.filter(pk=part.pk)
    refused(part.save)
    refused(lambda: mine.update(position=9))
    refused(lambda: mine.update(document=draft, position=9))
    refused(part.delete)
    refused(mine.delete)
    refused(lambda: mine._raw_delete(mine.db))


def test_nothing_is_added_to_a_final_document(final: Document) -> None:
    draft = Document.objects.get(state="draft")
    group = {"category": "S", "rate": Decimal(10), "base_minor": 1, "tax_minor": 0, "position": 2}
    allowance = {"kind": "allowance", "reason": "mine", "amount_minor": 1, "net_minor": 1, "category": "S", "rate": 20}
    refused(lambda: a_line(final, 2))
    refused(lambda: TaxGroup.objects.create(document=final, **group))
    refused(lambda: Adjustment.objects.create(document=final, position=2, **allowance))
    refused(lambda: Line.objects.filter(document=draft).update(document=final, position=2))
    refused(lambda: Line.objects.bulk_create([Line(pk=None, document=final, position=3, rate=0, unit_price=0, amount_minor=0, net_minor=0, tax_minor=0)]))  # fmt: skip


@pytest.mark.parametrize("model", KEPT, ids=lambda model: model.__name__)
def test_what_is_only_added_to_is_neither_changed_nor_deleted(final: Document, model: type[models.Model]) -> None:
    one = model._default_manager.get(document=final)
    mine = model._default_manager.filter(pk=one.pk)
    refused(one.save)
    refused(lambda: mine.update(document=F("document")))
    refused(one.delete)
    refused(lambda: mine._raw_delete(mine.db))


@pytest.mark.parametrize("parent", ["customer", "contract", "run", "series"])
def test_nobody_is_deleted_from_under_a_final_document(final: Document, parent: str) -> None:
    one = getattr(final, parent)
    refused(one.delete, ProtectedError, match="protected")

    def without_asking() -> None:
        type(one)._default_manager.filter(pk=one.pk)._raw_delete("default")
        connection.check_constraints()  # foreign keys are looked at when a transaction ends

    refused(without_asking, DatabaseError, match="(?i)foreign key")


def test_a_draft_is_still_thrown_away_and_made_final(final: Document) -> None:
    draft = Document.objects.get(state="draft")
    draft.delete()
    other = a_draft(customer=final.customer)
    Line.objects.filter(document=other).update(title="Base fee, mended")
    assert Document.objects.filter(state="final").count() == 1 and Line.objects.filter(document=other).count() == 1


# --- SQL ---


@pytest.mark.parametrize("table", TABLES)
def test_plain_sql_neither_updates_nor_deletes_nor_empties(final: Document, table: str) -> None:
    column = "digest" if table == "billing_document" else "document_id"
    refused(lambda: run(f"UPDATE {table} SET {column} = {column} WHERE {row_of(table, final)}"))
    refused(lambda: run(f"DELETE FROM {table} WHERE {row_of(table, final)}"))
    refused(lambda: run(f"DELETE FROM {table}"))


@pytest.mark.parametrize("table", TABLES)
def test_insert_or_replace_does_not_slip_through_on_sqlite(final: Document, table: str) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("SQLite's own verb")
    refused(lambda: run(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} WHERE {row_of(table, final)}"))
    refused(lambda: run(f"REPLACE INTO {table} SELECT * FROM {table}"))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE OR REPLACE billing_document SET id = '{final}' WHERE id = '{draft}'",
        "UPDATE OR REPLACE billing_document SET period_start = '2026-10-01' WHERE id = '{draft}'",
        "UPDATE OR REPLACE billing_document SET state = 'final', series_id = {series}, sequence = 1, number = 'INV-2', finalised_at = created_at,"
        " issue_date = tax_point, due_date = tax_point WHERE id = '{draft}'",
        "UPDATE OR REPLACE billing_document SET state = 'final', series_id = {series}, sequence = 2, number = 'INV-000001', finalised_at = created_at,"
        " issue_date = tax_point, due_date = tax_point WHERE id = '{draft}'",
        "UPDATE OR REPLACE billing_line SET id = {line} WHERE document_id = '{draft}'",
        "INSERT OR REPLACE INTO billing_line SELECT {line}, position + 1, service, site, code, title, quantity, unit, unit_price, amount_minor, net_minor,"
        " tax_minor, category, rate, rule, words, inputs, events, since, document_id FROM billing_line WHERE document_id = '{draft}'",
        "UPDATE OR REPLACE billing_line SET document_id = '{final}' WHERE document_id = '{draft}'",
    ],
)  # fmt: skip
def test_a_draft_does_not_push_a_final_one_out_on_sqlite(final: Document, change: str) -> None:
    """REPLACE deletes whatever is in the way by any unique key, and fires no trigger of deletion."""
    if connection.vendor != "sqlite":
        pytest.skip("SQLite's own verb")
    names = [column.column for column in Line._meta.concrete_fields]
    assert len(names) == 20  # the INSERT above names them all
    draft = Document.objects.get(state="draft")
    (line,) = Line.objects.filter(document=final)
    known = {"final": final.pk.hex, "draft": draft.pk.hex, "line": line.pk, "series": final.series_id}
    refused(lambda: run(change.format(**known)))


@pytest.mark.parametrize("table", ["billing_customer", "billing_contract", "billing_billingrun", *TABLES])
def test_truncate_is_refused_from_above_and_on_the_table_itself(final: Document, table: str) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no TRUNCATE")
    refused(lambda: run(f"TRUNCATE {table} CASCADE"))


BENT = [
    "UPDATE {0} SET id = id", "DELETE FROM {0}", "TRUNCATE {0} CASCADE", "TRUNCATE billing_customer CASCADE", "DROP TABLE {0} CASCADE",
    "ALTER TABLE {0} DISABLE TRIGGER guard", "ALTER TABLE {0} DISABLE TRIGGER ALL", "ALTER TABLE {0} DISABLE TRIGGER USER",
    "DROP TRIGGER guard ON {0}", "DROP FUNCTION billing_guard_part() CASCADE", "ALTER FUNCTION billing_guard_document() RENAME TO mine",
    "CREATE OR REPLACE FUNCTION billing_guard_added_to() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "CREATE TRIGGER aaa BEFORE UPDATE ON {0} EXECUTE FUNCTION billing_guard_added_to()", "CREATE RULE mine AS ON DELETE TO {0} DO INSTEAD NOTHING",
    "ALTER TABLE {0} OWNER TO tests_app", "ALTER TABLE {0} RENAME TO mine", "SET session_replication_role = replica", "SET ROLE tests_owner",
]  # fmt: skip


@pytest.mark.parametrize("table", TABLES)
def test_the_applications_role_cannot_bend_the_rule(final: Document, as_app: None, table: str) -> None:  # noqa: F811
    for sql in BENT:
        refused(
            lambda sql=sql: run(sql.format(table)), match=r"is refused|permission denied|must be owner|only added to"
        )


def test_who_adds_a_line_while_the_document_is_made_final_waits_and_is_refused(final: Document) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    draft = a_draft(customer=final.customer)
    told: list[str] = []
    begun = threading.Event()

    def add() -> None:
        try:
            with transaction.atomic():
                begun.set()
                a_line(draft, 2)
            told.append("added")
        except DatabaseError as error:
            told.append(str(error))
        finally:
            connection.close()

    clerk = threading.Thread(target=add)
    with transaction.atomic():
        made = Document.objects.select_for_update().get(pk=draft.pk)
        made.state, made.series, made.sequence, made.number = "final", final.series, 2, "INV-000002"
        made.issue_date = made.due_date = made.tax_point
        made.finalised_at = made.created_at
        made.save()
        clerk.start()
        assert begun.wait(10)
        wait_until_blocked()
    clerk.join(10)
    assert len(told) == 1 and "a final document is never changed" in told[0]
    assert Line.objects.filter(document=draft).count() == 1


def wait_until_blocked() -> None:
    """Until somebody waits for a lock of ours. Raises OperationalError after ten seconds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DO $$ BEGIN FOR n IN 1..1000 LOOP"
            " IF EXISTS (SELECT 1 FROM pg_stat_activity a WHERE pg_backend_pid() = ANY (pg_blocking_pids(a.pid))) THEN RETURN; END IF;"
            " PERFORM pg_stat_clear_snapshot(), pg_sleep(0.01); END LOOP; RAISE EXCEPTION 'nobody waits' USING ERRCODE = 'query_canceled'; END $$"
        )


def test_nobody_waiting_is_told(final: Document) -> None:
    """So that the test above cannot pass by chance: its wait fails where nobody is blocked."""
    if connection.vendor != "postgresql":
        pytest.skip("asks PostgreSQL")
    with pytest.raises(OperationalError), transaction.atomic():
        run("SET LOCAL statement_timeout = '200ms'")
        wait_until_blocked()
