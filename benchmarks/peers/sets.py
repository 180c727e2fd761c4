"""Which test takes which configurations: `full` and `quick` for run.py, and everything there is where no set is named."""

from __future__ import annotations

from benchmarks.peers.configs import CONFIGS, Config
from benchmarks.peers.ours import OURS

EVERY: dict[str, Config] = CONFIGS | OURS


def _names(text: str) -> list[str]:
    return [" ".join(name.split()) for name in text.split(",")]


BOTH_LEDGERS = ["roundsman", "roundsman embedded"]
OURS_IO = [*BOTH_LEDGERS, "roundsman asyncio", "roundsman embedded asyncio"]
OURS_DRAIN = [*BOTH_LEDGERS, "roundsman effects", "roundsman results", "roundsman asyncio", "roundsman children"]
OURS_BOTH = ["roundsman x2", "roundsman embedded x2", "roundsman children 2"]
CLIENTS = _names(
    "raw-state, rq SimpleWorker, celery prefork c1, celery prefork c2 redis results, dramatiq p1 t8, huey w1, huey w4 prio, "
    "arq, taskiq stream, taskiq list, saq, streaq, django-q2 redis w1, django-q2 orm w2, procrastinate"
)
IO = _names(
    "rq SimpleWorker pool, rq Worker pool, celery threads, celery prefork, celery gevent, dramatiq threads, huey threads, arq, "
    "taskiq stream, taskiq list, saq, streaq, django-q2 redis, procrastinate"
)
FULL_IO = _names(
    "rq SimpleWorker pool, celery threads, dramatiq threads, huey threads, arq, taskiq stream, streaq, procrastinate"
)
SCALING = ["roundsman", "roundsman x2", "roundsman x4", "roundsman x8"]
OWN = {
    "memory": BOTH_LEDGERS,
    "depth": ["roundsman"],
    "finished": ["roundsman"],
    "footprint": ["roundsman", "rq SimpleWorker"],
    "flow": ["roundsman", "rq SimpleWorker"],
    "commit": ["roundsman"],
    "fairness": ["roundsman"],
    "api": ["roundsman"],
}  # what the peers' tables do not hold

SETS: dict[str, list[str]] = {
    "single": CLIENTS + BOTH_LEDGERS,
    "bulk": CLIENTS + BOTH_LEDGERS,
    "drain": _names(
        "raw-state, raw-ack+next, rq Worker, rq SimpleWorker, celery prefork c1, celery prefork c2, celery prefork c2 late, "
        "celery threads 10, dramatiq p1 t8, huey w4, arq, taskiq stream, taskiq list, saq, streaq, django-q2 redis w1, "
        "django-q2 orm w2, procrastinate"
    )
    + OURS_DRAIN,
    "variants": _names(
        "raw-state, raw-pop, raw-blmove, rq SimpleWorker, rq SimpleWorker rttl0, celery prefork c2, celery solo, "
        "celery prefork c2 pf64, celery prefork c2 redis results, celery prefork c2 django-db results, dramatiq p1 t8, "
        "dramatiq p1 t1, huey w4, huey w1, huey w4 prio, huey w4 results, arq, arq defaults, arq results, taskiq stream, "
        "taskiq stream results, saq, saq results, streaq, streaq results"
    ),
    "drain2": _names(
        "raw-state x2, raw-state, raw-ack+next x2, rq Worker pool 2, rq SimpleWorker pool 2, celery prefork c2, "
        "dramatiq p2 t2, dramatiq p2 t8, huey process w2, arq x2, taskiq stream x2, taskiq list x2, saq x2, streaq x2, "
        "django-q2 redis w2, django-q2 redis w2 results, django-q2 orm w2, procrastinate x2"
    )
    + OURS_BOTH,
    "scaling": SCALING,
    "io50": IO + OURS_IO,
    "io100": IO + OURS_IO,
    "latency": _names(
        "raw-pop, rq Worker, rq SimpleWorker, celery prefork c1, celery threads 10, dramatiq p1 t8, huey w1, huey w4, huey w4 prio, "
        "arq defaults, arq, taskiq stream, taskiq list, saq, streaq, django-q2 redis w1, django-q2 orm w2, procrastinate"
    )
    + BOTH_LEDGERS,
    "at": _names(
        "rq SimpleWorker+sched, celery prefork c1, dramatiq p1 t8, huey w4, arq, taskiq stream+sched, saq, streaq, procrastinate"
    )
    + BOTH_LEDGERS,
    "crash": [name for name in EVERY if name.startswith("crash ")],
    "aof": [
        *_names(
            "raw-state, raw-ack+next, rq SimpleWorker, celery prefork c2, dramatiq p1 t8, huey w4, arq, taskiq stream, saq, streaq"
        ),
        "roundsman",
    ],
    # --- one configuration of each system, the best it has
    "full single": _names(
        "raw-state, rq SimpleWorker, celery prefork c1, dramatiq p1 t8, huey w1, arq, taskiq stream, streaq, django-q2 orm w2, procrastinate"
    )
    + BOTH_LEDGERS,
    "full bulk": _names(
        "raw-state, rq SimpleWorker, celery prefork c1, dramatiq p1 t8, huey w1, arq, taskiq stream, saq, streaq, procrastinate"
    )
    + BOTH_LEDGERS,
    "full drain": _names(
        "raw-state, raw-ack+next, rq Worker, rq SimpleWorker, celery threads 10, dramatiq p1 t8, huey w4, arq, taskiq stream, streaq, "
        "django-q2 orm w2, procrastinate"
    )
    + OURS_DRAIN,
    "full drain2": _names(
        "raw-state x2, rq Worker pool 2, rq SimpleWorker pool 2, dramatiq p2 t8, huey process w2, taskiq stream x2, taskiq list x2, "
        "procrastinate x2"
    )
    + OURS_BOTH,
    "full io50": FULL_IO + OURS_IO,
    "full io100": FULL_IO + OURS_IO,
    "full latency": _names(
        "raw-pop, rq SimpleWorker, celery threads 10, dramatiq p1 t8, huey w1, huey w4, arq, taskiq stream, django-q2 orm w2, procrastinate"
    )
    + BOTH_LEDGERS,
    "full at": _names("rq SimpleWorker+sched, celery prefork c1, dramatiq p1 t8, huey w4, arq, streaq, procrastinate")
    + BOTH_LEDGERS,
    "full crash": _names(
        "crash roundsman, crash roundsman embedded, crash huey, crash celery late short, crash procrastinate stalled short"
    ),
    # --- what the figures of the last line need, and no more
    "quick single": _names("django-q2 orm w2, procrastinate, rq SimpleWorker, roundsman"),
    "quick bulk": _names("raw-state, streaq, rq SimpleWorker, roundsman"),
    "quick drain": _names(
        "huey w4, roundsman, roundsman embedded, roundsman effects, rq Worker, roundsman children, rq SimpleWorker"
    ),
    "quick drain2": _names("huey process w2, taskiq stream x2, roundsman x2"),
    "quick io50": ["roundsman", "roundsman asyncio"],
    "quick io100": ["roundsman", "roundsman asyncio"],
    "quick latency": ["huey w1", "roundsman"],
    "quick at": ["roundsman"],
    "quick crash": ["crash roundsman"],
    "quick memory": ["roundsman"],
} | OWN


def named(name: str, test: str) -> list[str]:
    """The configurations of a test in the set called `name`; what the set does not say is taken from the test's own."""
    for key in (f"{name} {test}", name, test):
        if key in SETS:
            return SETS[key]
    raise SystemExit(f"There is no set for the test {test!r}; sets are: {', '.join(sorted(SETS))}")
