"""A job that does nothing, and a key to ask for it with."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from queues.contract import RunRef
from queues.ledger import clock
from queues.models import Run

transactional = pytest.mark.django_db(transaction=True)
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
KEY = "close:2026-11"


@pytest.fixture
def noop(job):
    return job(lambda ctx, params: None)


def end(ref: RunRef) -> None:
    Run.objects.filter(pk=ref.id).update(state="succeeded", finished_at=clock.now())
