"""The engine's transactions on PostgreSQL: a process that stands still in one, or loses the answer to its commit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import DataError, connection, transaction

from queues.contract import Done
from queues.ledger import runs
from queues.ledger.brief import IDLE_S, brief
from queues.models import Run, Slot

from .conftest import QUEUE, Number, until
from .proxy import Proxy

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
ROOT = Path(__file__).resolve().parents[2]
CLAIM = """
import os, signal, sys, uuid, django; django.setup()
from queues import failpoints
from queues.ledger import runs
from queues.models import Slot
from django.db import DatabaseError, connections
def claim():
    return runs.claim("reports", worker_id=uuid.uuid4(), slots=1, share=1).batches
"""
STOPPED = """
failpoints.reach = lambda name: name == sys.argv[1] and os.kill(os.getpid(), signal.SIGSTOP)
try:
    claim()
except DatabaseError as error:
    print(type(error).__name__)
failpoints.reach = lambda name: None
connections.close_all()
print(len(claim()))
"""
UNHEARD = """
try:
    claim()
except DatabaseError as error:
    print(type(error).__name__)
connections.close_all()
print(Slot.objects.count())
runs.settle_doubts()
"""


def url(port: int | None = None) -> str:
    """The test database's, for other processes."""
    told = connection.settings_dict
    password = f":{told['PASSWORD']}" if told["PASSWORD"] else ""
    return f"postgres://{told['USER']}{password}@{told['HOST']}:{port or told['PORT']}/{told['NAME']}"


@contextmanager
def process(code: str, *arguments: str, port: int | None = None) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "DATABASE_URL": url(port)}
    started = subprocess.Popen(
        [sys.executable, "-c", CLAIM + code, *arguments],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


def stands_still(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"


def idle_limit() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        return str(cursor.fetchone()[0])


@pytest.fixture
def two_runs(job: Callable[..., object], queues_exist: None, fake_window: object) -> None:
    job(lambda ctx, p: Done()).enqueue_many([Number(n=n) for n in range(2)])  # type: ignore[attr-defined]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_a_worker_that_stands_still_in_mid_claim_holds_up_the_others_for_seconds_only(two_runs: None) -> None:
    with process(STOPPED, "claim.chosen") as stopped:
        until(lambda: stands_still(stopped.pid), 60)
        began_s = time.monotonic()
        mine = runs.claim(QUEUE, worker_id=uuid4(), slots=1, share=1)
        assert time.monotonic() - began_s < IDLE_S + 1.0
        assert len(mine.batches) == 1
        os.kill(stopped.pid, signal.SIGCONT)
        told, errors = stopped.communicate(timeout=20)
    error, claimed = told.split()
    assert error in ("InternalError", "OperationalError") and claimed == "1", errors  # it did the thing again
    assert Run.objects.filter(state="running").count() == Slot.objects.count() == 2


def test_an_answer_that_the_network_lost_leaves_no_run_behind(two_runs: None) -> None:
    with Proxy(int(connection.settings_dict["PORT"])) as proxy:
        proxy.lose_answer_to(b"COMMIT")
        with process(UNHEARD, port=proxy.port) as unheard:
            told, errors = unheard.communicate(timeout=30)
    assert told.split() == ["OperationalError", "1"], errors  # it was committed, and nobody was told
    assert Run.objects.filter(state="pending").count() == 2 and not Slot.objects.exists()


def test_the_limit_ends_with_the_transaction() -> None:
    with brief():
        assert idle_limit() == f"{IDLE_S}s"
    assert idle_limit() == "1min"


def test_inside_an_open_transaction_the_outer_ones_rules_hold() -> None:
    with transaction.atomic():
        with brief():
            assert idle_limit() == "1min"
        assert idle_limit() == "1min"


def one() -> int:
    return sum(len(batch.claims) for batch in runs.claim(QUEUE, worker_id=uuid4(), slots=1, share=1).batches)


def roll_back() -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        Run.objects.count()
        raise ZeroDivisionError


def roll_back_to_a_savepoint() -> None:
    with transaction.atomic():
        roll_back()


@pytest.mark.parametrize("disturb", [roll_back, roll_back_to_a_savepoint])
def test_a_claim_is_not_disturbed_by_what_was_rolled_back_on_its_connection(two_runs: None, disturb) -> None:
    for _ in range(5):  # so often that the driver has prepared statements, which it deallocates with ours
        Run.objects.count()
    assert one() == 1
    disturb()
    assert one() == 1
    assert Slot.objects.count() == 2


def test_behind_a_pooler_that_keeps_no_statements_nothing_is_prepared(two_runs: None, monkeypatch) -> None:
    connection.ensure_connection()
    monkeypatch.setattr(connection.connection, "prepare_threshold", None)
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
        assert one() == 1
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'roundsman%'")
        assert cursor.fetchone() == (0,)


def test_where_the_last_statement_fails_nothing_is_committed_and_the_connection_goes_on(two_runs: None) -> None:
    with pytest.raises(DataError), brief() as talk:
        Run.objects.update(job="changed")
        talk.close(("SELECT %(n)s::int", {"n": "none"}))
    assert not Run.objects.filter(job="changed").exists()
    with brief() as talk:
        Run.objects.update(job="changed")
        talk.close(("SELECT %(n)s::int", {"n": "1"}))
    assert Run.objects.filter(job="changed").count() == 2


def test_inside_an_open_transaction_the_last_statement_commits_nothing(two_runs: None) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        with brief() as talk:
            talk.close(("UPDATE queues_run SET job = %(job)s", {"job": "changed"}))
        assert Run.objects.filter(job="changed").count() == 2
        raise ZeroDivisionError
    assert not Run.objects.filter(job="changed").exists()
