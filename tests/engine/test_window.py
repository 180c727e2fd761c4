"""One suite for the window's promises, run on the fake and on a real server."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from queues.engine.broker import RedisWindow
from queues.engine.window import WINDOW, DoorbellAway, Listed
from queues.ledger import clock

from .fake_window import FakeWindow


@pytest.fixture(autouse=True)
def noon():
    with clock.frozen(datetime(2026, 3, 1, 12, tzinfo=UTC)):
        yield


@pytest.fixture(params=["fake", "redis"])
def window(request: pytest.FixtureRequest):
    if request.param == "fake":
        return FakeWindow()
    client = redis.Redis.from_url(request.getfixturevalue("valkey_url"))
    client.flushall()
    return RedisWindow(client, client)


def some(count: int) -> list[Listed]:
    return [Listed(uuid4(), "tests.job") for _ in range(count)]


def ids(runs: list[Listed]) -> list[UUID]:
    return [run.id for run in runs]


def test_ids_come_out_in_the_order_they_went_in(window) -> None:
    runs = some(3)
    assert window.offer("reports", runs) == 3
    assert window.ids("reports") == ids(runs)
    assert window.take(["billing", "reports"], 0.1) == ("reports", runs[0].id)
    assert window.ids("reports") == ids(runs)[1:]


def test_nothing_is_waited_for_where_there_is_no_time_to_wait(window) -> None:
    assert window.take(["reports"], 0.0) is None
    runs = some(1)
    window.offer("reports", runs)
    assert window.take(["reports"], 0.0) == ("reports", runs[0].id)


def test_the_first_queue_named_is_served_first(window) -> None:
    low, high = some(1), some(1)
    window.offer("maintenance", low)
    window.offer("billing", high)
    assert window.take(["billing", "maintenance"], 0.1) == ("billing", high[0].id)


def test_an_id_is_listed_once_however_often_it_is_offered(window) -> None:
    runs = some(2)
    window.offer("reports", runs)
    assert window.offer("reports", runs) == 0
    assert window.ids("reports") == ids(runs)


def test_an_id_in_a_workers_hands_is_not_listed_again(window) -> None:
    runs = some(1)
    window.offer("reports", runs)
    window.take(["reports"], 0.1)
    assert window.offer("reports", runs) == 0


def test_an_id_that_was_dropped_may_be_listed_again(window) -> None:
    runs = some(1)
    window.offer("reports", runs)
    _, taken = window.take(["reports"], 0.1)
    window.drop("reports", taken, [])
    assert window.offer("reports", runs) == 1


def test_what_was_claimed_is_listed_no_more_and_the_others_keep_their_places(window) -> None:
    runs = some(8)
    window.offer("reports", runs)
    _, taken = window.take(["reports"], 0.1)
    mine = ids(runs)
    window.drop(
        "reports", taken, [mine[1], mine[2], mine[5], uuid4()]
    )  # some at the head, one further on, one unlisted
    assert window.ids("reports") == [mine[3], mine[4], mine[6], mine[7]]
    assert window.offer("reports", runs[:3]) == 3


def test_dropping_nothing_changes_nothing(window) -> None:
    runs = some(2)
    window.offer("reports", runs)
    window.drop("reports", None, [])
    assert window.ids("reports") == ids(runs)


def test_the_window_holds_no_more_than_its_size(window) -> None:
    runs = some(WINDOW + 50)
    assert window.offer("reports", runs) == WINDOW
    assert window.ids("reports") == ids(runs)[:WINDOW]


def test_an_empty_window_is_waited_for_and_then_answers_none(window) -> None:
    assert window.take(["reports"], 0.05) is None


def test_a_server_that_is_away_is_told_at_once() -> None:
    client = redis.Redis(port=1, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 0))
    with pytest.raises(DoorbellAway, match="Redis does not answer"):
        RedisWindow(client, client).offer("reports", some(1))


def test_ids_of_a_worker_that_died_between_take_and_claim_are_listed_again(valkey_url: str) -> None:
    client = redis.Redis.from_url(valkey_url)
    client.flushall()
    window, runs = RedisWindow(client, client), some(1)
    window.offer("reports", runs)
    window.take(["reports"], 0.1)
    client.hset(f"rq:job:{runs[0].id}", "enqueued_at", "2020-01-01T00:00:00.000000Z")
    assert window.offer("reports", runs) == 1


def test_stock_rq_sees_the_waiting_job_and_loses_none(valkey_url: str) -> None:
    from rq import Queue
    from rq.serializers import JSONSerializer

    client = redis.Redis.from_url(valkey_url)
    client.flushall()
    runs = some(3)
    RedisWindow(client, client).offer("reports", runs)
    queue = Queue("reports", connection=client, serializer=JSONSerializer)
    assert [job.func_name for job in queue.get_jobs()] == ["tests.job"] * 3
    assert queue.count == 3 and queue.get_job_ids() == [str(run.id) for run in runs]


def test_something_written_into_redis_by_others_runs_nothing_and_is_counted(valkey_url: str) -> None:
    client = redis.Redis.from_url(valkey_url)
    client.flushall()
    client.hset("rq:job:evil", mapping={"data": '["os.system",null,["true"],{}]', "status": "queued"})
    client.rpush("rq:queue:reports", "evil")
    assert RedisWindow(client, client).take(["reports"], 0.1) is None
    assert client.hget("roundsman:intruders", "rq:queue:reports") == b"1"
    assert not client.exists("rq:job:evil")
