"""The audit log cannot be changed: the database refuses it."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from queues.ledger.verify import verify
from queues.models import AuditEntry, AuditSeal

from ..tampering import run, written
from .conftest import ENTRIES, SEALS, kinds

pytestmark = pytest.mark.django_db(transaction=True)


class TestTheDatabaseRefuses:
    @pytest.mark.parametrize(
        "sql",
        [
            f"UPDATE {ENTRIES} SET why = 'mine'",
            f"UPDATE {SEALS} SET digest = 'mine'",
            f"DELETE FROM {ENTRIES}",
            f"DELETE FROM {SEALS}",
            f"INSERT OR REPLACE INTO {SEALS} (seq, entry_id, digest) VALUES (1, 99, 'mine')",
            f"INSERT OR REPLACE INTO {SEALS} (seq, entry_id, digest) SELECT 99, entry_id, 'mine' FROM {SEALS}",
            f"INSERT OR REPLACE INTO {ENTRIES} SELECT * FROM {ENTRIES}",
            f"TRUNCATE {ENTRIES}",
            f"TRUNCATE {SEALS} CASCADE",
            f"SET session_replication_role = replica; DELETE FROM {ENTRIES}",
        ],
    )
    def test_every_change_but_an_insert(self, eight: list[int], sql: str) -> None:
        only = "sqlite" if "REPLACE" in sql else "postgresql" if "TRUNCATE" in sql or ";" in sql else connection.vendor
        if connection.vendor != only:
            pytest.skip(f"a statement of {only}")
        with pytest.raises(DatabaseError, match="is append-only"), transaction.atomic():
            run(sql)
        assert kinds() == [] and verify().good == 8

    def test_the_orm_too(self, eight: list[int]) -> None:
        entry = AuditEntry.objects.latest("id")
        entry.why = "mine"
        for change in (entry.save, entry.delete, AuditEntry.objects.all().delete, AuditSeal.objects.all().delete):
            with pytest.raises(DatabaseError, match=r"append-only: (UPDATE|DELETE) is refused"), transaction.atomic():
                change()

    def test_an_emptied_test_database_is_guarded_again(self) -> None:
        """This test comes after others that were flushed."""
        written(1)
        with pytest.raises(DatabaseError), transaction.atomic():
            run(f"DELETE FROM {ENTRIES}")


@pytest.mark.parametrize("table", [ENTRIES, SEALS])
def test_after_all_migrations_the_tables_are_guarded(table: str) -> None:
    """SQLite makes an altered table anew, without its triggers: such a migration lists AppendOnly again."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT tgenabled FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal", [table]
            )
            assert cursor.fetchall() == [("A",)]  # always, replicas included
        else:
            cursor.execute("SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [table])
            assert cursor.fetchone() == (3,)
