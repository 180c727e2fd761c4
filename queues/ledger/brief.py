"""The engine's own short transactions: whoever stands still in the midst of one is sent away by the server.

A process that is stopped (SIGSTOP, a host that swaps, a frozen virtual machine) would else hold the locks of a queue's
row, and with them every other worker of that queue, for as long as it stands still.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from queues.ledger import message
from queues.ledger.message import Asked
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
_SET: Asked = ("SELECT " + ", ".join(f"set_config('{name}', '{value}', true)" for name, value in _RULES.items()), {})


class Brief:
    """`answers`: the rows that each of the opening statements brought."""

    def __init__(self, answers: list[list[Row]], *, ours: bool) -> None:
        self.answers, self._ours = answers, ours

    def close(self, *last: Asked) -> None:
        """The last statements, sent in one message with the commit; nothing may be asked after them.

        (Where the transaction is not ours alone to end, they are run, and it goes on.) Raises DatabaseError."""
        if self._ours:
            message.ask([], last, [b"COMMIT"])
        else:
            for sql, texts in last:
                fetch(sql, texts)


@contextmanager
def brief(*opening: Asked) -> Iterator[Brief]:
    """`transaction.atomic()` that the server ends when nothing is asked in it for `IDLE_S` seconds (PostgreSQL).

    A process that wakes after that gets a DatabaseError at its next statement; nothing of the transaction is kept, and
    it is done again. Inside an open transaction it is a savepoint, as `atomic()` is, and the outer one's rules hold.
    The limit ends with the transaction, so a pooled connection keeps nothing of it.

    Its first statements may be sent along with its beginning, in one message.
    """
    ours = connection.vendor == "postgresql" and not connection.in_atomic_block
    with transaction.atomic():
        if ours:
            yield Brief(message.begin([_SET, *opening])[1:], ours=True)
        else:
            yield Brief([fetch(sql, texts) for sql, texts in opening], ours=False)
