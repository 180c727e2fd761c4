"""`manage.py validate` finds every fault that is planted, and says what to mend."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.core import checks
from django.core.management import call_command
from django.db import OperationalError
from django.db.migrations.recorder import MigrationRecorder

from queues import catalogue
from queues.contract import Actor
from queues.engine.connections import Health
from queues.ledger import switches
from queues.ledger.queue_settings import ensure_queues
from queues.models import Queue
from queues.watch import round_trip, standing, validate
from queues.watch.findings import Finding, Processes, postgresql_limits, redis_limits

INFO = {"redis_version": "7.2.4", "maxclients": 10_000, "maxmemory": 0, "maxmemory_policy": "noeviction"}
TWO = Processes(worker_slots=(10, 3), webs=1)


def by_name(findings: Iterable[Finding]) -> dict[str, Finding]:
    return {finding.about: finding for finding in findings}


def levels(findings: Iterable[Finding]) -> dict[str, str]:
    return {finding.about: finding.level for finding in findings}


# --- configuration ---


@pytest.fixture
def house(db: None) -> None:
    ensure_queues()


def test_a_house_in_order_has_no_faults(house: None) -> None:
    told = {name: level for name, level in levels(validate.configuration()).items() if name != "audit log"}
    assert set(told.values()) == {"ok"}  # (the tests' role owns the tables of the audit log: see test_database_roles)


@pytest.mark.parametrize(("kind", "level"), [(checks.Error, "fault"), (checks.Warning, "warning")])
def test_a_failed_check_is_told_with_its_hint(
    house: None, monkeypatch: pytest.MonkeyPatch, kind: Any, level: str
) -> None:
    monkeypatch.setattr(checks, "run_checks", lambda **_: [kind("Wrong.", hint="Right it.", id="queues.E009")])
    found = by_name(validate.configuration())["queues.E009"]
    assert (found.level, found.text, found.mend) == (level, "Wrong.", "Right it.")


def test_a_pending_migration_is_a_fault(house: None) -> None:
    MigrationRecorder.Migration.objects.filter(app="routing").latest("name").delete()
    found = by_name(validate.configuration())["migrations"]
    assert found.level == "fault" and "routing.0" in found.text and found.mend == "python manage.py migrate"


def test_a_missing_queue_row_is_a_fault(house: None) -> None:
    Queue.objects.filter(pk="email").delete()
    found = by_name(validate.configuration())["queue rows"]
    assert found.level == "fault" and "email" in found.text and "rqworker" in found.mend


def test_a_rate_that_is_none_is_a_fault(house: None) -> None:
    Queue.objects.filter(pk="email").update(rate_limit="often")
    found = by_name(validate.configuration())["rate of email"]
    assert found.level == "fault" and "'often' is not a rate" in found.text and "Queues → email" in found.mend


def test_a_switch_that_is_off_is_a_warning_with_the_way_back(house: None, settings: Any) -> None:
    settings.METRICS_ENABLED = False
    switches.throw("optimization", False, actor=Actor.system("ada"), why="Losses are suspected.")
    found = by_name(validate.configuration())
    assert found["switch optimization"].level == found["switch metrics"].level == "warning"
    assert "by ada: Losses are suspected." in found["switch optimization"].text
    assert "by METRICS_ENABLED" in found["switch metrics"].text
    assert "manage.py switch optimization on" in found["switch optimization"].mend


# --- connections ---


@pytest.mark.django_db
def test_connections_that_answer_are_told_with_their_latency(server: Any) -> None:
    found = by_name(validate.connections())
    assert set(found) == {"database", "queue", "session", "cache", "metrics"}
    assert all(each.level != "fault" and each.text.endswith(" ms") for each in found.values())


@pytest.mark.django_db
def test_a_redis_that_is_away_is_a_fault_of_every_purpose(no_server: None) -> None:
    found = by_name(validate.connections())
    assert {name for name, each in found.items() if each.level == "fault"} == {"queue", "session", "cache", "metrics"}
    assert "does not answer" in found["queue"].text and "REDIS_URL" in found["queue"].mend


@pytest.mark.parametrize(("latency_ms", "level"), [(4.9, "ok"), (5.1, "warning")])
def test_a_slow_connection_is_a_warning(monkeypatch: pytest.MonkeyPatch, latency_ms: float, level: str) -> None:
    monkeypatch.setattr(standing, "connections", lambda: [standing.Connection("queue", Health(True, latency_ms))])
    (found,) = validate.connections()
    assert found.level == level and bool(found.mend) == (level == "warning")


# --- limits ---


def redis_levels(most: int = 20, who: Processes = TWO, **told: Any) -> dict[str, str]:
    return levels(redis_limits({**INFO, **told}, who, most))


def test_a_redis_with_room_is_in_order() -> None:
    assert set(redis_levels().values()) == {"ok"}


@pytest.mark.parametrize(
    ("version", "level"), [("6.2.14", "fault"), ("7.0.0", "ok"), ("7.2.4", "ok"), ("10.1", "ok"), ("", "fault")]
)
def test_a_redis_that_is_too_old_is_a_fault(version: str, level: str) -> None:
    assert redis_levels(redis_version=version)["redis version"] == level


@pytest.mark.parametrize(
    ("policy", "memory", "level"),
    [
        ("allkeys-lru", 10**9, "warning"),
        ("allkeys-lru", 0, "ok"),
        ("volatile-lru", 10**9, "ok"),
        ("noeviction", 10**9, "ok"),
    ],
)
def test_a_redis_that_throws_out_what_waits_is_a_warning(policy: str, memory: int, level: str) -> None:
    assert redis_levels(maxmemory_policy=policy, maxmemory=memory)["redis memory"] == level


@pytest.mark.parametrize(("maxclients", "level"), [(245, "fault"), (246, "warning"), (307, "warning"), (308, "ok")])
def test_fewer_redis_connections_than_may_be_asked_for_are_a_fault(maxclients: int, level: str) -> None:
    assert redis_levels(maxclients=maxclients)["redis connections"] == level  # 3 processes of 4 × 20 + 2


@pytest.mark.parametrize(("most", "level"), [(4, "warning"), (5, None), (25, None), (26, "warning")])
def test_a_pool_out_of_the_usual_is_a_warning(most: int, level: str | None) -> None:
    assert redis_levels(most=most).get("redis pool") == level


@pytest.mark.parametrize(("version", "level"), [(130012, "fault"), (140000, "ok"), (160004, "ok")])
def test_a_postgresql_that_is_too_old_is_a_fault(version: int, level: str) -> None:
    assert levels(postgresql_limits(version, 97, TWO, 10, 6))["database version"] == level


@pytest.mark.parametrize(("allowed", "level"), [(37, "fault"), (38, "warning"), (47, "warning"), (48, "ok")])
def test_fewer_database_connections_than_may_be_asked_for_are_a_fault(allowed: int, level: str) -> None:
    found = by_name(postgresql_limits(160004, allowed, TWO, 10, 6))["database connections"]  # 16 + 10 + 10 + 2
    assert found.level == level and bool(found.mend) == (level != "ok")


@pytest.mark.django_db
def test_limits_are_read_from_the_servers_there_are(server: Any, worker: Any) -> None:
    worker("email")
    found = levels(validate.limits())
    assert found["redis version"] == "ok" and found["redis connections"] == "ok"
    assert validate.processes() == Processes((3,), 1)


@pytest.mark.django_db
def test_without_a_live_worker_those_are_counted_that_settings_would_start(no_server: None, settings: Any) -> None:
    settings.WORKER_POOL_SIZE, settings.WORKER_CONCURRENCY = 2, 4
    assert validate.processes() == Processes((4, 4), 1)
    assert "redis version" not in levels(validate.limits())


# --- the command ---


def said(*arguments: str) -> tuple[int, str]:
    out, code = io.StringIO(), 0
    try:
        call_command("validate", *arguments, stdout=out, stderr=io.StringIO())
    except SystemExit as end:
        code = int(end.code or 0)
    return code, out.getvalue()


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Any:
    """parts(limits=[…]): what each part finds; nothing by default."""

    def plant(**found: Any) -> None:
        for name in ("connections", "configuration", "limits"):
            monkeypatch.setattr(validate, name, lambda name=name: iter(found.get(name, [])))
        monkeypatch.setattr(round_trip, "round_trips", lambda *a, **o: iter(found.get("queues", [])))

    return plant


SLOW = Finding("connections", "cache", "warning", "7.0 ms", "Is it far away?")
FULL = Finding("limits", "redis connections", "fault", "Too few.", "Raise maxclients.")


def test_warnings_alone_are_no_fault(parts: Any) -> None:
    parts(connections=[SLOW])
    code, text = said()
    assert code == 0
    assert "WARNING cache" in text and "→ Is it far away?" in text and "0 faults, 1 warning." in text


def test_a_fault_ends_with_1_after_all_has_been_looked_at(parts: Any) -> None:
    parts(limits=[FULL], queues=[replace(SLOW, area="queues", about="email", level="ok")])
    code, text = said()
    assert code == 1
    for word in ("Connections", "Configuration", "Limits", "Queues", "FAULT   redis connections", "ok      email"):
        assert word in text


def test_without_findings_all_is_well(parts: Any) -> None:
    parts()
    assert said() == (0, said()[1]) and "All is well." in said()[1]


def test_json_is_one_object_and_nothing_else(parts: Any) -> None:
    parts(limits=[FULL], connections=[SLOW])
    code, text = said("--json")
    told = json.loads(text)
    assert (code, told["ok"]) == (1, False)
    assert [(each["about"], each["level"], each["mend"]) for each in told["findings"]] == [
        ("cache", "warning", "Is it far away?"),
        ("redis connections", "fault", "Raise maxclients."),
    ]


@pytest.mark.parametrize("about", ["database", "migrations"])
def test_what_needs_the_database_is_left_out_where_it_is_not_as_it_should_be(parts: Any, about: str) -> None:
    parts(connections=[replace(FULL, about=about)], limits=[FULL])
    code, text = said()
    assert code == 1 and "mend that first" in text and "redis connections" not in text


def test_a_database_that_goes_away_in_the_midst_is_a_fault_and_no_traceback(parts: Any, monkeypatch: Any) -> None:
    parts()

    def away() -> Iterator[Finding]:
        raise OperationalError("connection\nrefused")
        yield

    monkeypatch.setattr(validate, "limits", away)
    code, text = said()
    assert code == 1 and "It does not answer: connection refused" in text


@pytest.mark.django_db
def test_the_real_thing_runs_through(server: Any, house: None) -> None:
    """No worker runs here, so each queue is at fault; by itself it finishes every ping."""
    code, text = said("--timeout", "0.2")
    assert code == 1 and f"{len(catalogue.NAMES)} faults" in text and "manage.py rqworker billing" in text
    code, text = said("--no-worker")
    assert code == 0, text
