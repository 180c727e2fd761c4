"""Entries of transactions that commit late are sealed, later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from queues.ledger.seals import Sealer
from queues.models import AuditEntry

from ..tampering import written
from .conftest import ENTRIES, chained, kinds

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def another() -> Iterator[Any]:
    """A second connection of one's own (PostgreSQL): a transaction that takes its time."""
    if connection.vendor != "postgresql":
        pytest.skip("on SQLite nobody commits late: ids come in the order of commits")
    made = connection.copy()
    made.settings_dict = {**connection.settings_dict, "OPTIONS": {}}
    yield made
    made.close()


def begin_late(other: Any) -> int:
    """An entry whose transaction stays open; its id."""
    other.ensure_connection()
    raw = other.connection
    raw.autocommit = False
    names = ", ".join(f.column for f in AuditEntry._meta.concrete_fields if f.column != "id")
    with raw.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {ENTRIES} ({names}) VALUES (now(), 'late', 1, 'admin', '', '', 'queue.pause', 'queue', 'x',"
            " '', null, null, '') RETURNING id"
        )
        return int(cursor.fetchone()[0])


class TestLateCommits:
    def test_an_entry_that_commits_late_is_sealed_later(self, another: Any) -> None:
        sealer = Sealer()
        before = written(2)
        sealer.round()
        late = begin_late(another)
        after = written(2)
        assert late < after[0]
        assert [sealer.round() for _ in range(4)] == [2, 0, 0, 0] and sealer.floor is not None and sealer.floor < late
        another.connection.commit()
        more = written(1)
        assert sealer.round() == 2
        assert [entry for _, entry in chained()] == [*before, *after, late, *more]
        sealer.round()
        assert sealer.floor == more[0] and kinds() == []

    def test_one_that_is_given_up_holds_the_floor_no_longer(self, another: Any) -> None:
        sealer = Sealer()
        late = begin_late(another)
        (after,) = written(1)
        sealer.round()
        another.connection.rollback()
        sealer.round()
        assert late < after == sealer.floor

    def test_others_that_come_and_go_do_not_hold_it(self, another: Any) -> None:
        """Somebody writes at every look, but never the same: the floor follows one look behind."""
        sealer = Sealer()
        begin_late(another)
        (first,) = written(1)
        sealer.round()
        another.connection.commit()
        begin_late(another)
        (second,) = written(1)
        sealer.round()
        sealer.round()
        assert sealer.floor is not None and first <= sealer.floor < second
        another.connection.commit()
