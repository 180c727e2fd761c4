"""A provider over HTTP, and runs that call it, one execution after the other."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from queues.engine import outbox, providers
from queues.engine.context import RunContext
from queues.ledger import clock, runs
from queues.ledger import outbox as ledger
from queues.ledger.queue_settings import ensure_queues
from queues.models import OutboundCall, Queue, Worker
from queues.outbound import Answer, OutboundRequest

from ..conftest import QUEUE, Number
from ..outside import Client, Outside, serving

KEY = "charge:C-17:2026-11"
ASKED = OutboundRequest(KEY, "outside", "charge", {"amount": "12.50"})


@pytest.fixture(autouse=True)
def time() -> Iterator[clock.Fake]:
    with clock.frozen(datetime(2026, 3, 1, 12, tzinfo=UTC)) as fake:
        yield fake


@pytest.fixture
def outside() -> Iterator[Outside]:
    with serving(Outside()) as server:
        yield server


@pytest.fixture
def client(outside: Outside) -> Iterator[Client]:
    known = Client(outside.port)
    outbox.provider(known)
    yield known
    providers.forget(known.name)


class Asker:
    """A run that makes a call. Each execution is a new worker's; the one before is lost with its worker."""

    def __init__(self, spec: Any) -> None:
        ensure_queues()
        Queue.objects.filter(name=QUEUE).update(concurrency=20)
        self.run_id, self.worker = spec.enqueue(Number()).id, None

    def execution(self) -> RunContext:
        self.lose()
        self.worker = uuid4()
        now = clock.now()
        Worker.objects.create(id=self.worker, name="w", host="h", pid=1, started_at=now, beat_at=now)
        (batch,) = runs.claim(QUEUE, [self.run_id], worker_id=self.worker, slots=1).batches
        return RunContext(batch.claims[0], now)

    def lose(self) -> None:
        if self.worker is not None:
            runs.declare_lost(self.worker, renewals=0)
            runs.rescue(self.worker)

    def call(self, **changes: Any) -> Answer:
        return self.execution().call(OutboundRequest(**{**vars(ASKED), **changes}))


@pytest.fixture
def asker(job) -> Callable[[], Asker]:
    spec = job(lambda ctx, params: None)
    return lambda: Asker(spec)


def row() -> OutboundCall:
    return OutboundCall.objects.get(key=KEY)


def settle() -> list[str]:
    """What a run of queues.settle_calls does."""
    return [outbox.attend(one).state for one in outbox.due(100)]


def taken(lands_within_s: float = 60) -> ledger.Held:
    outbox.post(ASKED)
    held = ledger.take(row().pk, lands_within_s=lands_within_s)
    assert held is not None
    return held


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
