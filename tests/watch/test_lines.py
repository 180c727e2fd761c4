"""The worker's log tells of each run when it is asked to."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from queues.ledger.facts import Finished
from queues.watch import lines

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def ended(state: str = "succeeded", code: str = "", message: str = "") -> Finished:
    started, finished = AT + timedelta(seconds=2), AT + timedelta(seconds=2.5)
    return Finished(uuid4(), "billing.issue", "billing", state, 2, AT, AT, started, started, finished, code, message)


def test_a_run_is_one_line_with_its_times(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "roundsman.jobs"):
        lines.tell([ended()])
    (line,) = caplog.messages
    assert line.startswith("billing.issue ") and line.endswith("succeeded (attempt 2, waited 2.000 s, took 0.500 s)")


def test_a_failure_says_why_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "roundsman.jobs"):
        lines.tell([ended("dead", "429", "too many\nrequests")])
    assert caplog.messages[0].endswith(": 429 too many")
