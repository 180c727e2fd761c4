"""What holds while Redis is away, or no connection to it is free."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
import redis
from rest_framework.test import APIClient

from project.redis_url import PURPOSES, options
from queues.engine import connections, quotas
from queues.engine.redis_pool import NoneFree
from queues.ledger import clock
from queues.models import Run, Spending
from tests.api.conftest import PASSWORD

from .asking import AT_ONCE, NO_RUN, RULES, at_once, remaining, send_batch, sign_in, weigh

pytestmark = pytest.mark.django_db


# --- Redis is there, and no connection to it free ---


def crowded(monkeypatch: pytest.MonkeyPatch, times: int) -> list[None]:
    """The pool has no connection for so many calls."""
    real, tried = quotas.spend_counted, list[None]()

    def spend(charges: Any) -> Any:
        tried.append(None)
        if len(tried) <= times:
            raise NoneFree("All 20 connections for cache were used for 1 s.")
        return real(charges)

    monkeypatch.setattr(quotas, "spend_counted", spend)
    return tried


def test_whoever_finds_every_connection_used_waits_for_one(
    counting: Any, people: Any, as_: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowded(monkeypatch, 3)
    answer = as_("manager").get(NO_RUN)
    assert answer.status_code == 404 and "r=99" in answer["RateLimit"]


def test_a_crowd_does_not_open_the_door_for_itself(
    counting: Any, people: Any, as_: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = crowded(monkeypatch, 1000)
    refused = as_("admin").get(RULES)
    assert (refused.status_code, refused.json()["code"]) == (503, "limits_unavailable") and refused[
        "Retry-After"
    ] == "5"
    assert len(tried) == quotas.TRIES


# --- Redis away: the settings of the tests name a server that is not there ---


def test_without_redis_jobs_are_limited_by_the_database(
    jobs: Any, rung: Any, as_: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = as_("manager")
    with clock.frozen(datetime(2026, 11, 26, 8, tzinfo=UTC)) as time:
        answers = [weigh(client) for _ in range(20)]
        assert {answer.status_code for answer in answers} == {202} and remaining(answers[-1]) == ("creation", 0, 60)
        time.advance(20)
        refused = weigh(client)
        assert (refused.status_code, refused.json()["code"], refused["Retry-After"]) == (429, "rate_limited", "40")
        assert Run.objects.count() == 20
        assert weigh(as_("admin")).status_code == 202
        time.advance(41)
        assert weigh(client).status_code == 202
    assert len([each for each in caplog.records if each.name == "roundsman.limits"]) == 1


def test_without_redis_a_batch_that_does_not_fit_counts_nothing(people: Any) -> None:
    user = people["manager"]
    assert send_batch(user, 10).status_code == 200
    assert send_batch(user, 15).status_code == 429
    assert send_batch(user, 10).status_code == 200
    assert Spending.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_without_redis_20_of_64_jobs_at_once_are_made(jobs: Any, rung: Any, as_: Any) -> None:
    clients = [as_("manager") for _ in range(AT_ONCE)]
    answers = at_once(AT_ONCE, lambda n: weigh(clients[n]).status_code)
    assert Counter(answers) == {202: 20, 429: AT_ONCE - 20}
    assert Run.objects.count() == 20


def test_without_redis_nobody_signs_in_and_all_else_passes(people: Any, as_: Any) -> None:
    refused = sign_in(PASSWORD)
    assert (refused.status_code, refused.json()["code"]) == (503, "limits_unavailable")
    assert refused["Content-Type"] == "application/problem+json" and refused["Retry-After"] == "5"
    assert {as_("manager").get(NO_RUN).status_code for _ in range(101)} == {404}
    assert {as_("admin").get(RULES).status_code for _ in range(51)} == {200}
    assert APIClient().get(NO_RUN).status_code == 401


def test_when_redis_is_back_it_counts_again(
    people: Any, as_: Any, valkey_url: str, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = as_("manager")
    with caplog.at_level("INFO", "roundsman.limits"):
        assert "RateLimit" not in client.get(NO_RUN)
        connections.close()
        settings.REDIS = dict.fromkeys(PURPOSES, options(valkey_url))
        redis.Redis.from_url(valkey_url).flushdb()
        assert remaining(client.get(NO_RUN))[:2] == ("general", 99)
    connections.close()
    told = [each.getMessage() for each in caplog.records if each.name == "roundsman.limits"]
    assert len(told) == 2 and told[1] == "Redis counts requests again."
