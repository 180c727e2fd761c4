"""How the installation stands: what is in force and by whose word, every connection, and what migrate would do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError
from rest_framework.test import APIClient

from queues import catalogue
from queues.contract import Actor
from queues.engine.connections import Health
from queues.engine.pool_facts import PoolFacts
from queues.ledger import switches
from queues.watch import standing

pytestmark = pytest.mark.django_db
PATH = "/api/admin/migration-status"


def test_it_tells_what_is_in_force_and_whose_word_it_is(as_: Callable[[str], APIClient]) -> None:
    client = as_("admin")
    told = client.get(PATH).json()
    assert told["optimised"] and told["pending_migrations"] == []
    assert told["health"]["grade"] in "ABCDF"
    assert {each["name"]: each["said_by"] for each in told["switches"]} == dict.fromkeys(
        (spec.name for spec in switches.SWITCHES), "environment"
    )
    switches.throw("optimization", False, actor=Actor.system("ada"), why="Losses are suspected.")
    told = client.get(PATH).json()
    assert not told["optimised"]
    (thrown,) = [each for each in told["switches"] if each["said_by"] == "staff"]
    assert (thrown["name"], thrown["on"], thrown["reason"], thrown["changed_by"]) == (
        "optimization", False, "Losses are suspected.", "ada",
    )  # fmt: skip
    assert [each["queue"] for each in told["queues"]] == list(catalogue.NAMES)
    assert all(
        each["plain"] and each["concurrency"] <= 3 and each["rate_limit"] == "10/s" and not each["batch"]
        for each in told["queues"]
    )


def test_migrations_that_wait_are_named(as_: Callable[[str], APIClient], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "pending_migrations", lambda: [("queues", "0099_next")])
    assert as_("admin").get(PATH).json()["pending_migrations"] == [{"app": "queues", "name": "0099_next"}]


def test_what_migrate_would_apply_is_found() -> None:
    from django.db.migrations.recorder import MigrationRecorder

    assert standing.pending_migrations() == []
    latest = MigrationRecorder.Migration.objects.filter(app="routing").latest("name")
    latest.delete()
    assert standing.pending_migrations() == [("routing", latest.name)]


@pytest.mark.parametrize("path", [PATH, "/api/v1/queue/health"])
def test_every_connection_is_told_one_by_one(as_: Callable[[str], APIClient], path: str) -> None:
    told = {each["purpose"]: each for each in as_("admin").get(path).json()["connections"]}
    assert set(told) == {"database", "queue", "session", "cache", "metrics"}
    assert told["database"]["up"] and told["database"]["latency_ms"] >= 0
    assert not told["queue"]["up"] and "refused" in told["queue"]["detail"] and told["queue"]["latency_ms"] is None
    assert told["queue"]["max"] > 0


def test_a_connections_pool_is_told_with_it() -> None:
    found = standing.put_together(
        {"queue": Health(True, 7.0), "cache": Health(True, 1.0)}, [PoolFacts("queue", in_use=2)]
    )
    assert [(each.purpose, each.slow, each.pool and each.pool.in_use) for each in found] == [
        ("queue", True, 2),
        ("cache", False, None),
    ]


def test_a_database_that_does_not_answer_is_told_in_a_line() -> None:
    def away() -> Any:
        raise OperationalError("no answer\nat all")

    assert standing.ping_database(away) == Health(False, None, "no answer at all")
