"""The client against the real application over HTTP: accounts, jobs, and a server of the test's own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pydantic
import pytest
from django.contrib.auth.models import Group, User

SOURCE = str(Path(__file__).resolve().parents[2] / "clients" / "python" / "src")
if SOURCE not in sys.path:  # the suite needs no installed package
    sys.path.insert(0, SOURCE)

from roundsman_client import Client  # noqa: E402

from queues import registry  # noqa: E402
from queues.contract import Done, JobContext, Outcome  # noqa: E402
from queues.ledger import clock  # noqa: E402
from queues.ledger.queue_settings import ensure_queues  # noqa: E402
from queues.models import Run, RunLogLine  # noqa: E402

ROLES = ("admin", "manager", "dispatcher", "driver")
PASSWORD = "a-long-password-7"
JOB, BILL = "tests.haul", "tests.invoice"


class Load(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")
    tons: int = pydantic.Field(ge=0, le=30)
    note: str = ""


def _handle(ctx: JobContext, params: Load) -> Outcome:
    return Done({"tons": params.tons})


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the machine's own way out is, the server is on this machine."""
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")


@pytest.fixture
def server(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Its address. There are all accounts and two jobs, and no Redis is asked."""
    ensure_queues()
    for role in ROLES:
        user = User.objects.create_user(role, password=PASSWORD)
        user.groups.add(Group.objects.get_or_create(name=role)[0])
    for name, queue in ((JOB, "route-optimization"), (BILL, "billing")):
        registry.spec(name, queue=queue, params=Load, title="Haul a load").handler(_handle)
    monkeypatch.setattr("queues.engine.dispatch.release_listed", lambda rows, **how: None)
    monkeypatch.setattr("queues.engine.control.release_runs", lambda pairs, **how: None)
    yield live_server.url
    for name in (JOB, BILL):
        registry.forget(name)


@pytest.fixture
def quick(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs have ended before their request is answered: whoever waits for one hears so at once."""
    monkeypatch.setattr("queues.engine.dispatch.release_listed", lambda rows, **how: end(*(one.id for _, one in rows)))


@pytest.fixture
def signed_in(server: str) -> Iterator[Callable[..., Client]]:
    """A client of this role that has signed in; options as of Client."""
    made = []

    def client(role: str = "admin", **options: Any) -> Client:
        made.append(Client(server, **options))
        made[-1].sign_in(role, PASSWORD)
        return made[-1]

    yield client
    for each in made:
        each.close()


def end(*ids: Any, state: str = "succeeded", **values: Any) -> None:
    """As a worker ends them."""
    usual = {"result": {"tons": 3}, "attempt": 1, "started_at": clock.now(), "finished_at": clock.now()}
    values = {**usual, "lease_token": None, "worker_id": None, **values}
    Run.objects.filter(pk__in=ids).update(state=state, **values)


def begin(run_id: Any, **values: Any) -> None:
    """As a worker takes it."""
    who = {"lease_token": uuid4(), "worker_id": uuid4(), "attempt": 1, "started_at": clock.now(), **values}
    Run.objects.filter(pk=run_id).update(state="running", **who)


def writes(run_id: Any, *messages: str) -> None:
    """Lines of the run's log."""
    for message in messages:
        RunLogLine.objects.create(run_id=run_id, attempt=1, at=clock.now(), level="info", message=message)


class Naps:
    """In place of time.sleep: notes how long, and does what happens meanwhile."""

    def __init__(self, *happens: Callable[[], Any]) -> None:
        self.took_s: list[float] = []
        self._happens: Sequence[Callable[[], Any]] = happens

    def __call__(self, seconds: float) -> None:
        self.took_s.append(seconds)
        number = len(self.took_s)
        assert number < 50, "it waits for ever"
        if number <= len(self._happens):
            self._happens[number - 1]()
