"""What the tender does in turn, where one of its servers is silent."""

from __future__ import annotations

from uuid import uuid4

import pytest

from queues.engine.tend import Tender, Tick
from queues.engine.window import DoorbellAway
from queues.ledger import clock, runs
from queues.models import Worker

from .fake_window import FakeWindow

LEASE_S, SILENT_S = 5.0, 5.0  # Redis is waited for as long as a lease


@pytest.mark.django_db
def test_a_worker_that_is_gone_is_found_soon_though_redis_is_silent() -> None:
    time_s = 1000.0
    gone = Worker.objects.create(id=uuid4(), name="gone", host="h", pid=1, started_at=clock.now(), beat_at=clock.now())

    def ring() -> None:
        nonlocal time_s
        time_s += SILENT_S
        raise DoorbellAway("frozen")

    tender = Tender([], FakeWindow(), LEASE_S, clock_s=lambda: time_s)
    tender.ticks = [tender.ticks[0], Tick("reconcile", 1.0, ring)]
    while gone.pk in [worker for worker, *_ in runs.live_workers()]:
        tender.round(time_s)
        time_s += 0.5
        assert time_s < 1000 + LEASE_S + SILENT_S + 1.0, "it is still taken for alive"


def test_what_takes_long_rests_for_as_long_and_what_does_not_keeps_its_pace() -> None:
    time_s, done = 0.0, list[tuple[str, float]]()

    def work(name: str, took_s: float) -> None:
        nonlocal time_s
        done.append((name, time_s))
        time_s += took_s

    tender = Tender([], FakeWindow(), LEASE_S, clock_s=lambda: time_s)
    tender.ticks = [Tick("slow", 1.0, lambda: work("slow", 4.0)), Tick("brisk", 1.0, lambda: work("brisk", 0.25))]
    for _ in range(12):
        tender.round(time_s)
        time_s += 0.75
    assert [at for name, at in done if name == "slow"] == [0.0, 8.0, 16.0]
    assert [at for name, at in done if name == "brisk"][:5] == [4.0, 5.0, 6.0, 7.0, 12.0]
