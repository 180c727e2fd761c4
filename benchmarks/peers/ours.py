"""Roundsman's own configurations among the peers. How its ledger is made new for each is in ledgers.py.

The worker is the real `manage.py rqworker` in the project's own environment; the job is a real handler (benchmarks.stand).
The queue's limit is set to four times the slots, so that the limit is not what is measured.
"""

from __future__ import annotations

from dataclasses import replace

from benchmarks.peers.configs import C, Config
from benchmarks.peers.places import DATABASE_URLS

QUEUE = "reports"
WORKER = ["python", "{root}/manage.py", "rqworker", QUEUE, "--slots", "{conc}"]
ENV = {"DJANGO_SETTINGS_MODULE": "benchmarks.stand.settings"}


def _ours(n: int, *, home: str = "postgres", job: str = "work", **options: object) -> Config:
    embedded = home == "sqlite"
    return C(
        "roundsman",
        WORKER,
        n,
        venv="roundsman",
        home=home,
        pg=not embedded,
        redis="valkey" if embedded else "",
        env={**ENV, "PB_JOB": job, "DATABASE_URL": DATABASE_URLS[home]},
        bulk_api=True,
        boot=4.0,
        **options,
    )


PLAIN = _ours(60_000, conc=4)
EMBEDDED = _ours(40_000, home="sqlite", conc=4)
CHILDREN = _ours(20_000, conc=1, executor="children")
OURS: dict[str, Config] = {
    "roundsman": PLAIN,
    "roundsman x2": replace(PLAIN, procs=2, n=80_000),
    "roundsman x4": replace(PLAIN, procs=4, n=80_000),
    "roundsman x8": replace(PLAIN, procs=8, n=80_000),
    "roundsman effects": _ours(40_000, job="effect", conc=4),
    "roundsman results": replace(PLAIN, env={**PLAIN.env, "PB_RET": 1}),
    "roundsman asyncio": _ours(40_000, job="awork", conc=100, executor="asyncio"),
    "roundsman children": CHILDREN,
    "roundsman children 2": replace(CHILDREN, conc=2),
    "roundsman embedded": EMBEDDED,
    "roundsman embedded x2": replace(EMBEDDED, procs=2),
    "roundsman embedded asyncio": replace(
        EMBEDDED, env={**EMBEDDED.env, "PB_JOB": "awork"}, conc=100, executor="asyncio"
    ),
    "crash roundsman": replace(PLAIN, conc_crash=10),
    "crash roundsman embedded": replace(EMBEDDED, conc_crash=10),
}
