"""Lists merged out of strands hold what the plain question holds, in the same order, page by page."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q, QuerySet
from django.test.utils import CaptureQueriesContext

from queues.ledger import clock
from queues.ledger.choice import Choice
from queues.ledger.requests import new_id
from queues.ledger.strands import First
from queues.models import JobDefinition, Run
from queues.models.run import LIVE_STATES

pytestmark = pytest.mark.django_db
JOBS = ("tests.a", "tests.b", "tests.gone")
QUEUES = ("billing", "reports", "of-old")


@pytest.fixture
def runs() -> list[Run]:
    """Three hundred of all kinds, some kinds seldom and some not at all."""
    drawn, now, made = random.Random(3), clock.now(), []
    definitions = [JobDefinition.objects.create(name=f"Definition {n}", job="tests.a") for n in range(3)]
    for n in range(300):
        state = drawn.choices(Run.State.values, weights=(9, 9, 0, 60, 3, 1))[0]
        queue, job = drawn.choice(QUEUES[:2]) if n else QUEUES[2], drawn.choices(JOBS, weights=(60, 10, 1))[0]
        run = Run(id=new_id(), job=job, queue=queue, state=state, created_at=now, due_at=now)
        run.finished_at = None if state in LIVE_STATES else now - timedelta(seconds=n)
        run.definition = drawn.choice([None, *definitions])
        run.dedupe_key = drawn.choice([None, f"key-{n}" if state in LIVE_STATES else "key"])
        run.concurrency_key = drawn.choice(["", "customer:1"])
        made.append(run)
    return Run.objects.bulk_create(made)


def told(rows: QuerySet[Run], order: str, limit: int) -> list[Any]:
    return list(rows.order_by(order).values_list("id", flat=True)[:limit])


@pytest.mark.parametrize("order", ["id", "-id"])
@pytest.mark.parametrize("limit", [1, 20, 400])
@pytest.mark.parametrize(
    "kinds",
    [
        {}, {"states": ["dead"]}, {"states": ["succeeded", "pending"]}, {"states": ["running"]}, {"queues": ["billing"]},
        {"jobs": ["tests.gone"]}, {"jobs": ["tests.a", "tests.b"], "queues": ["reports", "of-old"]}, {"jobs": ["tests.none"]},
        {"states": ["dead", "cancelled"], "queues": ["billing"], "jobs": ["tests.a"]}, {"queues": []}, {"jobs": []},
    ],
)  # fmt: skip
def test_strands_by_state_hold_what_the_plain_question_holds(
    runs: list[Run], kinds: dict[str, Any], limit: int, order: str
) -> None:
    names = {"states": "state__in", "queues": "queue__in", "jobs": "job__in"}
    rows = Run.objects.filter(**{names[kind]: values for kind, values in kinds.items()})
    for found in (
        rows,
        rows.filter(id__lt=runs[150].id),
        rows.filter(finished_at__isnull=False, definition__name__gt=""),
    ):
        first = First(found, order, limit)
        assert told(first.of(first.by_state(**kinds)), order, limit) == told(found, order, limit)


@pytest.mark.parametrize("order", ["id", "-id"])
def test_strands_of_several_kinds_are_merged_and_each_run_comes_once(runs: list[Run], order: str) -> None:
    keys, named = (
        ["key", "key-7", "no such key"],
        JobDefinition.objects.filter(name__in=["Definition 1", "Definition 2"]),
    )
    wanted = Q(dedupe_key__in=keys) | Q(concurrency_key="customer:1") | Q(definition__in=named) | Q(job="tests.gone")
    for limit in (1, 20, 400):
        found = Run.objects.filter(state__in=["succeeded", "dead"])
        first = First(found, order, limit)
        merged = first.of(
            first.by_dedupe_key(keys), first.by(concurrency_key="customer:1"), first.by_definition(named[:5]),
            first.by_state(jobs=["tests.gone"]),
        )  # fmt: skip
        assert told(merged, order, limit) == told(found.filter(wanted), order, limit)


def test_a_merged_list_is_one_statement_with_whatever_is_asked_for(runs: list[Run]) -> None:
    first = First(Run.objects.filter(definition__isnull=False), "-id", 5)
    with CaptureQueriesContext(connection) as seen:
        rows = list(
            first.of(first.by_state()).select_related("definition").only("id", "definition__name").order_by("-id")
        )
        assert all(run.definition and run.definition.name for run in rows) and len(rows) == 5
    assert len(seen) == 1


def test_pages_of_a_choice_come_by_state_and_id_each_run_once(runs: list[Run]) -> None:
    choice = Choice(states=("scheduled", "pending"), queues=("billing",), jobs=("tests.a", "tests.b"))
    expected = [
        run.id
        for state in choice.states
        for run in runs
        if run.state == state and run.queue == "billing" and run.job in ("tests.a", "tests.b")
    ]
    assert [each for page in choice.pages(7) for each in page] == expected
    assert expected
