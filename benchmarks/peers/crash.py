"""The crash test: SIGKILL to every process of a worker with jobs running, start again, see what is missing."""

from __future__ import annotations

import time

from benchmarks.peers.configs import Config
from benchmarks.peers.pbrec import Rec
from benchmarks.peers.processes import Workers, client
from benchmarks.peers.trials import Bench, Row

QUIET_S = 12.0  # after the last job, in which late second runs would show


def crash(bench: Bench, config: Config, redis: str) -> Row:
    """Killed at 35 % of `n_crash` jobs. `recovered_after_s`: from the kill until everything had run."""
    n, conc = config.n_crash, config.conc_crash
    rec, env = bench.begin(config, redis, n, conc, PB_SLEEP_MS=config.sleep_crash)
    client(config, env, "fill", 0, n)
    _kill_while_running(rec, n, Workers(config, env, conc))
    killed_at, done = time.time(), rec.n_ended(0, n)
    running = {i for i in range(n) if rec.U[i * 8] and not rec.U[i * 8 + 1]}
    workers = Workers(config, env, conc)
    try:
        full, progress = _recover(rec, n, killed_at, config.wait, QUIET_S if bench.scale >= 1 else QUIET_S / 3)
    finally:
        workers.kill()
    lost = {i for i in range(n) if not rec.U[i * 8 + 1]}
    again = [rec.last_start(i) - killed_at for i in running if rec.U[i * 8] > 1]
    return {
        "n": n,
        "done_at_kill": done,
        "in_flight": len(running),
        "lost": len(lost),
        "lost_were_running": len(lost & running),
        "lost_never_started": sum(1 for i in lost if not rec.U[i * 8]),
        "started_twice": sum(1 for i in range(n) if rec.U[i * 8] > 1),
        "completed_twice": sum(1 for i in range(n) if rec.U[i * 8 + 1] > 1),
        "again_after_s": round(max(again), 1) if again else None,
        "recovered_after_s": None if full is None else round(full, 1),
        "waited_quiet_s": config.wait,
        "last_progress_s": round(progress - killed_at, 1),
    }


def _kill_while_running(rec: Rec, n: int, workers: Workers) -> None:
    end = time.time() + 60
    while rec.n_ended(0, n) < n * 0.35 and time.time() < end:
        time.sleep(0.005)
    for _ in range(100):  # the moment: some job is running
        started = rec.n_started(0, n)
        if started > rec.n_ended(0, n) and rec.n_started(0, n) == started:
            break
        time.sleep(0.003)
    workers.kill()


def _recover(rec: Rec, n: int, killed_at: float, wait_s: float, quiet_s: float) -> tuple[float | None, float]:
    """When everything had run, in seconds after the kill (None: not), and the time of the last progress."""
    seen, seen_at, full = rec.n_ended(0, n), time.time(), None
    while True:
        time.sleep(0.1)
        ended, now = rec.n_ended(0, n), time.time()
        if ended != seen:
            seen, seen_at = ended, now
        if ended >= n and full is None:
            full = now - killed_at
        if full is not None and now - killed_at - full > quiet_s:
            return full, seen_at
        if full is None and now - seen_at > wait_s:
            return None, seen_at
