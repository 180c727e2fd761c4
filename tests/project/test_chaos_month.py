"""The rough month's pieces: when blows fall, and that what differs between twins is told."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from project.chaos import books_told, till
from project.chaos.bank import BOOKS
from project.chaos.month import PHASES, blows
from queues.outbound import Call, Refused


@pytest.mark.parametrize(("database", "each"), [("postgres", 4), ("embedded", 3)])
def test_each_phase_meets_each_kind_once_in_the_midst(database: str, each: int) -> None:
    found = blows(1, database)
    assert found == sorted(found) == blows(1, database) != blows(2, database)
    assert Counter(blow.phase for blow in found) == dict.fromkeys(range(len(PHASES)), each)
    assert len({(blow.phase, blow.kind) for blow in found}) == len(found)
    assert all(0 < blow.share < 1 for blow in found)


def test_twins_that_differ_are_told_apart() -> None:
    calm = {"document": ["a", "b"], "line": ["c"]}
    assert books_told.differences(calm, {"document": ["b", "a"], "line": ["c"]}) == []
    assert len(books_told.differences(calm, {"document": ["a"], "line": ["c"]})) == 2
    assert len(books_told.differences(calm, {"document": ["a", "b"], "line": ["c", "c"]})) == 1
    assert len(books_told.differences(calm, {"document": ["a", "x"], "line": ["c"]})) == 2


def test_the_till_writes_down_a_second_charge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BOOKS, str(tmp_path / "till"))
    asked = {"account": "account-7", "amount_minor": 100, "currency": "EUR"}
    call = Call(id=None, key="k", provider=till.NAME, operation="charge", request=asked, idempotency_key="i", attempt=1, sent_at=None)  # type: ignore[arg-type]  # fmt: skip
    assert till.Till().look_up(call) is None
    for _ in range(2):
        try:
            till.Till().send(call)
        except Refused:
            pass
    assert len(till.charges(tmp_path / "till")) == 2
