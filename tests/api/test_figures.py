"""Status, stats and health: right figures, and no more queries for more runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from queues import catalogue
from queues.contract import Actor
from queues.engine.queue_verbs import pause_queue
from queues.ledger import clock
from queues.models import QueueHealth, Run, RunEvent

pytestmark = pytest.mark.django_db
BASE = "/api/v1/queue"
SIGNING_IN = 1  # the account with its groups; on PostgreSQL Django does not see it


def queries(client: APIClient, path: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert client.get(path).status_code == 200
    return len(seen) + (connection.vendor == "postgresql")


def finish(run: Run, state: str = "succeeded") -> None:
    now = clock.now()
    Run.objects.filter(pk=run.pk).update(
        state=state, started_at=now - timedelta(seconds=1), finished_at=now - timedelta(milliseconds=1)
    )


def test_one_run_takes_as_many_queries_however_much_happened_to_it(
    as_: Callable[[str], APIClient], a_run: Callable[..., Run]
) -> None:
    run, client = a_run(), as_("manager")
    path = f"{BASE}/route-optimization/jobs/{run.id}"
    assert queries(client, path) == SIGNING_IN + 2
    RunEvent.objects.bulk_create(
        [RunEvent(run=run, at=clock.now(), kind="retry", attempt=n, note=str(n)) for n in range(150)]
    )
    assert queries(client, path) == SIGNING_IN + 2
    events = client.get(path).json()["events"]
    assert [events[0]["attempt"], events[-1]["attempt"], len(events)] == [50, 149, 100]


LOOK = 8  # queries, for every queue together


@pytest.mark.parametrize(
    ("path", "most"),
    [
        (f"{BASE}/status", LOOK),
        (f"{BASE}/stats", LOOK + 1),
        (f"{BASE}/stats/route-optimization", LOOK + 1),
        (f"{BASE}/health", LOOK + 1),
        ("/api/admin/queue/stats", LOOK + 4),  # the records, the connection, what failed, what succeeded
        ("/api/admin/migration-status", LOOK + 3),  # the switches, the connection, the migrations
    ],
)
def test_figures_take_as_many_queries_for_forty_runs_in_every_queue_as_for_two(
    as_: Callable[[str], APIClient], a_run: Callable[..., Run], path: str, most: int
) -> None:
    client = as_("admin")
    a_run()
    finish(a_run())
    client.get(path)  # what a process asks only once is asked: whether there is a table of migrations
    few = queries(client, path)
    for queue in catalogue.NAMES:
        for state in ("succeeded", "dead", "succeeded", "cancelled"):
            waiting, ended = a_run(), a_run()
            Run.objects.filter(pk__in=[waiting.pk, ended.pk]).update(queue=queue)
            finish(ended, state)
    assert queries(client, path) == few
    assert few <= SIGNING_IN + most


def test_stats_count_what_is_there(as_: Callable[[str], APIClient], a_run: Callable[..., Run]) -> None:
    a_run()
    finish(a_run())
    finish(a_run("billing"), "dead")
    QueueHealth.objects.create(queue="route-optimization", succeeded=812, retried=3)
    told = as_("dispatcher").get(f"{BASE}/stats").json()
    assert [each["queue"] for each in told["queues"]] == list(catalogue.NAMES)
    route = told["queues"][0]
    assert (route["depth"], route["succeeded"], route["failed"], route["dead"]) == (1, 1, 0, 0)
    assert (route["succeeded_total"], route["retried_total"], route["dead_total"]) == (812, 3, 0)
    assert (told["totals"]["depth"], told["totals"]["succeeded"], told["totals"]["dead"]) == (1, 1, 1)
    one = as_("dispatcher").get(f"{BASE}/stats/route-optimization").json()
    assert one.keys() == {*route, "at"}
    assert one["succeeded_total"] == 812


def test_status_says_what_is_in_force_and_who_works(as_: Callable[[str], APIClient], a_run: Callable[..., Run]) -> None:
    pause_queue("billing", actor=Actor.system("tests"), why="Month's end")
    told = as_("manager").get(f"{BASE}/status").json()
    billing = next(each for each in told["queues"] if each["queue"] == "billing")
    assert (billing["paused"], billing["pause_reason"], billing["concurrency"]) == (True, "Month's end", 1)
    assert (told["redis_up"], told["workers"]) == (False, [])


def test_health_is_that_of_the_worst_queue_with_reasons(
    as_: Callable[[str], APIClient], a_run: Callable[..., Run]
) -> None:
    a_run("billing")
    told = as_("manager").get(f"{BASE}/health").json()
    scores = {each["queue"]: each["score"] for each in told["queues"]}
    assert told["score"] == min(scores.values()) == scores["billing"]
    billing = next(each for each in told["queues"] if each["queue"] == "billing")
    assert "unserved" in {each["code"] for each in billing["reasons"]}
    assert sum(each["points"] for each in billing["reasons"]) == 100 - billing["score"]
    assert {each["name"]: each["up"] for each in told["components"]} == {
        "database": True,
        "redis": False,
        "workers": False,
    }


def test_an_unknown_queue_has_no_figures(as_: Callable[[str], APIClient]) -> None:
    answer: Any = as_("manager").get(f"{BASE}/stats/bills")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_queue")
