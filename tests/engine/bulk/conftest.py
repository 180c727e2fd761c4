"""Many runs that wait, and many that failed for good."""

from __future__ import annotations

from uuid import UUID

import pytest

from queues.contract import Actor, RunRequest
from queues.ledger import clock, runs
from queues.models import Run


@pytest.fixture
def noop(job):
    return job(lambda ctx, params: None)


@pytest.fixture
def waiting(noop):
    """waiting(7, at=…): so many runs that wait."""

    def make(count: int = 1, spec=noop, **options) -> list[Run]:
        request = RunRequest(job=spec.name, params={"n": 1}, actor=Actor.system(), **options)
        rows = [runs.new_run(request) for _ in range(count)]
        runs.create(rows)
        return rows

    return make


@pytest.fixture
def dead(waiting):
    """dead(7, error_code="timeout"): so many runs that failed for good just now."""

    def make(count: int = 1, keys: list[str] | None = None, **values) -> list[Run]:
        now = clock.now()
        rows = waiting(count)
        told = {
            "state": "dead",
            "attempt": 6,
            "error_code": "store_away",
            "error_message": "no",
            "started_at": now,
            "finished_at": now,
        }
        Run.objects.filter(id__in=[r.id for r in rows]).update(**{**told, **values})
        for row, key in zip(rows, keys or [], strict=False):
            Run.objects.filter(pk=row.id).update(dedupe_key=key)
        return rows

    return make


def ids(rows) -> set[UUID]:
    return {row.id for row in rows}


def in_state(state: str) -> set[UUID]:
    return set(Run.objects.filter(state=state).values_list("id", flat=True))
