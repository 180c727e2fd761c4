"""`manage.py alerts`: a table for people, JSON for programs, the exit code for both."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from queues.contract import Actor
from queues.ledger import clock
from queues.models import Alert, AlertOverride
from queues.watch import health
from queues.watch.acknowledge import acknowledge
from queues.watch.alert_overrides import save_override

ADA = Actor(label="ada", source="admin")


def told(*options: str) -> tuple[int, str]:
    """(exit code, standard output)."""
    out = StringIO()
    try:
        call_command("alerts", *options, stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_a_quiet_house_is_told_so_with_exit_0(server: Any, queues_exist: None) -> None:
    assert told() == (0, "No alert is open.\n")


def test_it_looks_itself_where_no_worker_lives_and_a_critical_one_is_exit_1(
    server: Any, at_noon: clock.Fake, run: Any
) -> None:
    run("data-sync", "pending", due_s=-90)
    code, text = told()
    lines = text.splitlines()
    assert code == 1
    assert lines[0].split() == ["level", "rule", "queue", "since"]
    wait = next(line for line in lines if "queue_wait" in line)
    assert wait.split()[:3] == ["critical", "queue_wait", "data-sync"]
    assert "The oldest due run has waited 1 min 30 s (critical over 10 s)." in wait
    assert any("docs/runbooks/alerts-waiting.md" in line for line in lines)
    assert any("no worker serves it" in line for line in lines)


def test_a_warning_is_exit_0_and_a_muted_critical_one_too(server: Any, at_noon: clock.Fake, run: Any) -> None:
    run("data-sync", "pending", due_s=-7)
    code, text = told()
    assert code == 0 and "warning" in text
    Alert.objects.update(level="critical")
    assert told()[0] == 1
    until = clock.now() + timedelta(hours=1)
    save_override(AlertOverride(rule="queue_wait", muted_until=until, reason="We move"), actor=ADA)
    code, text = told()
    assert code == 0 and "[muted]" in text


def test_json_holds_each_alert_and_who_is_on_it(server: Any, at_noon: clock.Fake, run: Any) -> None:
    run("data-sync", "pending", due_s=-7)
    told()
    acknowledge(Alert.objects.get().pk, actor=ADA)
    (found,) = json.loads(told("--json")[1])["alerts"]
    assert (found["rule"], found["queue"], found["level"], found["unit"]) == ("queue_wait", "data-sync", "warning", "s")
    assert (found["acknowledged_by"], found["muted_until"], found["resolved_at"]) == ("ada", None, None)
    assert "[ada is on it]" in told()[1]


def test_a_database_that_is_away_is_told_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(health, "tick", away)
    with pytest.raises(CommandError, match="The database does not answer") as caught:
        told()
    assert caught.value.returncode == 2
