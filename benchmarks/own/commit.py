"""What one commit costs on this machine: an insert of one row by one client, on PostgreSQL, one every 20 ms."""

from __future__ import annotations

import time

from benchmarks.own.ledger import Ledger
from benchmarks.peers.configs import Config
from benchmarks.peers.pbpure import summary
from benchmarks.peers.places import DATABASE_URLS
from benchmarks.peers.trials import Bench, Row

COUNT, EVERY_S = 200, 0.02


def commit(bench: Bench, config: Config, redis: str) -> Row:
    """ms of an autocommitted INSERT."""
    bench.begin(config, redis, 1, config.conc)
    ledger = Ledger(DATABASE_URLS["postgres"])
    try:
        ledger.connection.execute("CREATE TABLE bench_commit (n int)")
        took = []
        for n in range(COUNT):
            time.sleep(EVERY_S)
            began = time.perf_counter()
            ledger.connection.execute("INSERT INTO bench_commit VALUES (%s)", [n])
            took.append(time.perf_counter() - began)
    finally:
        ledger.close()
    return dict(summary(took))
