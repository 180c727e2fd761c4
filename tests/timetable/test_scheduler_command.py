"""The scheduler's loop: sleeps until the next fire, ends at once when told, rides out an absent database."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from time import monotonic
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from queues.ledger import clock
from queues.management.commands import scheduler
from queues.models import Run, Schedule
from queues.timetable import fires

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)  # where the fixture `time` stands
Saved = Callable[..., Schedule]


@pytest.fixture
def released(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, UUID]]:
    pairs: list[tuple[str, UUID]] = []
    monkeypatch.setattr(scheduler, "release_runs", pairs.extend)
    return pairs


@pytest.fixture
def signals_restored() -> Iterator[None]:
    before = {name: signal.getsignal(name) for name in (signal.SIGTERM, signal.SIGINT)}
    yield
    for name, handler in before.items():
        signal.signal(name, handler)


@pytest.mark.django_db
def test_once_fires_what_is_due_and_releases_it(
    time: clock.Fake, saved: Saved, released: list[tuple[str, UUID]], capsys: pytest.CaptureFixture[str]
) -> None:
    saved()
    time.advance(60)
    call_command("scheduler", "--once")
    assert released == [("maintenance", Run.objects.get().id)]
    assert "1 run(s) enqueued." in capsys.readouterr().out


def test_once_without_a_database_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(fires, "tick", away)
    with pytest.raises(CommandError, match="Check DATABASE_URL"):
        call_command("scheduler", "--once")


@pytest.mark.django_db
def test_it_sleeps_until_the_next_fire_and_a_second_at_most(time: clock.Fake, saved: Saved) -> None:
    assert scheduler.pause_s(0) == 1.0
    saved()
    assert scheduler.pause_s(0) == 1.0
    time.advance(59.6)
    assert scheduler.pause_s(0) == pytest.approx(0.4)
    time.advance(1)
    assert scheduler.pause_s(0) == 0.25, "another one has it in hand: look again soon, but do not spin"
    assert scheduler.pause_s(3) == 0.02


def test_an_absent_database_is_told_once_and_its_return_too(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answers: list[Exception | int] = [OperationalError("refused")] * 5 + [0, 0]
    pauses: list[float] = []

    def round_once() -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(scheduler, "round_once", round_once)
    monkeypatch.setattr(scheduler, "pause_s", lambda fired: 1.0)
    monkeypatch.setattr(scheduler.health, "tick", lambda: None)
    monkeypatch.setattr(scheduler.seals, "tick", lambda: None)

    def wait(seconds: float) -> bool:
        pauses.append(seconds)
        return not answers

    with caplog.at_level(logging.INFO, "roundsman.scheduler"):
        scheduler.serve(wait)
    assert pauses == [0.5, 1.0, 2.0, 2.0, 2.0, 1.0, 1.0]
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    assert "Traceback" not in caplog.text


@pytest.mark.usefixtures("signals_restored")
def test_a_signal_ends_the_sleep_at_once() -> None:
    bell = scheduler.Bell()
    signal.signal(signal.SIGTERM, bell.ring)
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()
    start = monotonic()
    assert bell.wait(30)
    assert monotonic() - start < 10
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, "a second signal ends the process"
