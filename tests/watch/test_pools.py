"""The pools of every process at the scrape: told by each, forgotten when it is gone, this one's own above them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from queues.engine import connections
from queues.engine.connections import Health
from queues.engine.pool_facts import PoolFacts
from queues.ledger import clock, switches
from queues.models import Switch
from queues.watch import pools
from queues.watch.metrics import LedgerPart, RedisPart, families
from queues.watch.timings import Timings

from .conftest import NOON


def samples(ledger: LedgerPart | None, redis_part: RedisPart | None, own: Any = None) -> dict[Any, float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families(ledger, redis_part, own)
        for sample in family.samples
    }


def test_what_a_process_told_is_read_until_half_a_minute_after_its_last_word(server: Any) -> None:
    client = connections.connection("metrics")
    mine = PoolFacts("queue", in_use=3, idle=2, peak=6, most=8, waits=4, waited_s=0.25, created=7, replaced=1, errors=2)
    pools.publish("depot.1", client, NOON, [mine])
    pools.publish("depot.2", client, NOON - timedelta(seconds=25), [])
    assert pools.read(client, NOON + timedelta(seconds=5)) == {"depot.1": [mine], "depot.2": []}
    assert pools.read(client, NOON + timedelta(seconds=29)) == {"depot.1": [mine]}
    assert client.hkeys(pools.KEY) == [b"depot.1"]


def test_what_is_not_ours_under_our_key_is_thrown_out(server: Any) -> None:
    client = connections.connection("metrics")
    client.hset(pools.KEY, mapping={"a": "not json", "b": '{"pools": 3}', "c": "[]"})
    assert pools.read(client, NOON) == {} and not client.exists(pools.KEY)


def test_every_figure_of_a_pool_has_its_metric() -> None:
    mine = PoolFacts("queue", in_use=3, idle=2, peak=6, most=8, waits=4, waited_s=0.25, created=7, replaced=1, errors=2)
    found = samples(None, RedisPart(0.001, pools={"depot.1": [mine]}))
    assert {name: found[f"connection_pool_{name}", "depot.1", "queue"] for name in (
        "in_use", "idle", "max", "use_ratio", "waits_total", "wait_seconds_total", "created_total", "replaced_total", "errors_total",
    )} == {
        "in_use": 3, "idle": 2, "max": 8, "use_ratio": 0.75, "waits_total": 4, "wait_seconds_total": 0.25,
        "created_total": 7, "replaced_total": 1, "errors_total": 2,
    }  # fmt: skip


def test_the_answering_process_tells_its_pools_itself_also_without_redis() -> None:
    now, before = PoolFacts("queue", in_use=5, most=8), PoolFacts("queue", in_use=1, most=8)
    for part in (None, RedisPart(0.001, pools={"web 1": [before]})):
        assert samples(None, part, {"web 1": [now]})["connection_pool_in_use", "web 1", "queue"] == 5


def test_each_purposes_connection_is_up_with_its_latency_or_down(server: Any, at_noon: clock.Fake) -> None:
    from queues.watch.look import Look

    up = samples(LedgerPart(Look(NOON), latency_s=0.002), RedisPart(0.001, pings={"queue": Health(True, 3.0)}))
    assert (up["connection_up", "queue"], up["connection_latency_seconds", "queue"]) == (1, 0.003)
    assert (up["connection_up", "database"], up["connection_latency_seconds", "database"]) == (1, 0.002)
    down = samples(None, None)
    for purpose in ("queue", "session", "cache", "metrics", "database"):
        assert down["connection_up", purpose] == 0 and ("connection_latency_seconds", purpose) not in down


@pytest.mark.django_db(transaction=True)
def test_a_keepers_round_warms_the_pools_and_tells_of_them(server: Any, settings: Any) -> None:
    settings.REDIS = {purpose: {**one, "least": 2, "max_connections": 4} for purpose, one in settings.REDIS.items()}
    connections.close()
    Switch.objects.create(name="redis_pool", on=True, changed_at=NOON)
    settings.REDIS_POOL_ENABLED = False
    assert not switches.known("redis_pool")
    pools.Keeper("depot.1", ["queue", "metrics"]).round()
    assert switches.known("redis_pool")  # what another process threw is heard of, too
    told = pools.read(connections.connection("metrics"), clock.now())["depot.1"]
    idle = {pool.purpose: (pool.idle + pool.in_use, pool.most) for pool in told}
    assert (idle["queue"], idle["metrics"]) == ((2, 4), (2, 4))
    assert ("database" in idle) == (connection.vendor == "postgresql")


@pytest.mark.django_db(transaction=True)
def test_a_keeper_outlives_a_redis_that_is_away(no_server: None) -> None:
    keeper = pools.Keeper("depot.1", ["queue"])
    keeper.round()
    keeper.tick()
    assert keeper._thread is not None
    keeper._thread.join(5)
    assert not keeper._thread.is_alive()


@pytest.mark.django_db
def test_the_switches_stop_metrics_and_their_batches_at_once(server: Any, ended: Any, settings: Any) -> None:
    timings = Timings()
    assert (timings.enabled, timings.batch_size) == (True, settings.METRICS_BATCH_SIZE)
    from queues.contract import Actor

    switches.throw("metrics_batch", False, actor=Actor.system("tests"), why="x")
    switches.throw("metrics", False, actor=Actor.system("tests"), why="x")
    switches.refresh()
    assert (timings.enabled, timings.batch_size) == (False, 1)
    timings.add([ended("email")])
    timings.close()
    assert connections.connection("metrics").keys("roundsman:metrics:*") == []
