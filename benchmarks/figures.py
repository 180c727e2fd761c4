"""Rows → the figures of the last line: each a ratio of medians, or a median, of one interleaved run. Pure.

`_x_`: times the other's. More is better for rates, less for times, bytes and commands. A figure that was not measured is
None. Milliseconds, megabytes (2**20), seconds, CPU seconds per 1,000 jobs.
"""

from __future__ import annotations

from benchmarks.rows import Rows, divided, is_ours, is_peer

Figures = dict[str, float | None]
OURS, EMBEDDED, ASYNCIO = "roundsman", "roundsman embedded", "roundsman asyncio"
HUEY, RQ = "huey w4", "rq SimpleWorker"


def figures(rows: Rows) -> Figures:
    """Every figure there is, rounded to four significant digits."""
    parts = (_drains(rows), _enqueues(rows), _waits(rows), _sleepers(rows), _own(rows))
    return {name: rounded(value) for part in parts for name, value in part.items()}


def _drains(rows: Rows) -> Figures:
    both = rows.configs("drain2")
    return {
        "drain_x_huey": rows.ratio("drain", OURS, HUEY, "jobs_s"),
        "drain_embedded_x_huey": rows.ratio("drain", EMBEDDED, HUEY, "jobs_s"),
        "drain_effects_x_huey": rows.ratio("drain", "roundsman effects", HUEY, "jobs_s"),
        "drain_asyncio_x_huey": rows.ratio("drain", ASYNCIO, HUEY, "jobs_s"),
        "drain2_x_best_peer": divided(
            rows.best("drain2", filter(is_ours, both), "jobs_s"), rows.best("drain2", filter(is_peer, both), "jobs_s")
        ),
        "children_x_rq_worker": rows.ratio("drain", "roundsman children", "rq Worker", "jobs_s"),
        "drain_jobs_s": rows.median("drain", OURS, "jobs_s"),
        "worker_cpu_s_per_1000": rows.median("drain", OURS, "cpu_s_1k"),
        "database_cpu_s_per_1000": rows.median("drain", OURS, "db_cpu_s_1k"),
        "embedded_worker_cpu_s_per_1000": rows.median("drain", EMBEDDED, "cpu_s_1k"),
        "huey_worker_cpu_s_per_1000": rows.median("drain", HUEY, "cpu_s_1k"),
        "redis_commands_drained_x_rq": rows.ratio("drain", OURS, RQ, "cmds"),
    }


def _enqueues(rows: Rows) -> Figures:
    bulk = rows.configs("bulk")
    return {
        "single_p50_x_procrastinate": rows.ratio("single", OURS, "procrastinate", "p50"),
        "single_p50_x_djangoq_orm": rows.ratio("single", OURS, "django-q2 orm w2", "p50"),
        "single_p50_ms": rows.median("single", OURS, "p50"),
        "single_p99_ms": rows.median("single", OURS, "p99"),
        "bulk_x_best_peer": divided(
            rows.median("bulk", OURS, "jobs_s"), rows.best("bulk", filter(is_peer, bulk), "jobs_s")
        ),
        "bulk_jobs_s": rows.median("bulk", OURS, "jobs_s"),
        "redis_bytes_waiting_x_rq": rows.ratio("bulk", OURS, RQ, "mem_per_job"),
    }


def _waits(rows: Rows) -> Figures:
    huey, commit = rows.median("latency", "huey w1", "p50"), rows.median("commit", OURS, "p50")
    allowed = 2 * huey + 2 * commit if huey is not None and commit is not None else None
    ours = rows.median("latency", OURS, "p50")
    return {
        "latency_p50_ms": ours,
        "latency_p50_ms_x_huey": divided(ours, huey),
        "latency_p50_of_allowed": divided(ours, allowed),  # twice huey's and two commits
        "latency_p99_ms": rows.median("latency", OURS, "p99"),
        "commit_p50_ms": commit,
        "delayed_p50_ms": rows.median("at", OURS, "p50"),
        "delayed_p99_ms": rows.median("at", OURS, "p99"),
        "crash_lost": rows.worst("crash", "crash roundsman", "lost"),
        "crash_again_after_s": rows.worst("crash", "crash roundsman", "again_after_s"),
        "crash_recovered_s": rows.worst("crash", "crash roundsman", "recovered_after_s"),
    }


def _sleepers(rows: Rows) -> Figures:
    found: Figures = {}
    for test in ("io50", "io100"):
        threads, asyncio = rows.median(test, OURS, "of_limit"), rows.median(test, ASYNCIO, "of_limit")
        measured = [value for value in (threads, asyncio) if value is not None]
        found |= {
            f"{test}_of_limit": min(measured) if measured else None,  # the worse of the two executors
            f"{test}_threads_of_limit": threads,
            f"{test}_asyncio_of_limit": asyncio,
        }
    sizes = [rows.median("io100", config, "one_mb") for config in (OURS, ASYNCIO)]
    known = [size for size in sizes if size is not None]
    return found | {
        "rss_mb": max(known) if known else None,  # the worker process itself at concurrency 100
        "pss_mb": rows.median("io100", OURS, "pss_mb"),  # with its helper process
    }


def _own(rows: Rows) -> Figures:
    return {
        "million_waiting_cost_ratio": rows.median("depth", OURS, "million_waiting_ratio"),
        "million_finished_cost_ratio": rows.median("depth", OURS, "million_finished_ratio"),
        "redis_bytes_x_rq": rows.ratio("footprint", OURS, RQ, "bytes_per_job"),
        "redis_keys_left": rows.worst("footprint", OURS, "keys_left"),
        "redis_commands_x_rq": rows.ratio("flow", OURS, RQ, "cmds_per_job"),
        "memory_growth_mb": rows.median("memory", OURS, "growth_mb"),
        "fairness_start_s": rows.worst("fairness", OURS, "max_s"),
        "api_p50_ms": rows.median("api", OURS, "p50"),
        "api_p95_ms": rows.median("api", OURS, "p95"),
        "api_p99_ms": rows.median("api", OURS, "p99"),
        "api_error_share": rows.worst("api", OURS, "error_share"),
        "reads_p95_ms": rows.median("reads", OURS, "p95"),
        "creation_x_bare": rows.median("reads", OURS, "creation.ratio_p50"),
    }


def rounded(value: float | None) -> float | None:
    """To four significant digits."""
    return None if value is None else float(f"{value:.4g}")
