"""Every configuration that is measured. Which test takes which is in sets.py.

`cmd`: argv of a worker; the first word is looked up in the environment's bin, {conc}, {url} and {root} are filled in.
Add a system: an adapters/NAME_.py, an entry here, and its name in sets.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Config:
    """One system in one way of running it. Seconds; `n` is the number of jobs of the drain (so that it lasts 5 s or more)."""

    adapter: str
    cmd: Sequence[str]
    n: int
    venv: str = "main"
    conc: int = 10  # jobs at once in one worker process, where the test does not say
    procs: int = 1  # worker commands
    extra_cmds: Sequence[Sequence[str]] = ()
    env: Mapping[str, object] = field(default_factory=dict)
    pg: bool = False  # it needs PostgreSQL
    home: str = ""  # where our own ledger is: "postgres" or "sqlite"
    executor: str = "threads"  # our own queue's
    redis: str = ""  # a server of its own instead of the one that the run is made on
    bulk_api: bool = False
    boot: float = 2.5  # until a worker is warm
    forks: bool = False  # a process for each job at once: takes longer to boot
    n_single: int = 10**9  # fewer calls where they are slow
    n_bulk: int = 10**9
    n_crash: int = 2000
    sleep_crash: int = 20  # ms of a job that may be killed
    conc_crash: int = 10
    wait: float = 60  # without progress, after which a crash test is over


def C(adapter: str, cmd: Sequence[str], n: int, **options: Any) -> Config:
    return Config(adapter, cmd, n, **options)


RQ = ["rq", "worker", "-q", "-u", "{url}", "-c", "adapters.rq_"]
POOL = ["rq", "worker-pool", "-q", "-u", "{url}", "-c", "adapters.rq_"]
CEL = [
    "celery",
    "-A",
    "adapters.celery_",
    "worker",
    "--loglevel",
    "ERROR",
    "--without-gossip",
    "--without-mingle",
    "--without-heartbeat",
]
TQ = ["taskiq", "worker", "adapters.taskiq_:broker", "--log-level", "ERROR"]
SAQ = ["saq", "adapters.saq_.settings", "-q"]
SQ = ["streaq", "run", "adapters.streaq_:worker"]
ARQ = ["arq", "adapters.arq_.WorkerSettings", "--custom-log-dict", "adapters.arq_.LOG"]
DQ = ["django-admin", "qcluster", "--settings", "adapters.dj_settings", "--pythonpath", "."]
PRO = ["procrastinate", "--app", "adapters.procrastinate_.app", "worker", "-c", "{conc}"]
RAW = ["python", "-m", "adapters.raw_"]
DR = ["dramatiq", "adapters.dramatiq_", "--skip-logging"]
HU = ["huey_consumer", "adapters.huey_.huey", "-q"]

CONFIGS: dict[str, Config] = {
    # --- floor
    "raw-state": C("raw", [*RAW, "state"], 60000, bulk_api=True),
    "raw-state x2": C("raw", [*RAW, "state"], 80000, procs=2),
    "raw-pop": C("raw", [*RAW, "pop"], 30000),
    "raw-blmove": C("raw", [*RAW, "blmove"], 20000),
    "raw-ack+next": C("raw", [*RAW, "ack+next"], 20000),
    "raw-ack+next x2": C("raw", [*RAW, "ack+next"], 30000, procs=2),
    # --- rq
    "rq Worker": C("rq", [*RQ, "default"], 800, bulk_api=True, conc=1),
    "rq Worker pool 2": C("rq", [*POOL, "-n", "2", "default"], 1200, forks=True),
    "rq SimpleWorker": C("rq", [*RQ, "-w", "rq.worker.SimpleWorker", "default"], 5000, bulk_api=True),
    "rq SimpleWorker rttl0": C("rq", [*RQ, "-w", "rq.worker.SimpleWorker", "default"], 5000, env={"PB_OPT": "rttl0"}),
    "rq SimpleWorker pool 2": C("rq", [*POOL, "-n", "2", "-w", "rq.worker.SimpleWorker", "default"], 8000, forks=True),
    "rq SimpleWorker pool": C(
        "rq", [*POOL, "-n", "{conc}", "-w", "rq.worker.SimpleWorker", "default"], 8000, forks=True, boot=4
    ),
    "rq Worker pool": C("rq", [*POOL, "-n", "{conc}", "default"], 8000, forks=True, boot=4),
    "rq Worker+sched": C("rq", [*RQ, "-s", "default"], 800),
    "rq SimpleWorker+sched": C("rq", [*RQ, "-s", "-w", "rq.worker.SimpleWorker", "default"], 800),
    # --- celery
    "celery prefork c1": C("celery", [*CEL, "-c", "1"], 10000, boot=4),
    "celery prefork c2": C("celery", [*CEL, "-c", "2"], 12000, boot=4),
    "celery prefork c2 pf64": C("celery", [*CEL, "-c", "2"], 12000, boot=4, env={"PB_OPT": "pf64"}),
    "celery prefork c2 late": C("celery", [*CEL, "-c", "2"], 12000, boot=4, env={"PB_OPT": "late"}),
    "celery prefork c2 redis results": C(
        "celery", [*CEL, "-c", "2"], 10000, boot=4, env={"PB_OPT": "res", "PB_RET": 1}
    ),
    "celery prefork c2 django-db results": C(
        "celery", [*CEL, "-c", "2"], 4000, boot=5, pg=True, env={"PB_OPT": "djres", "PB_RET": 1}
    ),
    "celery threads 10": C("celery", [*CEL, "-P", "threads", "-c", "10"], 8000, boot=4),
    "celery solo": C("celery", [*CEL, "-P", "solo"], 10000, boot=4),
    "celery threads": C("celery", [*CEL, "-P", "threads", "-c", "{conc}"], 8000, boot=4),
    "celery prefork": C("celery", [*CEL, "-c", "{conc}"], 8000, boot=5, forks=True),
    "celery gevent": C("celery", [*CEL, "-P", "gevent", "-c", "{conc}"], 8000, boot=5),
    # --- dramatiq
    "dramatiq p1 t8": C("dramatiq", [*DR, "-p", "1", "-t", "8"], 8000),
    "dramatiq p1 t1": C("dramatiq", [*DR, "-p", "1", "-t", "1"], 8000),
    "dramatiq p2 t8": C("dramatiq", [*DR, "-p", "2", "-t", "8"], 10000),
    "dramatiq p2 t2": C("dramatiq", [*DR, "-p", "2", "-t", "2"], 10000),
    "dramatiq threads": C("dramatiq", [*DR, "-p", "1", "-t", "{conc}"], 8000),
    "dramatiq p2 threads": C("dramatiq", [*DR, "-p", "2", "-t", "25"], 8000),
    # --- huey
    "huey w1": C("huey", [*HU, "-w", "1"], 15000),
    "huey w4": C("huey", [*HU, "-w", "4"], 15000),
    "huey w4 prio": C("huey", [*HU, "-w", "4"], 15000, env={"PB_OPT": "prio"}),
    "huey w4 results": C("huey", [*HU, "-w", "4"], 10000, env={"PB_RET": 1}),
    "huey process w2": C("huey", [*HU, "-k", "process", "-w", "2"], 20000),
    "huey threads": C("huey", [*HU, "-w", "{conc}"], 8000),
    # --- arq
    "arq": C("arq", ARQ, 5000, venv="arq", conc=50),
    "arq defaults": C("arq", ARQ, 1500, venv="arq", conc=10, env={"PB_OPT": "default,res"}),
    "arq results": C("arq", ARQ, 5000, venv="arq", conc=50, env={"PB_OPT": "res", "PB_RET": 1}),
    "arq x2": C("arq", ARQ, 6000, venv="arq", conc=50, procs=2),
    # --- taskiq
    "taskiq stream": C("taskiq", [*TQ, "--workers", "1", "--max-async-tasks", "{conc}"], 10000, conc=100),
    "taskiq stream results": C(
        "taskiq",
        [*TQ, "--workers", "1", "--max-async-tasks", "{conc}"],
        8000,
        conc=100,
        env={"PB_OPT": "res", "PB_RET": 1},
    ),
    "taskiq stream x2": C("taskiq", [*TQ, "--workers", "2", "--max-async-tasks", "{conc}"], 15000, conc=100),
    "taskiq list": C(
        "taskiq", [*TQ, "--workers", "1", "--max-async-tasks", "{conc}"], 10000, conc=100, env={"PB_OPT": "list"}
    ),
    "taskiq list x2": C(
        "taskiq", [*TQ, "--workers", "2", "--max-async-tasks", "{conc}"], 15000, conc=100, env={"PB_OPT": "list"}
    ),
    "taskiq stream+sched": C(
        "taskiq",
        [*TQ, "--workers", "1"],
        8000,
        conc=100,
        env={"PB_OPT": "sched"},
        boot=4,
        extra_cmds=[
            [
                "taskiq",
                "scheduler",
                "adapters.taskiq_:scheduler",
                "--log-level",
                "ERROR",
                "--update-interval",
                "1",
                "--loop-interval",
                "1",
            ]
        ],
    ),
    # --- saq
    "saq": C("saq", SAQ, 6000, conc=20),
    "saq results": C("saq", SAQ, 6000, conc=20, env={"PB_OPT": "res", "PB_RET": 1}),
    "saq x2": C("saq", [*SAQ, "--workers", "2"], 8000, conc=20),
    # --- streaq
    "streaq": C("streaq", SQ, 10000, conc=64, bulk_api=True),
    "streaq results": C("streaq", SQ, 10000, conc=64, env={"PB_OPT": "res", "PB_RET": 1}),
    "streaq x2": C("streaq", [*SQ, "-w", "2"], 15000, conc=64),
    # --- django-q2
    "django-q2 redis w1": C("djangoq", DQ, 3000, conc=1, pg=True, boot=5, n_bulk=3000),
    "django-q2 redis w2": C("djangoq", DQ, 3000, conc=2, pg=True, boot=5, n_bulk=3000),
    "django-q2 redis w2 results": C("djangoq", DQ, 2000, conc=2, pg=True, boot=5, env={"PB_OPT": "res"}),
    "django-q2 orm w2": C(
        "djangoq", DQ, 2000, conc=2, pg=True, boot=5, n_bulk=2000, n_single=1500, env={"PB_OPT": "orm"}
    ),
    "django-q2 redis": C("djangoq", DQ, 3000, pg=True, boot=6, forks=True),
    # --- procrastinate
    "procrastinate": C("procrastinate", PRO, 3000, conc=10, pg=True, bulk_api=True, boot=3, n_single=1500, n_bulk=5000),
    "procrastinate x2": C("procrastinate", PRO, 4000, conc=10, pg=True, procs=2, boot=3),
}

SHORT = {"PB_RECOV": "short"}


def crash(
    name: str, base: str, conc: int, wait: float, env: Mapping[str, object] | None = None, **options: Any
) -> None:
    """Add the configuration `base` as the crash test takes it."""
    known = CONFIGS[base]
    CONFIGS[name] = replace(known, env={**known.env, **(env or {})}, conc_crash=conc, wait=wait, **options)


RQM = ["--job-monitoring-interval", "5", "--maintenance-interval", "10"]
crash("crash rq Worker", "rq Worker", 1, 60, n_crash=400, sleep_crash=60)
crash("crash rq Worker short", "rq Worker", 1, 90, n_crash=400, sleep_crash=60, cmd=RQ + RQM + ["default"])
crash(
    "crash rq Worker retry3 short",
    "rq Worker",
    1,
    90,
    {"PB_OPT": "retry3"},
    n_crash=400,
    sleep_crash=60,
    cmd=RQ + RQM + ["default"],
)
crash(
    "crash rq Worker ttl30 short",
    "rq Worker",
    1,
    100,
    n_crash=400,
    sleep_crash=60,
    cmd=RQ + RQM + ["--worker-ttl", "30", "default"],
)
crash(
    "crash rq Worker retry3 ttl30 short",
    "rq Worker",
    1,
    100,
    {"PB_OPT": "retry3"},
    n_crash=400,
    sleep_crash=60,
    cmd=RQ + RQM + ["--worker-ttl", "30", "default"],
)
crash("crash rq SimpleWorker", "rq SimpleWorker", 1, 60, n_crash=400, sleep_crash=60)
crash("crash celery", "celery prefork", 4, 60)
crash("crash celery short", "celery prefork", 4, 60, SHORT)
crash("crash celery late", "celery prefork", 4, 60, {"PB_OPT": "late"})
crash("crash celery late short", "celery prefork", 4, 60, {"PB_OPT": "late", **SHORT})
crash("crash celery threads late short", "celery threads", 10, 60, {"PB_OPT": "late", **SHORT})
crash("crash dramatiq", "dramatiq p1 t8", 8, 100)
crash("crash dramatiq short", "dramatiq p1 t8", 8, 60, SHORT)
crash("crash huey", "huey threads", 10, 60)
crash("crash arq", "arq", 10, 60)
crash("crash arq short", "arq", 10, 60, SHORT)
crash("crash taskiq list", "taskiq list", 10, 30)
crash("crash taskiq stream", "taskiq stream", 10, 60)
crash("crash taskiq stream short", "taskiq stream", 10, 60, SHORT)
crash("crash saq", "saq", 10, 90)
crash("crash saq short", "saq", 10, 60, SHORT)
crash("crash saq retry3 short", "saq", 10, 60, {"PB_OPT": "retry3", **SHORT})
crash("crash streaq", "streaq", 10, 100)
crash("crash streaq short", "streaq", 10, 60, SHORT)
crash("crash django-q2 redis", "django-q2 redis", 4, 40)
crash("crash django-q2 orm short", "django-q2 orm w2", 4, 60, SHORT)
crash("crash procrastinate", "procrastinate", 10, 60)
crash("crash procrastinate stalled short", "procrastinate", 10, 90, {"PB_OPT": "stalled", **SHORT})
