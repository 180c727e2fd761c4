"""What the API refused is counted by code and bucket, whoever refused it, and costs nothing while Redis is away."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import redis
from rest_framework.test import APIClient

from queues.api import problems
from queues.errors import RateLimited
from queues.watch.refusals import BUCKETS_KEY, CODES_KEY, Refusals, read


@pytest.fixture
def client(valkey_url: str) -> redis.Redis:
    made = redis.Redis.from_url(valkey_url)
    made.delete(CODES_KEY, BUCKETS_KEY)
    return made


@pytest.fixture
def counted(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Refusals:
    made = Refusals(client, delay_s=1000)
    monkeypatch.setattr(problems, "refusals", made)
    return made


@pytest.mark.django_db
def test_a_refused_request_is_counted_by_its_problems_code(counted: Refusals, client: redis.Redis) -> None:
    for path in ("/api/v1/runs", "/api/v1/runs", "/api/nothing"):
        APIClient().get(path)
    counted.flush()
    assert read(client) == ({"not_authenticated": 2, "not_found": 1}, {})


def test_one_that_is_over_a_limit_is_counted_by_the_limit_too(counted: Refusals, client: redis.Redis) -> None:
    problems.exception_handler(RateLimited("Too many.", 5, "creation"), {})
    counted.flush()
    assert read(client) == ({"rate_limited": 1}, {"creation": 1})


def test_many_are_written_in_one_go_and_added_up(counted: Refusals, client: redis.Redis) -> None:
    for _ in range(2):
        for _ in range(50):
            counted.add("invalid")
        counted.flush()
    assert read(client).by_code == {"invalid": 100}


def test_an_absent_redis_is_told_once_and_costs_the_figures_alone(caplog: pytest.LogCaptureFixture) -> None:
    counted = Refusals(redis.Redis(port=1), delay_s=1000)
    for _ in range(2):
        counted.add("invalid")
        counted.flush()
    told = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert len(told) == 1 and "refused requests" in told[0].message


def test_with_metrics_off_nothing_is_gathered(counted: Refusals, client: redis.Redis, settings: Any) -> None:
    settings.METRICS_ENABLED = False
    counted.add("invalid")
    counted.flush()
    assert read(client) == ({}, {})
