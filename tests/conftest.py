"""What all tests share: a real server of their own, and no way out of this machine."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from pytest_socket import socket_allow_hosts

# In CI the same cases each time, at home new ones. A busy machine is no fault of what is tested.
settings.register_profile("home", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("home"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "home")

HERE = Path(__file__).resolve().parent
ASKING = {"db", "transactional_db", "live_server", "valkey_url"}  # fixtures of tests that ask the database or Redis


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Beside real servers, files of pure rules are left out (they say the same there), and so are faults that SQLite shows as well."""
    if not os.environ.get("TESTS_REDIS_URLS"):
        return
    asking = {item.path for item in items if _asks(item)}
    left_out = {
        item for item in items if item.get_closest_marker("anywhere") or (item.path not in asking and _is_rules(item))
    }
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]


def _asks(item: pytest.Item) -> bool:
    marked = any(item.get_closest_marker(name) for name in ("django_db", "postgres"))
    return marked or not ASKING.isdisjoint(getattr(item, "fixturenames", ()))


def _is_rules(item: pytest.Item) -> bool:
    """The engine's and the live tests may have servers of their own."""
    return item.path.relative_to(HERE).parts[0] not in ("engine", "live", "project")


@pytest.fixture(scope="session", autouse=True)
def only_this_machine() -> None:
    """Loopback and unix sockets alone."""
    socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.fixture(scope="session", autouse=True)
def the_audit_log_is_emptied_between_tests() -> Iterator[None]:
    """Django empties all tables after a test that commits. The audit log and final documents refuse that, so the tests, which
    own the tables, lift their triggers for the length of that transaction. The application has no such way."""
    from django.db import connection

    from billing.migrations import _guards as billing
    from queues.migrations._append_only import KEYS, install, remove

    operations = type(connection.ops)
    real = operations.execute_sql_flush

    def flush(self: Any, sql_list: list[str]) -> None:
        lift, restore = ([sql for table in KEYS for sql in how(connection.vendor, table)] for how in (remove, install))
        lift, restore = [*lift, *billing.remove(connection.vendor)], [*restore, *billing.install(connection.vendor)]
        real(self, [*lift, *sql_list, *restore] if sql_list else sql_list)

    operations.execute_sql_flush = flush  # type: ignore[method-assign]
    yield
    operations.execute_sql_flush = real  # type: ignore[method-assign]


@pytest.fixture(scope="session", autouse=True)
def the_clock_is_measured_once_for_all() -> None:
    """The servers are on this machine, so its wall clock is theirs. A measurement of it is due every ten seconds, and would
    otherwise fall into whichever test counts its statements just then."""
    from queues.ledger import clock

    clock.adopt(time.time() - clock.steady_s())
    clock._clock._tried_s = float("inf")  # type: ignore[attr-defined]


@pytest.fixture(scope="session", autouse=True)
def refusals_are_not_written_by_the_way() -> Iterator[None]:
    """Half a second later another test goes on, perhaps with other settings: who wants them written says so."""
    from queues.watch.refusals import refusals

    refusals.delay_s = 1e6
    yield
    refusals.forget()  # nor when the process ends


@pytest.fixture(autouse=True)
def no_switch_thrown() -> None:
    """What another test's database said of the switches is forgotten, and it isn't asked until a test throws one."""
    from queues.ledger import switches

    switches.forget(read_s=float("inf"))


@pytest.fixture(autouse=True)
def no_webhook_made() -> None:
    """Nobody wants to be told of anything, and the database isn't asked, until a test makes a webhook."""
    from queues.ledger import webhook_subscriptions

    webhook_subscriptions.forget(read_s=float("inf"))


@pytest.fixture(autouse=True)
def no_allowance_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has limits of their own, and the database isn't asked, until a test writes one."""
    from queues.ledger import allowances

    monkeypatch.setattr(allowances, "_table", {})
    monkeypatch.setattr(allowances, "_read_s", float("inf"))


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """A server of this test process' own; the integration leg gives real ones, one a process, in TESTS_REDIS_URLS.

    It isn't REDIS_URL: by the test settings nobody listens there, and many tests are about just that."""
    given = os.environ.get("TESTS_REDIS_URLS", "").split()
    if given:
        yield given[int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))]
        return
    from project.embedded.valkey import EmbeddedValkey

    folder = Path(tempfile.mkdtemp(prefix="rt-"))  # short: it holds a socket
    with EmbeddedValkey(folder, persistent=False) as server:
        yield server.url
    shutil.rmtree(folder, ignore_errors=True)
