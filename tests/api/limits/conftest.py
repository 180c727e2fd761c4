"""The limits as they are shipped, a Redis that counts, and a clock for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from project.env import BY_NAME
from project.redis_url import PURPOSES, options
from queues.engine import connections, quotas
from queues.ledger import allowances

LIMITS = ("GENERAL", "CREATION", "ADMINISTRATION", "LOGIN")


class Hands:
    """A clock for Redis, moved by hand."""

    def __init__(self) -> None:
        self.ms = 1_764_000_000_000

    def __call__(self) -> int:
        return self.ms

    def pass_s(self, seconds: float) -> None:
        self.ms += round(seconds * 1000)


@pytest.fixture(autouse=True)
def shipped(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The limits as they are shipped, and nothing known of earlier tests."""
    for name in LIMITS:
        setattr(settings, f"RATE_LIMIT_{name}", BY_NAME[f"RATE_LIMIT_{name}"].default)
    monkeypatch.setattr(quotas, "_away", False)
    connections.close()
    allowances.forget()
    yield
    allowances.forget()


@pytest.fixture
def counting(valkey_url: str, settings: Any) -> Iterator[redis.Redis]:
    connections.close()
    settings.REDIS = dict.fromkeys(PURPOSES, options(valkey_url))
    with redis.Redis.from_url(valkey_url) as client:
        client.flushdb()
        yield client
    connections.close()


@pytest.fixture
def hands(counting: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Hands:
    made = Hands()
    monkeypatch.setattr(quotas, "clock_ms", made)
    return made
