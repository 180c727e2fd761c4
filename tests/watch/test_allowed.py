"""What workers allow themselves is told while they live, forgotten when they are gone, and missed by nobody without Redis."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from queues.engine import broker
from queues.watch import allowed

from .conftest import NOON


def test_what_workers_told_is_read_by_queue_until_they_are_silent_for_half_a_minute(server: object) -> None:
    client = broker.connection("metrics")
    allowed.publish("w-1", client, NOON, {"email": 3, "external-api": 8})
    allowed.publish("w-2", client, NOON + timedelta(seconds=20), {"email": 1})
    assert allowed.read(client, NOON + timedelta(seconds=20)) == {"email": {"w-1": 3, "w-2": 1}, "external-api": {"w-1": 8}}  # fmt: skip
    assert allowed.read(client, NOON + timedelta(seconds=31)) == {"email": {"w-2": 1}}
    assert client.hkeys(allowed.KEY) == [b"w-2"], "what is gone is not deleted"


def test_what_is_not_ours_is_passed_over_and_taken_away(server: object) -> None:
    client = broker.connection("metrics")
    for name, text in {"a": "no json", "b": "[]", "c": '{"at": 1}', "d": '{"at": "x", "allowed": {}}'}.items():
        client.hset(allowed.KEY, name, text)
    assert allowed.read(client, NOON) == {}
    assert client.hlen(allowed.KEY) == 0


def test_a_worker_tells_only_what_there_is_to_tell(server: object, at_noon: Any) -> None:
    now: dict[str, int] = {}
    teller = allowed.Teller("w-1", lambda: now)
    teller.tick()
    assert teller._thread is None
    now["email"] = 2
    teller.tick()
    assert teller._thread is not None
    teller._thread.join(5)
    assert allowed.of_queue("email") == {"w-1": 2}


def test_without_redis_a_worker_goes_on_and_a_page_shows_nothing(server: Any, at_noon: Any) -> None:
    server.stop()
    allowed.Teller("w-1", lambda: {"email": 2}).round()
    assert allowed.of_queue("email") == {}
