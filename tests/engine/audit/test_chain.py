"""Entries are sealed into one gapless chain, whoever seals, and however many."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connections, transaction

from queues.ledger import audit_rows, seals
from queues.ledger.seals import Sealer
from queues.models import AuditSeal

from ..tampering import as_owner, run, seal_all, written
from .conftest import ENTRIES, SEALS, chained, kinds

pytestmark = pytest.mark.django_db(transaction=True)


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
