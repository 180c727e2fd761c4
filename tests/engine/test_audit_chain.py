"""The audit log cannot be bent: the database refuses it, and what its owner does is found."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections, transaction

from queues.ledger import audit_rows, seals
from queues.ledger.canonical import GENESIS
from queues.ledger.seals import Sealer
from queues.ledger.verify import verify
from queues.models import AuditEntry, AuditSeal

from .tampering import ADA, as_owner, run, seal_all, written

pytestmark = pytest.mark.django_db(transaction=True)
ENTRIES, SEALS = "queues_auditentry", "queues_auditseal"


def chained() -> list[tuple[int, int]]:
    return list(AuditSeal.objects.order_by("seq").values_list("seq", "entry_id"))


def kinds(*heads: str, older_than_s: float = 120.0) -> list[tuple[str, int | None]]:
    anchors = {int(seq): value for seq, value in (head.split(":") for head in heads)}
    return [(fault.kind, fault.seq) for fault in verify(anchors, older_than_s=older_than_s).faults]


@pytest.fixture
def eight() -> list[int]:
    """Eight sealed entries, their ids in the order of their seals 1 to 8."""
    ids = written(8)
    assert seal_all() == 8
    return ids


@pytest.fixture
def head(eight: list[int]) -> str:
    return str(AuditSeal.objects.get(seq=8))


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


class TestTheChain:
    def test_entries_are_sealed_in_their_order_without_a_gap(self, eight: list[int]) -> None:
        assert chained() == list(zip(range(1, 9), eight, strict=True))
        more = written(3)
        assert seal_all() == 3 and chained()[8:] == list(zip(range(9, 12), more, strict=True))
        assert kinds() == [] and seal_all() == 0

    def test_a_long_backlog_is_sealed_batch_by_batch_and_round_by_round(self) -> None:
        ids = written(23)
        sealer, seconds = Sealer(batch=4, stretch=5), iter(range(1000))
        first = sealer.round(lambda: float(next(seconds)))  # the budget is gone after the first batch
        assert 0 < first <= 5
        while sealer.round(lambda: float(next(seconds))):
            pass
        assert [entry for _, entry in chained()] == ids

    def test_what_is_rolled_back_leaves_no_hole_in_the_chain(self) -> None:
        written(2)
        with pytest.raises(RuntimeError), transaction.atomic():
            written(3)
            raise RuntimeError
        written(2)
        assert seal_all() == 4 and [seq for seq, _ in chained()] == [1, 2, 3, 4]

    def test_a_process_that_only_looks_behind_itself_seals_what_others_left_out_long_ago(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ids = written(9)
        assert seals.seal(ids[2], ids[8]) == ids[3:]
        monkeypatch.setattr(seals, "BACK", 2)
        sealer = Sealer()
        assert sealer.round() == 3 and sealer.round() == 0
        assert [entry for _, entry in chained()] == [*ids[3:], *ids[:3]] and kinds() == []

    def test_a_quiet_sealer_looks_at_nothing_again(self, eight: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
        sealer = Sealer()
        sealer.round()
        assert sealer.floor == eight[-1]
        monkeypatch.setattr(audit_rows, "stretches", None)
        monkeypatch.setattr(audit_rows, "writers", None)
        assert sealer.round() == 0

    def test_a_database_put_back_to_an_earlier_day_is_sealed_on(self, eight: list[int]) -> None:
        sealer = Sealer()
        sealer.round()
        with as_owner():
            run(f"DELETE FROM {SEALS} WHERE seq > 6")
            run(f"DELETE FROM {ENTRIES} WHERE id > %s", eight[5])
        sealer.round()
        written(1)
        sealer.round()
        assert [seq for seq, _ in chained()] == [*range(1, 8)]

    def test_trouble_is_told_once_and_harms_nobody(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def broken(*args: Any) -> int:
            raise ValueError("a fault of ours")

        monkeypatch.setattr(audit_rows, "newest_id", broken)
        seals.tick()
        seals.tick()
        assert caplog.text.count("could not be sealed") == 1

    def test_where_the_chain_stands_is_told_in_the_log(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("INFO", "roundsman.audit")
        written(2)
        seal_all()
        assert f"Audit log sealed up to {AuditSeal.objects.get(seq=2)}" in caplog.text


class TestManySealers:
    def test_several_at_once_leave_one_gapless_chain(self) -> None:
        ids, sealed = written(60), list[int]()
        gate = threading.Barrier(4)

        def work() -> None:
            try:
                sealer = Sealer(batch=7, stretch=9, budget_s=30)
                gate.wait(10)
                for _ in range(40):
                    sealed.append(sealer.round())
            finally:
                connections.close_all()

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert sum(sealed) == 60 and len(sealed) == 160
        assert chained() == list(zip(range(1, 61), ids, strict=True)) and kinds() == []

    def test_who_comes_second_to_a_number_has_sealed_nothing(
        self, eight: list[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Should ever two seal at once, the chain's own key keeps one of them out."""
        (late,) = written(1)
        monkeypatch.setattr(audit_rows, "head", lambda: (7, "0" * 64))
        assert seals.seal(late - 1, late) is None
        monkeypatch.undo()
        assert seal_all() == 1 and kinds() == []


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


