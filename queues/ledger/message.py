"""Several statements in one message to PostgreSQL: one journey for all of them, each planned once a connection.

psycopg's own pipeline ends with a flush, after which the server does not count how long a transaction stands still; this
one ends with a sync, after which it does (see `brief`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from django.db import ProgrammingError, connection

from queues.ledger.sql import Row

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.abc import PQGen
    from psycopg.pq.abc import PGconn, PGresult

    Answer = list[PGresult]

Send = Callable[[], None]
Texts = Mapping[str, str | None]
Asked = tuple[str, Texts]  # SQL with %(name)s, and every value as PostgreSQL reads it from text

_PLACE = re.compile(r"%\((\w+)\)s")
_names: WeakKeyDictionary[Connection[Any], dict[str, bytes]] = WeakKeyDictionary()  # of what a connection has prepared
_made: WeakKeyDictionary[Connection[Any], int] = WeakKeyDictionary()  # how many, ever: a name is never used again


def begin(asked: Sequence[Asked]) -> list[list[Row]]:
    """Begin a transaction, and what each of its first statements brought. At least one. Raises DatabaseError.

    After a rollback (anybody's, on this connection) psycopg deallocates all that is prepared, ours as well. It is seen
    here, before anything is done, and all is prepared anew.
    """
    from psycopg.errors import InvalidSqlStatementName

    try:
        return ask([b"BEGIN"], asked)
    except ProgrammingError as error:
        if not isinstance(error.__cause__, InvalidSqlStatementName):
            raise
    with connection.wrap_database_errors:
        connection.connection.rollback()
    return ask([b"BEGIN"], asked)


def ask(first: Sequence[bytes], asked: Sequence[Asked], last: Sequence[bytes] = ()) -> list[list[Row]]:
    """Send it all, and return the rows that each of `asked` brought. `first` and `last` bring none and are not prepared.

    What follows a statement that fails is not run, `last` neither. Raises DatabaseError.
    """
    direct: Connection[Any] = connection.connection
    with connection.wrap_database_errors, direct.lock:
        bare = [partial(direct.pgconn.send_query_params, statement, None) for statement in first]
        sends, places = _sends(direct, asked)
        ends = [partial(direct.pgconn.send_query_params, statement, None) for statement in last]
        answers = _converse(direct, [*bare, *sends, *ends])
        return [_rows(direct, answers[len(bare) + place]) for place in places]


def _sends(direct: Connection[Any], asked: Sequence[Asked]) -> tuple[list[Send], list[int]]:
    """What is to be sent, and at which places of that the statements stand: one asked for the first time is prepared
    before. (Not where the operator has switched that off, for a pooler between us and the server.)"""
    pgconn, sends, places = direct.pgconn, list[Send](), list[int]()
    names = _names.setdefault(direct, {})
    for sql, texts in asked:
        query, order = _numbered(sql)
        values = [None if (text := texts[name]) is None else text.encode() for name in order]
        if direct.prepare_threshold is None:
            send = partial(pgconn.send_query_params, query, values, result_format=1)
        else:
            if sql not in names:
                _made[direct] = _made.get(direct, 0) + 1
                names[sql] = b"roundsman_%d" % _made[direct]
                sends.append(partial(pgconn.send_prepare, names[sql], query))
            send = partial(pgconn.send_query_prepared, names[sql], values, result_format=1)
        places.append(len(sends))
        sends.append(send)
    return sends, places


def _converse(direct: Connection[Any], sends: Sequence[Send]) -> list[Answer]:
    from psycopg import errors, pq

    pgconn = direct.pgconn
    try:
        pgconn.enter_pipeline_mode()
        answers: list[Answer] = direct.wait(_spoken(pgconn, sends))
        pgconn.exit_pipeline_mode()
    except BaseException:
        pgconn.finish()  # in the midst of a conversation: nobody could go on with it
        raise
    for results in answers:
        for result in results:
            if result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
                _names.pop(direct, None)  # among others, a plan that a migration has made unfit: prepared anew
                raise errors.error_from_result(result, encoding=direct.info.encoding)
    return answers


def _spoken(pgconn: PGconn, sends: Sequence[Send]) -> PQGen[list[Answer]]:
    from psycopg import generators

    for send in sends:
        send()
    pgconn.pipeline_sync()
    yield from generators.send(pgconn)
    answers = []
    for _ in sends:
        answers.append((yield from generators.fetch_many(pgconn)))
    yield from generators.fetch(pgconn)  # the sync
    return answers


def _rows(direct: Connection[Any], answer: Answer) -> list[Row]:
    from psycopg import adapt

    (result,) = answer
    reader = adapt.Transformer(direct)
    reader.set_pgresult(result)
    return reader.load_rows(0, result.ntuples, tuple)


@cache
def _numbered(sql: str) -> tuple[bytes, tuple[str, ...]]:
    """The statement with $1, $2, … for its names, and the names in that order."""
    order = tuple(dict.fromkeys(_PLACE.findall(sql)))
    return _PLACE.sub(lambda place: f"${order.index(place[1]) + 1}", sql).encode(), order
