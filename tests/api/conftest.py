"""Accounts of every role, clients that speak for them, and jobs to ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pydantic
import pytest
from django.contrib.auth.models import Group, User
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import RefreshToken

from queues import registry
from queues.contract import Done, JobContext, Outcome
from queues.engine import release
from queues.ledger.queue_settings import ensure_queues
from queues.models import Run

ROLES = ("admin", "manager", "dispatcher", "customer", "driver")
PASSWORD = "a-long-password-7"


class Load(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")
    tons: int = pydantic.Field(ge=0, le=30)
    note: str = ""


def _handle(ctx: JobContext, params: Load) -> Outcome:
    return Done({"tons": params.tons})


@pytest.fixture
def jobs() -> Iterator[dict[str, str]]:
    """A job on each of two queues, by queue."""
    made = {}
    for queue, name in (("route-optimization", "tests.weigh"), ("billing", "tests.bill")):
        registry.spec(name, queue=queue, params=Load, title="Weigh a load").handler(_handle)
        made[queue] = name
    yield made
    for name in made.values():
        registry.forget(name)


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was released to the workers after the commit; no Redis is asked."""
    bell: list[Any] = []
    monkeypatch.setattr("queues.engine.dispatch.release_listed", lambda rows, **how: bell.extend(rows))
    monkeypatch.setattr("queues.engine.control.release_runs", lambda pairs, **how: bell.extend(pairs))
    assert callable(release.release_runs)
    return bell


@pytest.fixture
def people(db: None) -> dict[str, User]:
    """One account a role (the groups come from the migration; a flush takes them away), and "nobody" without any."""
    ensure_queues()
    found = {}
    for role in ROLES:
        user = User.objects.create_user(role, password=PASSWORD)
        user.groups.add(Group.objects.get_or_create(name=role)[0])
        found[role] = user
    found["nobody"] = User.objects.create_user("nobody", password=PASSWORD)
    return found


@pytest.fixture
def as_(people: dict[str, User]) -> Callable[[str], APIClient]:
    """A client of this role; "anonymous" has no token."""

    def client(role: str) -> APIClient:
        made = APIClient()
        if role != "anonymous":
            token = RefreshToken.for_user(people[role]).access_token
            made.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        return made

    return client


@pytest.fixture
def a_run(jobs: dict[str, str], people: dict[str, User], rung: list[Any]) -> Callable[..., Run]:
    """A pending run on a queue; values overwrite its columns."""

    def make(queue: str = "route-optimization", **values: Any) -> Run:
        ref = registry.get(jobs[queue]).enqueue(Load(tons=3))
        Run.objects.filter(pk=ref.id).update(**values) if values else None
        return Run.objects.get(pk=ref.id)

    return make
