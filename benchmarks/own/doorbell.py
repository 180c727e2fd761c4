"""What Redis holds of a job, waiting and finished, and how many commands it is asked in a job's life."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.peers.configs import Config
from benchmarks.peers.processes import Workers, client
from benchmarks.peers.trials import Bench, Row

WAITING = 200  # fewer than the window holds, so that each is listed
FLOW, EVERY_MS = 1_000, 5
JOB_KEYS = "rq:job:*"


def footprint(bench: Bench, config: Config, redis: str) -> Row:
    """`bytes_per_job`: of a listed job, all its keys. `keys_left`, `bytes_left`: of `WAITING` finished ones."""
    server: Any = bench.s.r[redis]
    rec, env = bench.begin(config, redis, WAITING, config.conc)
    client(config, env, "fill", 0, WAITING)
    keys = list(server.scan_iter(count=1000))
    held = sum(server.memory_usage(key, samples=0) or 0 for key in keys)
    jobs = sum(1 for _ in server.scan_iter(match=JOB_KEYS, count=1000))
    workers = Workers(config, env, config.conc)
    try:
        end = time.time() + 60
        while rec.n_ended(0, WAITING) < WAITING and time.time() < end:
            time.sleep(0.05)
        time.sleep(1.5)
        left = list(server.scan_iter(match=JOB_KEYS, count=1000))
        finished = list(server.scan_iter(match="rq:finished:*"))
        left_bytes = sum(server.memory_usage(key, samples=0) or 0 for key in [*left, *finished])
    finally:
        workers.kill()
    return {
        "n": WAITING, "job_keys": jobs, "bytes_per_job": round(held / WAITING), "keys_left": len(left) + len(finished),
        "bytes_left_per_job": round(left_bytes / WAITING), "missing": WAITING - rec.n_ended(0, WAITING),
    }  # fmt: skip


def flow(bench: Bench, config: Config, redis: str) -> Row:
    """Commands a job from its enqueue to its end, when jobs come one by one, 200 a second. `idle_cmds_s`: of an idle worker."""
    _, env = bench.begin(config, redis, FLOW + 64, config.conc)
    workers = Workers(config, env, config.conc)
    try:
        time.sleep(config.boot)
        c0, t0 = _commands(bench, redis), time.time()
        time.sleep(3.0)
        idle = (_commands(bench, redis) - c0) / (time.time() - t0)
        c1 = _commands(bench, redis)
        out = client(config, env, "latency", FLOW, EVERY_MS)
        asked = _commands(bench, redis) - c1
    finally:
        workers.kill()
    return {"n": FLOW, "cmds_per_job": round(asked / (FLOW + 20), 2), "idle_cmds_s": round(idle, 2)} | {
        name: out[name] for name in ("p50", "p99")
    }


def _commands(bench: Bench, redis: str) -> float:
    return bench.s.redis_stats(redis)["cmds"]
