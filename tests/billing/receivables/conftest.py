"""Who acts, and when: the 20th of November 2026."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from queues.contract import Actor
from queues.ledger import clock


@pytest.fixture
def clerk() -> Actor:
    return Actor(label="clerk", source="admin", user_id=7)


@pytest.fixture
def time() -> Iterator[clock.Fake]:
    fake = clock.Fake(datetime(2026, 11, 20, 9, tzinfo=UTC))
    with clock.using(fake):
        yield fake
