"""A job to put on schedules, and schedules on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pydantic
import pytest

from queues import registry
from queues.contract import Actor
from queues.ledger import clock
from queues.models import JobDefinition, Schedule
from queues.timetable import schedules

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
JOB = "tests.timetable_sweep"


class Sweep(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")
    days: int = pydantic.Field(default=7, ge=1)
    depot: str = "north"


@pytest.fixture
def actor() -> Actor:
    return Actor(label="ada", source="admin", user_id=7)


@pytest.fixture(autouse=True)
def job() -> Iterator[registry.JobSpec[Sweep]]:
    declared = registry.spec(JOB, queue="maintenance", params=Sweep)
    yield declared
    registry.forget(JOB)


@pytest.fixture
def time() -> Iterator[clock.Fake]:
    """The ledger's clock, standing still at START until it is advanced."""
    with clock.frozen(START) as fake:
        yield fake


@pytest.fixture
def definition(db: None) -> JobDefinition:
    return JobDefinition.objects.create(name="Sweep", job=JOB, params={"days": 3})


@pytest.fixture
def saved(definition: JobDefinition, actor: Actor) -> Callable[..., Schedule]:
    """A stored schedule: every minute, unless told otherwise."""

    def make(**values: Any) -> Schedule:
        row = {"name": "Every minute", "definition": definition, "cron": "* * * * *", **values}
        return schedules.save_schedule(Schedule(**row), actor=actor)

    return make
