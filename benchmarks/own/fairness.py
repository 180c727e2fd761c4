"""One customer's 100,000 jobs wait; another's single job comes: how long until it starts."""

from __future__ import annotations

import json
import subprocess

from benchmarks.peers.configs import Config
from benchmarks.peers.places import ROOT, VENVS
from benchmarks.peers.processes import Workers
from benchmarks.peers.trials import Bench, Row

BACKLOG, ASKED = 100_000, 20
SLEEP_MS, SLOTS = 5, 10  # 2,000 jobs a second at most: the backlog outlasts the measurement


def fairness(bench: Bench, config: Config, redis: str) -> Row:
    """Seconds from enqueue to first line of the job: `p50_s`, `max_s`; `waiting`: the backlog left at the end."""
    rec, env = bench.begin(config, redis, BACKLOG + ASKED, SLOTS, PB_SLEEP_MS=SLEEP_MS)
    workers = Workers(config, env, SLOTS)
    try:
        command = [
            str(VENVS["roundsman"] / "bin" / "python"),
            "-m",
            "benchmarks.stand.fairness",
            str(BACKLOG),
            str(ASKED),
        ]
        ran = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=180)
    finally:
        workers.kill()
    if ran.returncode:
        raise RuntimeError(f"{ran.stdout[-300:]} {ran.stderr[-1500:]}")
    answer: Row = json.loads(ran.stdout.splitlines()[-1])
    return answer | {"waiting": BACKLOG - rec.n_ended(0, BACKLOG)}
