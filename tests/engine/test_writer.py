"""The writer keeps what it cannot store, tells what it has stored once, and survives whatever is thrown at it."""

from __future__ import annotations

import threading

import pytest
from django.db import OperationalError

from queues.contract import Done
from queues.ledger import runs
from queues.models import Run, RunLogLine

from .conftest import Number, state_of, until

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_hearer_that_fails_neither_records_again_nor_ends_the_writer(job, working, caplog) -> None:
    heard: list[int] = []

    def fails(finished: object) -> None:
        raise RuntimeError("no idea")

    adds = job(lambda ctx, p: Done())
    with working(observers=[fails, lambda finished: heard.append(len(finished))]) as shop:
        adds.enqueue_many([Number(n=n) for n in range(10)])
        until(lambda: sum(heard) == 10)
        adds.enqueue(Number())
        until(lambda: sum(heard) == 11)
        assert shop.writer.recorded == 11
    assert "could not be told" in caplog.text and "not recorded" not in caplog.text


def test_a_database_that_goes_away_after_the_commit_costs_nobody_the_news(job, working, monkeypatch) -> None:
    heard: list[int] = []
    monkeypatch.setattr("queues.engine.release.release_runs", lambda *args, **options: _away())
    fails = job(lambda ctx, p: 1 / 0, backoff_base_s=30.0)
    with working(observers=[lambda finished: heard.append(len(finished))]):
        fails.enqueue(Number(), max_attempts=2)
        until(lambda: heard == [1])


def test_an_error_that_nobody_foresaw_is_tried_again(job, working, monkeypatch) -> None:
    finish, errors = runs.finish, iter([KeyError("odd"), MemoryError()])

    def odd(endings, **options):
        error = next(errors, None) if endings else None
        if error is not None:
            raise error
        return finish(endings, **options)

    monkeypatch.setattr(runs, "finish", odd)
    adds = job(lambda ctx, p: Done())
    with working():
        ref = adds.enqueue(Number())
        until(lambda: state_of(ref.id) == "succeeded")


def test_log_lines_of_an_outage_are_stored_afterwards(job, working, monkeypatch) -> None:
    monkeypatch.setattr("queues.engine.writer.TELL_STARTED_AFTER_S", 0.1)
    monkeypatch.setattr("queues.engine.writer.NOTES_EVERY_S", 0.1)
    note, away, tried, go_on = runs.note_progress, threading.Event(), threading.Event(), threading.Event()

    def guarded(notes, logs=()):
        if away.is_set():
            tried.set()
            _away()
        note(notes, logs)

    monkeypatch.setattr(runs, "note_progress", guarded)

    def works(ctx, params):
        away.set()
        ctx.log("while it was away")
        assert tried.wait(20)
        away.clear()
        assert go_on.wait(20)

    slow = job(works)
    with working():
        ref = slow.enqueue(Number())
        until(lambda: RunLogLine.objects.filter(run_id=ref.id, message="while it was away").count() == 1)
        go_on.set()
        until(lambda: state_of(ref.id) == "succeeded")
    assert Run.objects.get(pk=ref.id).attempt == 1
    assert RunLogLine.objects.filter(run_id=ref.id).count() == 1


def _away() -> None:
    raise OperationalError("away")
