"""How long runs waited after their worker was struck."""

from __future__ import annotations

from project.chaos.facts import STILL, Hold, Outage, Strike
from project.chaos.recovery import percentile, recoveries

WORKERS = {"a1": "worker-0.1", "a2": "worker-0.1", "b1": "worker-1.1"}  # the first took a new identity
STRIKE = Strike("sigkill", 10.0, "worker-0.1")


def hold(run: str, worker: str, opened: float, closed: float, ended: str = "pending") -> Hold:
    return Hold(run, f"{run}@{opened}", worker, "reports", "", opened, closed, ended)


def waits(holds: list[Hold], *outages: Outage) -> list[float]:
    return [recovery.waited_s for recovery in recoveries([STRIKE], holds, WORKERS, outages)]


def test_seconds_count_from_the_blow_to_the_next_lease() -> None:
    assert waits([hold("r", "a1", 9.0, 15.0), hold("r", "b1", 16.5, 17.0, "succeeded")]) == [6.5]


def test_a_worker_with_a_second_identity_is_the_same_worker() -> None:
    assert waits([hold("r", "a2", 9.0, 15.0), hold("r", "b1", 16.0, 17.0, "succeeded")]) == [6.0]


def test_leases_of_others_and_leases_that_were_not_open_do_not_count() -> None:
    others = [
        hold("r", "b1", 9.0, 15.0), hold("r", "b1", 16.0, 17.0),
        hold("s", "a1", 8.0, 9.5), hold("s", "b1", 12.0, 13.0),
        hold("t", "a1", 10.5, 11.0), hold("t", "b1", 12.0, 13.0),
    ]  # fmt: skip
    assert waits(others) == []


def test_a_run_whose_ending_was_on_its_way_needs_no_recovery() -> None:
    assert waits([hold("r", "a1", 9.0, 10.1, "succeeded")]) == []


def test_a_run_that_was_never_leased_again_has_no_figure() -> None:
    assert waits([hold("r", "a1", 9.0, STILL, "")]) == []


def test_while_the_database_is_away_nobody_counts() -> None:
    holds = [hold("r", "a1", 9.0, 21.0), hold("r", "b1", 22.0, 23.0)]
    assert waits(holds, Outage("database", 12.0, 15.0)) == [7.0]
    assert waits(holds, Outage("database", 5.0, 8.0)) == [12.0]
    assert waits(holds, Outage("database", 30.0, 31.0)) == [12.0]
    assert waits(holds, Outage("redis", 12.0, 15.0)) == [12.0]
    assert waits(holds, Outage("database", 12.0, 15.0, "worker-0")) == [7.0]
    assert waits(holds, Outage("database", 12.0, 15.0, "worker-1")) == [12.0]


def test_percentiles() -> None:
    assert percentile([], 0.5) is None
    assert percentile([3.0], 0.99) == 3.0
    hundred = [float(n) for n in range(1, 101)]
    assert (percentile(hundred, 0.5), percentile(hundred, 0.99), percentile(hundred, 1.0)) == (50.0, 99.0, 100.0)
    assert percentile([1.0, 2.0], 0.5) == 1.0
