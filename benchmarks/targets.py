"""What is asked of the figures of the last line: the project's own floors. Pure data."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.figures import Figures


@dataclass(frozen=True)
class Target:
    """A figure's bound, in its own unit; `least`: the figure must be at least that, else at most."""

    figure: str
    bound: float
    what: str
    least: bool = False

    def met(self, value: float) -> bool:
        return value >= self.bound if self.least else value <= self.bound


T = Target
TARGETS = (
    T("drain_x_huey", 2, "no-op jobs/s of one worker process, × huey with 4 threads", least=True),
    T("drain_embedded_x_huey", 1.2, "the same on SQLite and the embedded Valkey", least=True),
    T("drain_effects_x_huey", 1, "the same with one unique business row a job", least=True),
    T("drain2_x_best_peer", 2, "best use of both cores, × the best peer's", least=True),
    T("worker_cpu_s_per_1000", 0.08, "CPU of the worker process, s a 1,000 jobs"),
    T("children_x_rq_worker", 10, "jobs/s in reused child processes, × RQ's fork worker", least=True),
    T("single_p50_x_procrastinate", 1, "enqueue one, p50, × procrastinate's"),
    T("single_p50_x_djangoq_orm", 1.2, "enqueue one, p50, × that of django-q2's ORM broker (no Redis)"),
    T("single_p99_ms", 20, "enqueue one, p99, ms"),
    T("bulk_x_best_peer", 2, "enqueue 10,000, × the fastest peer", least=True),
    T("latency_p50_of_allowed", 1, "idle latency, p50, of twice huey's and two commits"),
    T("latency_p99_ms", 15, "idle latency, p99, ms"),
    T("io50_of_limit", 0.98, "300 ms jobs at concurrency 50, of the physical limit", least=True),
    T("io100_of_limit", 0.98, "300 ms jobs at concurrency 100, of the physical limit", least=True),
    T("rss_mb", 120, "the worker process at concurrency 100, MB"),
    T("delayed_p99_ms", 50, "lateness of delayed runs, p99, ms"),
    T("crash_lost", 0, "of 2,000 jobs after a SIGKILL of the worker"),
    T("crash_again_after_s", 10, "until what ran then runs again, s"),
    T("million_waiting_cost_ratio", 1.15, "cost of a job with 1,000,000 waiting, × that with 1,000"),
    T("million_finished_cost_ratio", 1.15, "the same with 1,000,000 finished runs in the table"),
    T("memory_growth_mb", 5, "growth of a worker between 10,000 and 100,000 jobs, MB"),
    T("redis_bytes_x_rq", 0.5, "bytes of a waiting job in Redis, × stock RQ's"),
    T("redis_keys_left", 0, "keys that Redis holds of 200 finished jobs"),
    T("redis_commands_x_rq", 0.3, "Redis commands a job, × stock RQ's"),
    T("fairness_start_s", 1, "until another key's run starts, with 100,000 of one key waiting, s"),
    T("api_p50_ms", 10, "enqueue through the API at 200/s from 100 clients, p50, ms"),
    T("api_p95_ms", 15, "p95, ms"),
    T("api_p99_ms", 20, "p99, ms"),
    T("api_error_share", 0.01, "share of errors"),
    T("reads_p95_ms", 50, "every read of the API at 50/s with 1,000,000 runs, p95, ms"),
    T("creation_x_bare", 3, "creating a job, p50, × a bare DRF view that stores one row"),
)  # fmt: skip


def judged(found: Figures) -> str:
    """A Markdown table: asked, measured, met."""
    lines = ["| figure | | asked | measured | |", "|---|---|---:|---:|---|"]
    for target in TARGETS:
        value = found.get(target.figure)
        word = "not measured" if value is None else "met" if target.met(value) else "**not met**"
        asked = f"{'≥' if target.least else '≤'} {target.bound:g}"
        lines.append(
            f"| `{target.figure}` | {target.what} | {asked} | {'–' if value is None else f'{value:g}'} | {word} |"
        )
    return "\n".join(lines)
