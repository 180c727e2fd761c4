"""A database connection that breaks under somebody's hands: what is known by its id is done once more, on another one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import UUID

from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, connection

from queues.contract import RunRef
from queues.models import Run

T = TypeVar("T")
GONE = ("57P01", "57P02", "57P05", "08")  # SQLSTATE; None where the server could not even say so


def once_more(do: Callable[[], T], done: Callable[[], T | None]) -> T:
    """`do()`; if its connection breaks in the midst of it, what `done()` finds of it, else `do()` again, on a fresh one.

    For what is the same when it is done twice: rows whose ids were made before. `do` commits by itself (a statement, or a
    transaction of its own), and nobody knows whether it did when the connection broke at its end: `done` looks. If the
    first one's commit comes only after that look, the second finds the row there already, and that is as good.

    Inside the caller's transaction nothing is done again, for what came before in it is gone: the error is the caller's.
    A database that is away, or lets us wait for its answer, is not asked again. Raises what the last attempt raises.
    """
    if connection.in_atomic_block:
        return do()
    try:
        return do()
    except (OperationalError, InterfaceError) as error:
        if not broke(error):
            raise
    connection.close()
    found = done()
    if found is not None:
        return found
    try:
        return do()
    except IntegrityError:
        found = done()
        if found is None:
            raise
        return found


def broke(error: DatabaseError | InterfaceError) -> bool:
    """Whether it says that an open connection is gone: cut by the server's administrator or its crash, or by the network.

    False where none could be had, and where the answer was waited for until we cut the connection.
    """
    if connection.vendor != "postgresql":
        return False
    from psycopg import Error
    from psycopg.errors import ConnectionTimeout
    from psycopg_pool import PoolClosed, PoolTimeout

    from queues.engine.pool import Unanswered

    cause = error.__cause__
    if not isinstance(cause, Error) or isinstance(cause, ConnectionTimeout | PoolClosed | PoolTimeout | Unanswered):
        return False
    return cause.sqlstate is None or cause.sqlstate.startswith(GONE)


def made(ids: Sequence[UUID]) -> list[RunRef] | None:
    """Runs that a request made, in the order of `ids`; None where it made none of them. For `done`. Raises DatabaseError."""
    states = dict(Run.objects.filter(pk__in=ids).values_list("id", "state"))
    return [RunRef(run_id, states[run_id]) for run_id in ids] if len(states) == len(ids) else None
