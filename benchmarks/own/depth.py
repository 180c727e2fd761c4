"""Cost of a job with 1,000, 100,000 and 1,000,000 waiting, and with 1,000,000 finished rows in the table.

The ledger is filled by SQL behind the system's back, and nobody runs ANALYZE. A worker works flat out while the number
that waits is held by topping it up, by SQL too. Cost: CPU of worker, Redis and PostgreSQL, less what the topping up and
autovacuum spend (told apart). The first level comes again at the end; both together are what the others are compared to.
"""

from __future__ import annotations

import time
from dataclasses import replace

from benchmarks.own.database_cpu import DatabaseCpu
from benchmarks.own.ledger import Ledger
from benchmarks.own.levels import LEVELS, Level, ratios
from benchmarks.peers.configs import Config
from benchmarks.peers.pbrec import Rec
from benchmarks.peers.places import DATABASE_URLS
from benchmarks.peers.processes import Workers, client
from benchmarks.peers.trials import Bench, Row

WARM, MEASURED = 4_000, 40_000  # jobs
AT_MOST_S = 20.0
CHUNK = 500  # topped up at once
IN_HAND = (
    1_500  # more than a worker holds, claimed and not ended: so many beyond the level, so that the level truly waits
)


def depth(bench: Bench, config: Config, redis: str) -> Row:
    """`levels`: by name, CPU seconds per 1,000 jobs. `…_ratio`: cost there by cost with 1,000 waiting."""
    levels: dict[str, Row] = {}
    for level in LEVELS:
        if bench.scale < 1 and level.name == "100000":
            continue  # a quick run has no time for what lies between
        try:
            levels[level.name] = measured(bench, config, redis, level)
        except RuntimeError as error:
            levels[level.name] = {"error": str(error)}
    return {
        "levels": levels,
        **ratios({name: found["cost_s_1k"] for name, found in levels.items() if "error" not in found}),
    }


def measured(bench: Bench, config: Config, redis: str, level: Level) -> Row:
    jobs = int(MEASURED * min(1.0, bench.scale))
    total = level.waiting + IN_HAND + WARM + 2 * jobs
    rec, env = bench.begin(config, redis, total + 1, config.conc)
    ledger = Ledger(DATABASE_URLS["postgres"])
    try:
        began = time.time()
        if level.finished:
            _finish_one(bench, config, redis, rec, env)
            ledger.keep_template("finished")
            ledger.add("finished", 0, level.finished)
        client(config, env, "fill", total, total + 1)
        ledger.keep_template("waiting")
        ledger.add("waiting", 0, level.waiting + IN_HAND)
        ledger.settle()
        filled_s = time.time() - began
        workers = Workers(config, env, config.conc)
        try:
            return _cost(bench, config, redis, rec, ledger, workers, level.waiting + IN_HAND, jobs) | {
                "filled_s": round(filled_s, 1)
            }
        finally:
            workers.kill()
    finally:
        ledger.close()


def _finish_one(bench: Bench, config: Config, redis: str, rec: Rec, env: dict[str, str]) -> None:
    last = rec.n - 1
    client(config, env, "fill", last, last + 1)
    workers = Workers(replace(config, procs=1), env, config.conc)
    end = time.time() + 30
    while rec.n_ended(last, last + 1) < 1:
        if time.time() > end:
            workers.kill()
            raise RuntimeError("the job that is copied never ran")
        time.sleep(0.05)
    workers.stop()  # its ending is written
    bench.s.reset(redis, config)


def _cost(
    bench: Bench, config: Config, redis: str, rec: Rec, ledger: Ledger, workers: Workers, held: int, jobs: int
) -> Row:
    if bench.s.pg is None:
        raise RuntimeError("this test needs PostgreSQL")
    begun, enqueued, limit = time.time(), held, 0.0
    start: Row = {}
    database = DatabaseCpu(bench.s.pg.pid, ledger.pid)
    while True:
        ended = rec.n_ended(0, min(rec.n, 3 * MEASURED))  # the oldest come first
        if not start and ended >= WARM:
            start = {
                "ended": ended,
                "cpu": workers.cpu(),
                "at": time.time(),
                "redis": bench.s.redis_stats(redis)["cpu"],
            }
            database, limit = DatabaseCpu(bench.s.pg.pid, ledger.pid), time.time() + AT_MOST_S
        if start and (ended - start["ended"] >= jobs or time.time() > limit):
            break
        if not start and time.time() - begun > 90:
            raise RuntimeError(f"only {ended} jobs ran in 90 s")
        if enqueued - ended <= held - CHUNK and enqueued + CHUNK < rec.n:
            ledger.add("waiting", enqueued, CHUNK, now=True)
            enqueued += CHUNK
        database.look()
        time.sleep(0.01)
    spent, took, done = database.spent(), time.time() - start["at"], ended - start["ended"]
    worker, redis_cpu = workers.cpu() - start["cpu"], bench.s.redis_stats(redis)["cpu"] - start["redis"]
    per = {
        "worker_s_1k": worker, "database_s_1k": spent["backends"], "writers_s_1k": spent["writers"], "redis_s_1k": redis_cpu,
        "cost_s_1k": worker + spent["backends"] + spent["writers"] + redis_cpu, "feed_s_1k": spent["feeder"],
    }  # fmt: skip
    return {name: round(value / done * 1000, 4) for name, value in per.items()} | {
        "autovacuum_s": round(spent["autovacuum"], 2),
        "jobs": done,
        "jobs_s": round(done / took, 1),
        "warm_after_s": round(start["at"] - begun, 1),
    }
