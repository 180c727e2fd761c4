"""`manage.py health`: a table for people, JSON for programs, the exit code for both."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from queues import catalogue
from queues.ledger import clock
from queues.models import Queue
from queues.watch import health


def told(*options: str) -> tuple[int, str]:
    """(exit code, standard output)."""
    out = StringIO()
    try:
        call_command("health", *options, stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_a_healthy_house_is_a_table_and_exit_0(server: object, worker: Any, queues_exist: None) -> None:
    worker(*catalogue.NAMES)
    code, text = told()
    lines = text.splitlines()
    assert code == 0
    assert len(lines) == 1 + len(catalogue.NAMES)
    assert lines[0].split()[:3] == ["queue", "score", "grade"]
    assert all(line.split()[1:4] == ["100", "A", "excellent"] for line in lines[1:])


def test_a_queue_that_nobody_serves_is_told_with_its_reason_and_exit_1(
    server: object, at_noon: clock.Fake, run: Callable[..., Any]
) -> None:
    run("billing", "pending", due_s=-42)
    code, text = told()
    assert code == 1
    assert "billing: -70  1 run is due and no live worker serves this queue" in text


def test_a_paused_queue_is_no_failure(server: object, worker: Any, run: Any) -> None:
    worker(*catalogue.NAMES)
    run("billing", "pending")
    Queue.objects.filter(name="billing").update(paused_at=clock.now())
    code, text = told()
    assert code == 0
    assert "The queue is paused and 1 run waits" in text


def test_json_holds_every_queue_and_the_worst_grade(server: object, run: Callable[..., Any]) -> None:
    run("billing", "pending")
    code, text = told("--json")
    data = json.loads(text)
    assert (code, data["grade"]) == (1, "F")
    billing = next(queue for queue in data["queues"] if queue["queue"] == "billing")
    assert (billing["depth"], billing["grade"], billing["word"]) == (1, "F", "critical")
    assert sum(reason["points"] for reason in billing["reasons"]) == 100 - billing["score"]
    assert {queue["queue"] for queue in data["queues"]} == set(catalogue.NAMES)


def test_a_database_that_is_away_is_told_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(health, "look_now", away)
    with pytest.raises(CommandError, match="The database does not answer") as caught:
        told()
    assert caught.value.returncode == 2
