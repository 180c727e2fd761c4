"""Jobs to run, and a ledger to run them on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pydantic
import pytest
from django.db import connections

from queues import registry
from queues.contract import Actor, JobContext, Outcome
from queues.engine import release
from queues.engine.rules import Rules
from queues.engine.shop import Shop
from queues.ledger.queue_settings import ensure_queues
from queues.models import Queue, Run

from .fake_window import FakeWindow

QUEUE = "reports"


class Number(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")
    n: int = 0


@pytest.fixture
def actor() -> Actor:
    return Actor.system("tests")


@pytest.fixture
def queues_exist(db: None) -> None:
    ensure_queues()


@pytest.fixture
def job() -> Iterator[Callable[..., registry.JobSpec[Number]]]:
    """Declare a job for one test: job(handler, **options)."""
    names = []

    def declare(handler: Callable[[JobContext, Number], Outcome | None], **options: Any) -> registry.JobSpec[Number]:
        name = f"tests.job_{len(names)}"
        declared = registry.spec(name, queue=QUEUE, params=Number, **options)
        declared.handler(handler)
        names.append(name)
        return declared

    yield declare
    for name in names:
        registry.forget(name)


@pytest.fixture
def fake_window(monkeypatch: pytest.MonkeyPatch) -> FakeWindow:
    window = FakeWindow()
    monkeypatch.setattr(release, "_window", window)
    return window


@pytest.fixture
def working(fake_window: FakeWindow) -> Callable[..., Any]:
    """`with working(slots=2) as shop:` a real worker on the fake window; it stops at the end of the block."""

    @contextmanager
    def work(window: Any = None, concurrency: int = 8, **rules: Any) -> Iterator[Shop]:
        ensure_queues()
        Queue.objects.filter(name=QUEUE).update(concurrency=concurrency)
        shop = Shop(
            "tests",
            Rules(**{"queues": [QUEUE], "slots": 2, "grace_s": 5.0, "heartbeat_s": 0.2, **rules}),
            window or fake_window,
        )
        connections.close_all()  # as a worker does it: its helper is forked before there are threads and connections
        shop.nursery.start()
        thread = threading.Thread(target=shop.run)
        thread.start()
        try:
            yield shop
        finally:
            shop.stop()
            thread.join(20)
            assert not thread.is_alive(), "the worker did not stop"

    return work


def until(true: Callable[[], bool], timeout_s: float = 15.0) -> None:
    """Wait for something another thread does."""
    end = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        threading.Event().wait(0.02)


def state_of(run_id: Any) -> str:
    return str(Run.objects.values_list("state", flat=True).get(pk=run_id))
