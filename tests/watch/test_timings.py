"""Durations on a real server: cumulative buckets, batches, and a server that is away."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from queues.engine import broker
from queues.ledger import states
from queues.ledger.facts import Finished
from queues.watch.table import PROCESSING_BUCKETS
from queues.watch.timings import BUCKETS, KEY, Histogram, Timings, read

Ended = Callable[..., Finished]


def stored() -> dict[tuple[str, str], Histogram]:
    return read(broker.connection("metrics"), ["billing", "email"])


@given(st.lists(st.floats(min_value=0, max_value=5000, allow_nan=False), max_size=50))
def test_a_histogram_is_cumulative_and_its_last_bucket_counts_all(durations: list[float]) -> None:
    histogram = Histogram(PROCESSING_BUCKETS)
    for value_s in durations:
        histogram.observe(value_s)
    told = histogram.cumulative()
    assert all(low <= high for (_, low), (_, high) in itertools.pairwise(told))
    assert told[-1] == ("+Inf", len(durations))
    for bound, count in told[:-1]:
        assert count == sum(value_s <= float(bound) for value_s in durations)


def test_durations_of_every_execution_reach_redis(server: object, ended: Ended) -> None:
    timings = Timings()
    timings.add([ended(wait_s=0.2, took_s=3), ended(state=states.SCHEDULED, wait_s=0.2, took_s=1), ended("email")])
    timings.close()
    found = stored()
    processing, wait = dict(found["processing", "billing"].cumulative()), found["wait", "billing"]
    assert (processing["0.75"], processing["1.0"], processing["2.5"], processing["5.0"]) == (0, 1, 1, 2)
    assert processing["+Inf"] == 2
    assert found["processing", "billing"].sum_s == pytest.approx(4)
    assert wait.sum_s == pytest.approx(0.4)
    assert sum(found["processing", "email"].counts) == 1


def test_batches_of_several_workers_add_up(server: object, ended: Ended) -> None:
    for timings in (Timings(), Timings()):
        timings.add([ended(took_s=0.02)] * 30)
        timings.close()
    assert dict(stored()["processing", "billing"].cumulative())["0.025"] == 60


def test_a_clock_that_steps_back_counts_as_no_time(server: object, ended: Ended) -> None:
    timings = Timings()
    timings.add([ended(wait_s=-5, took_s=-5)])
    timings.close()
    assert stored()["wait", "billing"].sum_s == 0
    assert stored()["processing", "billing"].counts[0] == 1


def commands(client: redis.Redis) -> int:
    """Writes of ours that the server has seen."""
    stats: dict[str, Any] = client.info("commandstats")
    return sum(int(stats.get(f"cmdstat_{name}", {}).get("calls", 0)) for name in ("exec", "hincrbyfloat"))


def test_a_thousand_runs_are_written_net(server: object, ended: Ended) -> None:
    client = broker.connection("metrics")
    client.config_resetstat()
    timings = Timings(batch_size=2000, interval_s=30)
    for _ in range(20):
        timings.add([ended(took_s=0.02)] * 50)
    timings.flush()
    assert commands(client) == 1 + 2  # one transaction, two sums
    timings.close()
    assert dict(stored()["processing", "billing"].cumulative())["+Inf"] == 1000


def wait_for(condition: Callable[[], bool]) -> None:
    until_s = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < until_s, "it did not happen within 5 s"
        time.sleep(0.01)


@pytest.mark.parametrize(("runs", "interval_s"), [(50, 30.0), (1, 0.05)], ids=["full batch", "interval"])
def test_a_batch_is_written_by_itself_when_it_is_full_or_old(
    server: object, ended: Ended, runs: int, interval_s: float
) -> None:
    timings = Timings(batch_size=50, interval_s=interval_s)
    timings.add([ended()] * runs)
    wait_for(lambda: sum(stored()["wait", "billing"].counts) == runs)
    timings.add([ended()] * runs)
    wait_for(lambda: sum(stored()["wait", "billing"].counts) == 2 * runs)
    timings.close()


def test_switched_off_nothing_is_gathered_or_written(server: object, ended: Ended, settings: Any) -> None:
    settings.METRICS_ENABLED = False
    timings = Timings()
    timings.add([ended()])
    timings.close()
    assert broker.connection("metrics").keys(KEY + "*") == []


def test_an_absent_server_is_told_once_and_costs_only_figures(
    server: Any, ended: Ended, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "roundsman.metrics")
    timings = Timings(batch_size=1000, interval_s=30)
    server.stop()
    for _ in range(3):
        timings.add([ended()])
        timings.flush()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    server.start()
    timings.add([ended(), ended()])
    timings.flush()
    timings.close()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert sum(stored()["processing", "billing"].counts) == 2


def test_counts_of_a_bound_that_is_gone_and_of_an_unknown_queue_do_no_harm(server: object) -> None:
    client = broker.connection("metrics")
    client.hset(KEY + "wait", mapping={"billing|0.3": 4, "billing|7777.0": 2, "billing|+Inf": 1, "gone|0.3": 9})
    told = dict(stored()["wait", "billing"].cumulative())
    assert (told["0.25"], told["0.5"], told["3600.0"], told["+Inf"]) == (0, 4, 4, 7)
    assert set(stored()) == {(kind, queue) for kind in BUCKETS for queue in ("billing", "email")}
