"""A connection that breaks in the midst of an enqueue: the run is there once, and the caller hears of nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, OperationalError, connection, transaction
from psycopg.errors import ConnectionTimeout
from psycopg_pool import PoolTimeout

from queues.contract import Actor, RunRef, RunRequest
from queues.engine import cutoff
from queues.engine.once_more import broke, made, once_more
from queues.engine.reread import reread
from queues.ledger.create import create_plain
from queues.ledger.requests import new_row
from queues.models import Run

from .conftest import Number

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """A connection that another test broke is none of ours, nor ours the next one's."""
    connection.close()
    yield
    connection.close()


@pytest.fixture
def row(job: Any) -> dict[str, Any]:
    name = job(lambda ctx, p: None).name
    return new_row(RunRequest(job=name, params=Number().model_dump(), actor=Actor.system("tests")))


def cut() -> None:
    """The server ends this thread's connection under its hands."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


class Insert:
    """Inserts the row; the connection breaks `before` it or `after` it, the first time."""

    def __init__(self, row: dict[str, Any], breaks: str) -> None:
        self.row, self.breaks, self.times = row, breaks, 0

    def __call__(self) -> list[RunRef]:
        self.times += 1
        if self.times == 1 and self.breaks == "before":
            cut()
        ref = create_plain(self.row)
        if self.times == 1 and self.breaks == "after":
            cut()
        return [ref]

    def done(self) -> list[RunRef] | None:
        return made([self.row["id"]])


@pytest.mark.parametrize(("breaks", "times"), [("never", 1), ("before", 2), ("after", 1)])
def test_a_run_is_inserted_once_wherever_the_connection_breaks(row: Any, breaks: str, times: int) -> None:
    insert = Insert(row, breaks)
    assert once_more(insert, insert.done) == [RunRef(row["id"], "pending")]
    assert insert.times == times and Run.objects.count() == 1


def test_a_first_insert_that_commits_after_the_look_is_found_by_the_second(row: Any) -> None:
    insert, looks = Insert(row, "after"), iter([None])

    def done() -> list[RunRef] | None:
        return next(looks, insert.done())

    assert once_more(insert, done) == [RunRef(row["id"], "pending")]
    assert insert.times == 2 and Run.objects.count() == 1


def test_inside_the_callers_transaction_nothing_is_done_again(row: Any) -> None:
    insert = Insert(row, "before")
    with pytest.raises(DatabaseError), transaction.atomic():
        once_more(insert, insert.done)
    assert insert.times == 1 and not Run.objects.exists()


def test_a_transaction_of_its_own_is_done_again_as_a_whole(row: Any) -> None:
    insert = Insert(row, "after")

    def transact() -> list[RunRef]:
        with transaction.atomic():
            return insert()

    assert once_more(transact, insert.done) == [RunRef(row["id"], "pending")]
    assert insert.times == 2 and Run.objects.count() == 1


def counted(call: Callable[[], object]) -> int:
    """How often once_more does what fails."""
    times = []

    def do() -> object:
        times.append(1)
        return call()

    with pytest.raises(DatabaseError):
        once_more(do, lambda: None)
    return len(times)


def test_who_was_waited_for_until_the_end_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutoff, "MARGIN_S", 0.2)
    connection.ensure_connection()
    connection.connection.statement_s = 0.1

    def sleep() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(1.5)")

    assert counted(sleep) == 1


def test_an_error_of_the_statements_own_is_not_tried_again() -> None:
    def wrong() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")

    assert counted(wrong) == 1


@pytest.mark.parametrize("cause", [PoolTimeout("no connection after 3 s"), ConnectionTimeout("4 s"), None])
def test_a_database_that_is_away_is_not_tried_again(cause: Exception | None) -> None:
    def away() -> None:
        raise OperationalError("away") from cause

    assert counted(away) == 1


def test_what_a_connection_says_that_the_network_cut_counts_as_broken() -> None:
    connection.ensure_connection()
    connection.connection.pgconn.finish()  # as libpq leaves it
    with pytest.raises(DatabaseError) as told:
        Run.objects.exists()
    assert broke(told.value)


# --- the web's reads ---


@pytest.fixture
def rereads() -> Iterator[None]:
    with connection.execute_wrapper(reread):
        yield


def cut_from_beside() -> None:
    """The server ends this thread's connection between two statements."""
    told, pid = connection.settings_dict, connection.connection.info.backend_pid
    with psycopg.connect(f"postgres://{told['USER']}@{told['HOST']}:{told['PORT']}/{told['NAME']}") as beside:
        beside.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


@pytest.mark.usefixtures("rereads")
def test_a_read_whose_connection_is_gone_is_read_again(row: Any) -> None:
    create_plain(row)
    cut_from_beside()
    assert Run.objects.get(pk=row["id"]).state == "pending"


@pytest.mark.usefixtures("rereads")
def test_neither_a_write_nor_a_read_in_a_transaction_is_done_again(row: Any) -> None:
    connection.ensure_connection()
    cut_from_beside()
    with pytest.raises(DatabaseError):
        create_plain(row)
    connection.close()
    with pytest.raises(DatabaseError), transaction.atomic():
        create_plain(row)
        cut_from_beside()
        Run.objects.exists()
    connection.close()
    assert not Run.objects.exists()
