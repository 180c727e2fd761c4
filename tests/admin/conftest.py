"""Jobs to define, people of each role, and runs in every state."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import uuid4

import pydantic
import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from queues import registry
from queues.contract import Actor
from queues.ledger import clock
from queues.ledger.queue_settings import ensure_queues
from queues.ledger.requests import new_id
from queues.models import JobDefinition, Run

PLAN, INVOICE = "tests.admin_plan", "tests.admin_invoice"


class Mood(enum.Enum):
    CALM = "calm"
    RUSHED = "rushed"


class Stop(pydantic.BaseModel):
    name: str
    load: float = pydantic.Field(ge=0)


class PlanDay(pydantic.BaseModel):
    """Every kind of parameter that the form knows."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")
    day: date = pydantic.Field(description="The day to plan")
    depot: str = pydantic.Field(min_length=2)
    time_limit_s: int = pydantic.Field(default=30, ge=1, le=300)
    seed: int | None = None
    fuel_usd: Decimal = Decimal("1.65")
    overtime: bool = False
    objective: Literal["distance", "time"] = "distance"
    mood: Mood = Mood.CALM
    vehicles: list[int] = pydantic.Field(default_factory=list)
    stops: list[Stop] = pydantic.Field(default_factory=list)


class Month(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")
    month: str = pydantic.Field(pattern=r"^\d{4}-\d{2}$")


@pytest.fixture(autouse=True)
def jobs() -> Iterator[None]:
    registry.spec(
        PLAN, queue="route-optimization", params=PlanDay, title="Plan a day", impact="Replaces the day's draft.",
        result_link=lambda result: f"/plans/{result['plan']}/" if "plan" in result else None,
    )  # fmt: skip
    registry.spec(INVOICE, queue="billing", params=Month, title="Invoice a month")
    yield
    registry.forget(PLAN)
    registry.forget(INVOICE)


@pytest.fixture
def actor() -> Actor:
    return Actor(label="ada", source="admin", user_id=7)


@pytest.fixture
def user(db: None) -> Callable[[str], User]:
    """A person of a role; admins, managers and dispatchers are staff."""

    def make(role: str) -> User:
        ensure_queues()
        found, new = User.objects.get_or_create(username=role)
        if new:
            found.is_staff = role in ("admin", "manager", "dispatcher")
            found.save()
            if role != "nobody":
                found.groups.add(Group.objects.get_or_create(name=role)[0])
        return found

    return make


@pytest.fixture
def as_(user: Callable[[str], User]) -> Callable[[str], Client]:
    """A browser signed in as a role."""

    def client(role: str) -> Client:
        browser = Client()
        browser.force_login(user(role))
        return browser

    return client


@pytest.fixture
def definition(db: None) -> JobDefinition:
    return JobDefinition.objects.create(
        name="Tomorrow", job=PLAN, params={"day": "2026-11-24", "depot": "MAIN", "time_limit_s": 12}
    )


@pytest.fixture
def run(definition: JobDefinition) -> Callable[..., Run]:
    """A stored run in any state, with the columns that state needs."""

    def make(state: str = "pending", **values: Any) -> Run:
        now = clock.now() - timedelta(minutes=5)
        row: dict[str, Any] = {
            "id": new_id(), "job": PLAN, "queue": "route-optimization", "state": state, "definition": definition,
            "params": {"day": "2026-11-24", "depot": "MAIN"}, "created_at": now, "due_at": now, "actor": "ada", "source": "admin",
        }  # fmt: skip
        if state in ("running", "succeeded", "dead"):
            row |= {"claimed_at": now + timedelta(seconds=1), "started_at": now + timedelta(seconds=2), "attempt": 1}
        if state == "running":
            row |= {
                "lease_token": uuid4(),
                "worker_id": uuid4(),
                "progress_done": 3,
                "progress_total": 12,
                "progress_note": "stop 3",
            }
        if state in ("succeeded", "dead", "cancelled"):
            row["finished_at"] = now + timedelta(seconds=9)
        if state == "dead":
            row |= {
                "error_type": "StoreAway",
                "error_message": "The store did not answer.",
                "error_detail": "Traceback: somewhere",
            }
        return Run.objects.create(**{**row, **values})

    return make
