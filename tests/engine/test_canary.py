"""The canary: a sealed value given to real processes is found nowhere afterwards; its twin, which is not sealed, is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import redis

from .test_rqworker import House, house, migrated, until  # noqa: F401  (fixtures)

LIVE = ("scheduled", "pending", "running")
CANARY, CONTROL = "canary-7f3d91@example.org", "control-1c44aa"
ASK = f"""
from django.core.management import call_command
from tests.engine.canary_job import Cage, tell
ends = ["done", "dead", "retry", "cancel", "exit"]
many = [Cage(end=end, open={CONTROL!r}, hidden={CANARY!r}) for end in ends]
tell.enqueue_many(many); [tell.enqueue(each, idempotency_key=str(n), fresh=True) for n, each in enumerate(many)]
"""


def of_database(path: Path) -> str:
    with closing(sqlite3.connect(path)) as database:
        return "\n".join(database.iterdump())


def of_redis(client: redis.Redis) -> str:
    """Names and raw contents of all there is, whatever its type; and what the server was asked last."""
    kept = [repr((key, client.dump(key))) for key in client.scan_iter(count=1000)]
    return "\n".join([*kept, repr(client.slowlog_get(128))])


@pytest.mark.parametrize("executor", ["threads", "children"])
def test_a_sealed_value_is_in_no_table_no_key_no_log_and_no_traceback(
    house: House,  # noqa: F811
    valkey_url: str,
    executor: str,
) -> None:
    house.environment |= {"QUEUE_REPORTS_EXECUTOR": executor, "LOG_LEVEL": "DEBUG"}
    with redis.Redis.from_url(valkey_url) as client:
        client.config_set("slowlog-log-slower-than", 0)  # every command, with its arguments
        client.slowlog_reset()
        house.do(ASK)
        asked = of_redis(client)
        code = "import tests.engine.canary_job; "
        worker = house.worker("reports", before=code)
        until(lambda: len(house.runs()) == 10 and all(state not in LIVE for state, _ in house.runs()))
        worker.terminate()
        assert worker.wait(30) == 0
        ran = of_redis(client)
        client.config_set("slowlog-log-slower-than", 10_000)
    database, logged = of_database(house.database), house.told()
    assert CONTROL in database and CONTROL in logged and "Traceback" in logged
    for where in (asked, ran, database, logged):
        for word in (CANARY, CANARY.upper(), "canary-7f3d91", CANARY.encode().hex()):
            assert word not in where
    with closing(sqlite3.connect(house.database)) as kept:
        assert kept.execute("SELECT count(*) FROM queues_run WHERE error_detail LIKE '%•••%'").fetchone()[0] >= 4
