"""The levels compare as they should, and a ledger filled by SQL is one that the system takes for its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection

from benchmarks.own.ledger import Ledger
from benchmarks.own.levels import ratios
from queues.jobspecs import ping
from queues.models import Run


def test_a_level_is_compared_with_the_first_one_before_and_after() -> None:
    found = ratios({"1000": 1.0, "1000000": 3.0, "finished_1000000": 2.0, "1000 again": 3.0})
    assert (found["million_waiting_ratio"], found["million_finished_ratio"]) == (1.5, 1.0)
    assert found["noise_ratio"] == 3.0


def test_a_level_that_failed_has_no_ratio() -> None:
    found = ratios({"1000": 1.0, "1000 again": 1.0})
    assert found["million_waiting_ratio"] is None


@pytest.fixture
def ledger(transactional_db: None) -> Iterator[Ledger]:
    made = connection.settings_dict
    filled = Ledger(f"postgresql://{made['USER']}@{made['HOST']}:{made['PORT']}/{made['NAME']}")
    yield filled
    filled.connection.execute("DROP TABLE IF EXISTS bench_waiting, bench_finished")
    filled.close()


@pytest.mark.postgres
def test_copies_of_a_waiting_run_wait_in_the_order_of_their_ids(ledger: Ledger) -> None:
    ping.enqueue(ping.params())
    ledger.keep_template("waiting")
    ledger.add("waiting", 0, 5_000)
    ledger.add("waiting", 5_000, 10, now=True)
    runs = list(Run.objects.order_by("id").values_list("id", "state", "due_at", "params"))
    assert len(runs) == 5_011
    assert {state for _, state, _, _ in runs} == {"pending"}
    assert {run_id.version for run_id, _, _, _ in runs} == {7}
    assert [params["i"] for *_, params in runs if "i" in params] == list(range(5_010))
    assert [due for _, _, due, _ in runs] == sorted(due for _, _, due, _ in runs)


@pytest.mark.postgres
def test_without_a_run_to_copy_it_says_so(ledger: Ledger) -> None:
    with pytest.raises(RuntimeError, match="no succeeded run"):
        ledger.keep_template("finished")
