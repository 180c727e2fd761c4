"""Whether a worker grows: its memory after 10,000 jobs and after 100,000."""

from __future__ import annotations

import time

import psutil

from benchmarks.peers.configs import Config
from benchmarks.peers.pbrec import Rec
from benchmarks.peers.processes import Workers, client, pss, tree
from benchmarks.peers.trials import Bench, Row

FEW, MANY = 10_000, 100_000
REST_S = 2.0  # between the last job and the look
STALLED_S = 60.0


def memory(bench: Bench, config: Config, redis: str) -> Row:
    """MB: `after_few`, `after_many` of the worker process, `growth_mb` between; `tree_…` with its helpers, pages shared."""
    rec, env = bench.begin(config, redis, MANY, config.conc)
    workers = Workers(config, env, config.conc)
    try:
        client(config, env, "fill", 0, FEW)
        _wait(rec, FEW)
        one, all_of_it = _sizes(workers)
        client(config, env, "fill", FEW, MANY)
        _wait(rec, MANY)
        one_later, all_later = _sizes(workers)
    finally:
        workers.kill()
    return {
        "after_few_mb": one, "after_many_mb": one_later, "growth_mb": round(one_later - one, 1),
        "tree_after_few_mb": all_of_it, "tree_growth_mb": round(all_later - all_of_it, 1),
    }  # fmt: skip


def _sizes(workers: Workers) -> tuple[float, float]:
    time.sleep(REST_S)
    root: psutil.Process = workers.roots[0]
    return round(root.memory_info().rss / 2**20, 1), round(sum(pss(p.pid) for p in tree([root])) / 2**20, 1)


def _wait(rec: Rec, count: int) -> None:
    seen, seen_at = -1, time.time()
    while seen < count:
        time.sleep(0.1)
        ended = rec.n_ended(0, count)
        if ended != seen:
            seen, seen_at = ended, time.time()
        elif time.time() - seen_at > STALLED_S:
            raise RuntimeError(f"{ended} of {count} jobs ran; nothing more for {STALLED_S:.0f} s")
