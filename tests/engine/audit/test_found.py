"""What the owner of the tables does to the audit log is found."""

from __future__ import annotations

import pytest
from django.db import connection

from queues.ledger.canonical import GENESIS
from queues.ledger.verify import verify
from queues.models import AuditSeal

from ..tampering import as_owner, run, seal_all, written
from .conftest import ENTRIES, SEALS, kinds

pytestmark = pytest.mark.django_db(transaction=True)


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
    assert (fault.kind, fault.entry_id) == ("unsealed", first)
