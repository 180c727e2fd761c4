"""The engine's own short transactions: whoever stands still in the midst of one is sent away by the server.

A process that is stopped (SIGSTOP, a host that swaps, a frozen virtual machine) would else hold the locks of a queue's
row, and with them every other worker of that queue, for as long as it stands still.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection, transaction

from queues.ledger.sql import Row, fetch

# Every statement here finds its rows by an index. The planner, whose statistics are of another hour (a million rows may
# have come since), must not think otherwise.
IDLE_S = 3  # between two statements there is nothing but our own Python
_RULES = {
    "idle_in_transaction_session_timeout": f"{IDLE_S}s",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "jit": "off",
}
_BEGIN = "; ".join(["BEGIN", *(f"SET LOCAL {name} = '{value}'" for name, value in _RULES.items())]).encode()


@contextmanager
def brief(*opening: str) -> Iterator[list[list[Row]]]:
    """`transaction.atomic()` that the server ends when nothing is asked in it for `IDLE_S` seconds (PostgreSQL).

    A process that wakes after that gets a DatabaseError at its next statement; nothing of the transaction is kept, and
    it is done again. Inside an open transaction it is a savepoint, as `atomic()` is, and the outer one's rules hold.
    The limit ends with the transaction, so a pooled connection keeps nothing of it.

    Statements without parameters may be sent along with its beginning, in one message: it yields their rows.

    (No pipeline in here: psycopg ends one with a flush, and the server then forgets to count how long we are idle.)
    """
    postgres = connection.vendor == "postgresql"
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost and postgres:
            yield _begin(opening)
        else:
            yield [fetch(statement) for statement in opening]


def _begin(opening: Sequence[str]) -> list[list[Row]]:
    """Begin and set the limits in one message. (psycopg begins by itself with the first statement, in one of its own.)"""
    from psycopg import adapt, errors, generators, pq

    direct = connection.connection
    message = b"; ".join([_BEGIN, *(statement.encode() for statement in opening)])
    with connection.wrap_database_errors, direct.lock:
        direct.pgconn.send_query(message)
        results = direct.wait(generators.execute(direct.pgconn))
        for result in results:
            if result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
                raise errors.error_from_result(result, encoding=direct.info.encoding)
        answers = []
        for result in results[len(results) - len(opening) :]:
            reader = adapt.Transformer(direct)
            reader.set_pgresult(result)
            answers.append(reader.load_rows(0, result.ntuples, tuple))
        return answers