class TestWhatAnOwnerDoesIsFound:
    """Every one of them is done with the triggers lifted, and the chain was anchored at its eighth seal."""

    def test_nothing_was_done(self, head: str) -> None:
        told = verify({8: head[2:]})
        assert (told.faults, told.good, told.head, told.unsealed) == ([], 8, (8, head[2:]), 0)

    @pytest.mark.parametrize(
        "change",
        [
            "why = 'mine'", "actor = 'eve'", "actor_id = 8", "actor_id = NULL", "address = ''", "request_id = 'r-2'",
            "action = 'queue.pause'", "object_type = 'run'", "object_id = 'q9'", "object_label = ''", "source = 'api'",
            "before = NULL", "at = '2026-01-01 00:00:00'",
            """after = '{"limit": 5, "rate": 2.0000000000000000001}'""",
        ],
    )  # fmt: skip
    def test_an_edit_of_any_field(self, eight: list[int], head: str, change: str) -> None:
        with as_owner():
            run(f"UPDATE {ENTRIES} SET {change} WHERE id = {eight[3]}")
        assert kinds(head) == [("edited", 4)]

    def test_a_form_of_the_same_value_is_no_edit(self, eight: list[int], head: str) -> None:
        with as_owner():
            run(f"""UPDATE {ENTRIES} SET after = '{{"rate": 2.0, "limit" : 4e0}}' WHERE id = {eight[3]}""")
        assert kinds(head) == []

    def test_a_removed_entry(self, eight: list[int], head: str) -> None:
        with as_owner():
            run(f"DELETE FROM {ENTRIES} WHERE id = {eight[2]}")
        assert kinds(head) == [("removed", 3)]

    def test_a_removed_seal_with_its_entry_and_without(self, eight: list[int], head: str) -> None:
        with as_owner():
            run(f"DELETE FROM {SEALS} WHERE seq = 5")
        assert kinds(head) == [("seal missing", 5)]
        assert kinds(head, older_than_s=-1) == [("seal missing", 5), ("unsealed", None)]
        with as_owner():
            run(f"DELETE FROM {ENTRIES} WHERE id = {eight[4]}")
        assert kinds(head, older_than_s=-1) == [("seal missing", 5)]

    def test_two_entries_that_exchanged_what_they_tell(self, eight: list[int], head: str) -> None:
        with as_owner():
            for column in ("object_id", "object_label", "before", "after", "at"):
                run(
                    f"UPDATE {ENTRIES} SET {column} = o.{column} FROM"
                    f" (SELECT id AS other, {column} FROM {ENTRIES} WHERE id IN ({eight[1]}, {eight[5]})) AS o"
                    f" WHERE id IN ({eight[1]}, {eight[5]}) AND id <> o.other"
                )
        assert kinds(head) == [("moved", 2)]

    def test_two_seals_that_exchanged_their_entries_or_their_places(self, eight: list[int], head: str) -> None:
        with as_owner():
            run(f"UPDATE {SEALS} SET entry_id = -1 WHERE seq = 3")
            run(f"UPDATE {SEALS} SET entry_id = {eight[2]} WHERE seq = 6")
            run(f"UPDATE {SEALS} SET entry_id = {eight[5]} WHERE seq = 3")
        assert kinds(head) == [("moved", 3)]
        with as_owner():
            run(f"UPDATE {SEALS} SET seq = -1 WHERE seq = 3")
            run(f"UPDATE {SEALS} SET seq = 3 WHERE seq = 6")
            run(f"UPDATE {SEALS} SET seq = 6 WHERE seq = -1")
        assert kinds(head)[0][1] == 3

    def test_an_edited_seal(self, eight: list[int], head: str) -> None:
        with as_owner():
            run(f"UPDATE {SEALS} SET digest = '{'ab' * 32}' WHERE seq = 4")
        assert kinds(head) == [("seal edited", 4)]

    def test_the_last_entry_edited(self, eight: list[int], head: str) -> None:
        with as_owner():
            run(f"UPDATE {ENTRIES} SET why = 'mine' WHERE id = {eight[7]}")
        assert kinds() == [("edited (entry or seal)", 8)]

    def test_an_end_cut_off_is_found_by_the_anchor_alone(self, eight: list[int], head: str) -> None:
        with as_owner():
            run(f"DELETE FROM {SEALS} WHERE seq > 6")
            run(f"DELETE FROM {ENTRIES} WHERE id > {eight[5]}")
        assert kinds() == [] and kinds(head) == [("seal missing", 7)]

    def test_all_seals_gone(self, head: str) -> None:
        with as_owner():
            run(f"TRUNCATE {SEALS}" if connection.vendor == "postgresql" else f"DELETE FROM {SEALS}")
        assert kinds(head) == [("seal missing", 1)] and kinds(older_than_s=-1) == [("unsealed", None)]

    @pytest.mark.parametrize("deed", ["edit", "delete", "insert"])
    def test_a_chain_made_anew_over_a_forgery_is_found_by_the_anchor_alone(
        self, eight: list[int], head: str, deed: str
    ) -> None:
        with as_owner():
            run(f"DELETE FROM {SEALS}")
            if deed == "edit":
                run(f"UPDATE {ENTRIES} SET why = 'mine' WHERE id = {eight[4]}")
            elif deed == "delete":
                run(f"DELETE FROM {ENTRIES} WHERE id = {eight[4]}")
        if deed == "insert":
            with as_owner():
                run(f"UPDATE {ENTRIES} SET id = id + 1000")
                run(f"UPDATE {ENTRIES} SET id = {eight[0]} WHERE id = {eight[7] + 1000}")
        written(2)
        seal_all()
        assert kinds() == [] and kinds(head) == [("not as anchored", 8)]

    def test_several_anchors_tell_between_which_it_was_made_anew(self, eight: list[int], head: str) -> None:
        early = str(AuditSeal.objects.get(seq=3))
        with as_owner():
            run(f"DELETE FROM {SEALS} WHERE seq > 4")
            run(f"UPDATE {ENTRIES} SET why = 'mine' WHERE id = {eight[4]}")
        seal_all()
        (fault,) = verify({3: early[2:], 8: head[2:]}).faults
        assert "between seal 4 and this one" in fault.text

    def test_the_same_log_sealed_again_is_the_same_chain(self, head: str) -> None:
        with as_owner():
            run(f"DELETE FROM {SEALS}")
        seal_all()
        assert kinds(head) == []


def test_an_empty_log_is_as_it_should_be() -> None:
    told = verify()
    assert (told.good, told.head, told.faults) == (0, (0, GENESIS), [])


def test_an_old_entry_without_a_seal_is_a_fault_and_a_new_one_waits() -> None:
    (first, _) = written(2)
    assert kinds() == [] and verify().unsealed == 2
    (fault,) = verify(older_than_s=-1).faults
    assert (fault.kind, fault.entry_id) == ("unsealed", first) and ADA.label


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
