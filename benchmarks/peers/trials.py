"""The tests: each is given the servers and a configuration, and returns one row of figures."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from benchmarks.peers import ledgers
from benchmarks.peers.configs import Config
from benchmarks.peers.pbrec import Rec
from benchmarks.peers.places import REC, environment
from benchmarks.peers.processes import Workers, busy, client
from benchmarks.peers.servers import Servers

Row = dict[str, Any]
STALLED_S = 15.0  # without any progress


class Bench:
    """`scale` multiplies the job counts of the drain."""

    def __init__(
        self,
        servers: Servers,
        *,
        scale: float = 1.0,
        n_single: int = 3000,
        n_bulk: int = 10_000,
        max_drain_s: float = 40.0,
    ) -> None:
        self.s = servers
        self.scale, self.n_single, self.n_bulk, self.max_drain_s = scale, n_single, n_bulk, max_drain_s

    def begin(self, config: Config, redis: str, slots: int, conc: int, **extra: object) -> tuple[Rec, dict[str, str]]:
        """Empty everything; a recorder with `slots` places, and the environment of the configuration's processes."""
        self.s.reset(redis, config)
        if config.home:
            ledgers.reset(config, conc)
        return Rec(REC, create=slots), environment({**config.env, "PB_CONC": conc, **extra}, redis)

    def single(self, config: Config, redis: str) -> Row:
        """One producer, one enqueue at a time. ms; bytes and CPU seconds per 1,000 calls."""
        n = min(self.n_single, config.n_single)
        _, env = self.begin(config, redis, n + 200, config.conc)
        s0, d0, b0, t0 = self.s.redis_stats(redis), self.s.cpu(redis, config), busy(), time.time()
        out = client(config, env, "single", n)
        others, s1, calls = (busy() - b0) / (time.time() - t0), self.s.redis_stats(redis), out.pop("calls")
        return out | {
            "others_and_ours": round(others, 2),
            "wire_in": round((s1["net_in"] - s0["net_in"]) / calls),
            "wire_out": round((s1["net_out"] - s0["net_out"]) / calls),
            "cmds": round((s1["cmds"] - s0["cmds"]) / calls, 2),
            "db_cpu_s_1k": round((self.s.cpu(redis, config) - d0) / calls * 1000, 4),
        }

    def bulk(self, config: Config, redis: str) -> Row:
        """Many at once, by the library's bulk API where it has one. `mem_per_job`: bytes of Redis."""
        n = min(self.n_bulk, config.n_bulk)
        _, env = self.begin(config, redis, n, config.conc)
        s0, d0 = self.s.redis_stats(redis), self.s.cpu(redis, config)
        out = client(config, env, "fill", 0, n)
        time.sleep(0.2)
        s1 = self.s.redis_stats(redis)
        return out | {
            "n": n,
            "mem_per_job": round((s1["mem"] - s0["mem"]) / n),
            "wire_in": round((s1["net_in"] - s0["net_in"]) / n),
            "db_cpu_s_1k": round((self.s.cpu(redis, config) - d0) / n * 1000, 4),
            "bulk_api": config.bulk_api,
        }

    def drain(self, config: Config, redis: str) -> Row:
        """No-op jobs enqueued before the worker starts; the first 10 % (its boot) are left out."""
        n = int(config.n * self.scale)
        rec, env = self.begin(config, redis, n, config.conc)
        client(config, env, "fill", 0, n)
        workers = Workers(config, env, config.conc)
        try:
            return self._drained(config, redis, rec, n, workers)
        finally:
            workers.kill()

    def _drained(self, config: Config, redis: str, rec: Rec, n: int, workers: Workers) -> Row:
        t0 = time.time()
        _until(lambda: rec.n_started(0, n) > 0, 30, "worker never started a job", every_s=0.01)
        _until(lambda: rec.n_ended(0, n) >= n * 0.1, 90, every_s=0.01)
        k0, c0, b0, t1 = rec.n_ended(0, n), workers.cpu(), busy(), time.time()
        s0, d0, own0 = self.s.redis_stats(redis), self.s.cpu(redis, config), time.process_time()
        _watch(rec, n, workers, self.max_drain_s)
        c1, s1, d1 = workers.cpu(), self.s.redis_stats(redis), self.s.cpu(redis, config)
        used = busy() - b0 - (c1 - c0) - (d1 - d0) - (time.process_time() - own0)
        others, k1 = used / (time.time() - t1), rec.n_ended(0, n)
        time.sleep(0.3)
        ends = sorted(rec.end_time(i) for i in range(n) if rec.end_time(i))
        lo, hi = int(len(ends) * 0.1), len(ends) - 1
        first = min(rec.first_start(i) for i in range(n) if rec.first_start(i))
        done = max(1, k1 - k0)
        return {
            "jobs_s": round((hi - lo) / (ends[hi] - ends[lo]), 1),
            "n": n,
            "missing": n - len(ends),
            "all_jobs_s": round(len(ends) / (ends[-1] - first), 1),
            "boot_s": round(first - t0, 2),
            "wall": round(ends[hi] - ends[0], 2),
            "cpu_s_1k": round((c1 - c0) / done * 1000, 4),
            "db_cpu_s_1k": round((d1 - d0) / done * 1000, 4),
            **workers.memory(),
            "wire": round((s1["net_in"] - s0["net_in"] + s1["net_out"] - s0["net_out"]) / done),
            "cmds": round((s1["cmds"] - s0["cmds"]) / done, 2),
            "others": round(others, 2),
            "dup": sum(1 for i in range(n) if rec.U[i * 8] > 1),
        }

    def io(self, config: Config, redis: str, conc: int) -> Row:
        """Jobs that sleep 300 ms, twenty waves at concurrency `conc`. `of_limit`: of conc / 0.3 jobs a second."""
        n = conc * 20
        rec, env = self.begin(config, redis, n + conc, conc, PB_SLEEP_MS=300)
        workers = Workers(config, env, conc)
        try:
            time.sleep(config.boot + (conc * 0.06 if config.forks else 0))
            client(config, env, "fill", n, n + conc)  # warm-up: every slot once
            t0 = time.time()
            _until(lambda: rec.n_ended(n, n + conc) >= conc, 30, every_s=0.05)
            if rec.n_ended(n, n + conc) == 0:
                raise RuntimeError("no warm-up job ran")
            c0, b0, tb, d0 = workers.cpu(), busy(), time.time(), self.s.cpu(redis, config)
            fill = client(config, env, "fill", 0, n)
            _watch(rec, n, workers, 60 - (time.time() - t0), every_s=0.1)
            c1 = workers.cpu()
            others = (busy() - b0 - (c1 - c0) - self.s.cpu(redis, config) + d0) / (time.time() - tb)
            ends = [rec.end_time(i) for i in range(n) if rec.end_time(i)]
            starts = [rec.first_start(i) for i in range(n) if rec.first_start(i)]
            rate = len(ends) / (max(ends) - min(starts))
            return {
                "jobs_s": round(rate, 1),
                "of_limit": round(rate / (conc / 0.3), 3),
                "others": round(others, 2),
                "missing": n - len(ends),
                "n": n,
                "cpu_s_1k": round((c1 - c0) / max(1, len(ends)) * 1000, 3),
                "fill_jobs_s": fill["jobs_s"],
                **workers.memory(),
            }
        finally:
            workers.kill()

    def latency(self, config: Config, redis: str) -> Row:
        """Idle and warm, one job every 20 ms: call of enqueue to first line of the job, ms."""
        return self._warm(config, redis, "latency", 300, 20)

    def at(self, config: Config, redis: str) -> Row:
        """Each with an ETA 2 s after its enqueue, 5 ms apart: first line of the job less ETA, ms."""
        return self._warm(config, redis, "at", 1000, 2, 5)

    def _warm(self, config: Config, redis: str, op: str, n: int, *args: float) -> Row:
        _, env = self.begin(config, redis, n + 64, config.conc)
        workers = Workers(config, env, config.conc)
        try:
            time.sleep(config.boot)
            c0, t0, b0 = workers.cpu(), time.time(), busy()
            out = client(config, env, op, n, *args, timeout=90)
            took = time.time() - t0
            return out | {
                "others_and_ours": round((busy() - b0) / took, 2),
                "cpu_pct": round((workers.cpu() - c0) / took * 100, 1),
            }
        finally:
            workers.kill()


def _until(true: Callable[[], bool], limit_s: float, wrong: str = "", every_s: float = 0.05) -> None:
    """Wait until it is `true`, at most `limit_s`; then go on, or raise RuntimeError(wrong)."""
    end = time.time() + limit_s
    while not true():
        if time.time() > end:
            if wrong:
                raise RuntimeError(wrong)
            return
        time.sleep(every_s)


def _watch(rec: Rec, n: int, workers: Workers, limit_s: float, every_s: float = 0.05) -> None:
    """Sample memory until all `n` jobs ended, nothing ended for STALLED_S, or the time is over."""
    began = seen_at = time.time()
    seen, sampled = -1, 0.0
    while True:
        time.sleep(every_s)
        ended, now = rec.n_ended(0, n), time.time()
        if now - sampled > 0.4 or ended >= n:
            workers.sample()
            sampled = now
        if ended != seen:
            seen, seen_at = ended, now
        if ended >= n or now - seen_at > STALLED_S or now - began > limit_s:
            return
