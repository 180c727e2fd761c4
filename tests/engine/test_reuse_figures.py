"""The counts of reused results: gathered in memory, written by the way, and never in anybody's way."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
import redis

from queues.contract import RunRef
from queues.engine import broker, reuse_figures
from queues.engine.reuse_figures import ReuseFigures, answer_of, answered_by, hit_rate_percent, read
from queues.ledger import clock

from .conftest import until

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
RESULT = RunRef(uuid4(), "succeeded", created=False, cached=True)
LIVE = RunRef(uuid4(), "running", created=False)
MADE = RunRef(uuid4(), "pending")


@pytest.fixture
def client(valkey_url: str) -> redis.Redis:
    made = redis.Redis.from_url(valkey_url)
    made.flushall()
    return made


@pytest.fixture
def figures(client: redis.Redis) -> ReuseFigures:
    """Writes when it is told to."""
    return ReuseFigures(client, delay_s=1000)


@pytest.fixture(autouse=True)
def at_noon() -> Iterator[clock.Fake]:
    with clock.frozen(NOON) as fake:
        yield fake


@pytest.mark.parametrize(
    ("ref", "fresh", "answer"),
    [(RESULT, False, "result"), (LIVE, False, "live"), (MADE, False, "run"), (MADE, True, "fresh")],
)
def test_an_answer_is_named_by_what_gave_it(ref: RunRef, fresh: bool, answer: str) -> None:
    assert answer_of(ref, fresh=fresh) == answer


@pytest.mark.parametrize(
    ("answers", "rate"),
    [({"result": 6, "live": 3, "run": 1}, 90), ({"run": 4, "fresh": 9}, 0), ({"result": 1, "fresh": 3}, 100), ({"fresh": 1}, None), ({}, None)],
)  # fmt: skip
def test_the_rate_is_of_those_who_did_not_ask_for_a_run(answers: dict[str, int], rate: float | None) -> None:
    assert hit_rate_percent(answers) == rate


def test_counts_are_told_by_job_and_answer_and_those_of_the_day_apart(
    client: redis.Redis, figures: ReuseFigures, at_noon: clock.Fake
) -> None:
    figures.add("tests.a", RESULT)
    figures.add("tests.a", RESULT)
    figures.add("tests.b", MADE)
    figures.flush()
    at_noon.advance(23 * 3600)
    figures.add("tests.a", LIVE)
    figures.flush()
    ever = {"tests.a": {"result": 2, "live": 1}, "tests.b": {"run": 1}}
    assert read(client) == (ever, ever)
    assert 23 * 3600 < client.ttl("roundsman:cache:2026112312") <= 24 * 3600
    client.delete("roundsman:cache:2026112312")  # what Redis does then
    assert read(client) == (ever, {"tests.a": {"live": 1}})


def test_what_counts_by_the_hour_or_by_the_run_is_not_kept_for_ever(client: redis.Redis, figures: ReuseFigures) -> None:
    figures.add("tests.a", RESULT)
    figures.flush()
    kept_s = {key.decode(): client.ttl(key) for key in client.keys("roundsman:cache*")}
    assert kept_s.pop("roundsman:cache") == -1
    assert kept_s.pop("roundsman:cache:hours") == -1
    assert len(kept_s) == 2 and all(0 < ttl_s <= 30 * 86400 for ttl_s in kept_s.values())


def test_the_list_of_hours_does_not_grow(client: redis.Redis, figures: ReuseFigures, at_noon: clock.Fake) -> None:
    for _ in range(60):
        figures.add("tests.a", RESULT)
        figures.flush()
        at_noon.advance(3600)
    assert client.zcard("roundsman:cache:hours") == 26


def test_reading_asks_no_clock(client: redis.Redis, figures: ReuseFigures, monkeypatch: Any) -> None:
    """It may ask the database, and a scrape must tell Redis' part without one."""
    figures.add("tests.a", RESULT)
    figures.flush()
    monkeypatch.delattr(clock, "now")
    assert read(client)[1] == {"tests.a": {"result": 1}}


def test_nothing_is_written_for_nothing(client: redis.Redis, figures: ReuseFigures) -> None:
    figures.flush()
    assert client.keys("*") == []


def test_counts_are_written_by_themselves_a_moment_later(client: redis.Redis) -> None:
    figures = ReuseFigures(client, delay_s=0.01)
    for _ in range(2):  # and again after that
        before = read(client)[0].get("tests.a", {}).get("result", 0)
        figures.add("tests.a", RESULT)
        until(lambda before=before: read(client)[0].get("tests.a", {}).get("result", 0) == before + 1)


def test_a_redis_that_is_away_costs_figures_and_nothing_else(caplog: Any) -> None:
    away = ReuseFigures(redis.Redis(port=1), delay_s=1000)
    for _ in range(2):
        away.add("tests.a", RESULT)
        away.flush()
    assert len([record for record in caplog.records if "does not take" in record.message]) == 1, "told once"


def test_switched_off_nothing_is_gathered(client: redis.Redis, figures: ReuseFigures, settings: Any) -> None:
    settings.METRICS_ENABLED = False
    figures.add("tests.a", RESULT)
    figures.flush()
    assert client.keys("*") == []


def test_a_forked_process_leaves_its_parents_counts_to_the_parent(client: redis.Redis, figures: ReuseFigures) -> None:
    os.register_at_fork(after_in_child=figures.forget)
    figures.add("tests.a", RESULT)
    child = os.fork()
    if child == 0:
        figures.flush()
        os._exit(0)
    os.waitpid(child, 0)
    assert read(client)[0] == {}
    figures.flush()
    assert read(client)[0] == {"tests.a": {"result": 1}}


def test_a_run_knows_how_many_it_answered_while_redis_is_there(
    client: redis.Redis, figures: ReuseFigures, monkeypatch: Any
) -> None:
    monkeypatch.setattr(broker, "connection", lambda purpose: client)
    assert answered_by(RESULT.id) == 0
    for ref in (RESULT, RESULT, MADE):
        figures.add("tests.a", ref)
    figures.flush()
    assert (answered_by(RESULT.id), answered_by(MADE.id)) == (2, 0)
    monkeypatch.setattr(broker, "connection", lambda purpose: redis.Redis(port=1))
    assert reuse_figures.answered_by(RESULT.id) is None
