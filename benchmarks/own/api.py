"""The real HTTP API under load: 200 enqueues a second for a minute from 100 clients, with a worker beside it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
import urllib.request
from collections.abc import Callable

import psutil

from benchmarks.own import load
from benchmarks.peers.configs import Config
from benchmarks.peers.pbpure import payload, summary
from benchmarks.peers.places import ROOT, VENVS, WEB_PORT, WORK
from benchmarks.peers.processes import Workers, die_with_parent, tree_cpu
from benchmarks.peers.trials import Bench, Row

CLIENTS, RATE_S, SECONDS = 100, 200.0, 60.0
WARM_S = 3.0
PATH = "/api/v1/queue/jobs"


def api(bench: Bench, config: Config, redis: str) -> Row:
    """ms from when a request was due to its answer; `error_share` of all; CPU seconds of the web server per 1,000."""
    seconds = SECONDS * min(1.0, bench.scale)
    count = int(RATE_S * (seconds + WARM_S)) + 2 * CLIENTS
    rec, env = bench.begin(config, redis, count, config.conc)
    python = str(VENVS["roundsman"] / "bin" / "python")
    made = subprocess.run(
        [python, "-m", "benchmarks.stand.people", str(CLIENTS)], cwd=ROOT, env=env, capture_output=True, text=True
    )
    if made.returncode:
        raise RuntimeError(made.stderr[-1500:])
    tokens: list[str] = json.loads(made.stdout.splitlines()[-1])
    web = _web(python, env)
    workers = Workers(config, env, config.conc)
    try:
        _wait_for_web(web)
        number = iter(range(count))
        requests = [_maker(token, number) for token in tokens]
        asyncio.run(load.run(WEB_PORT, requests, rate_s=RATE_S, seconds=WARM_S))
        c0 = tree_cpu([psutil.Process(web.pid)])
        told = asyncio.run(load.run(WEB_PORT, requests, rate_s=RATE_S, seconds=seconds))
        cpu = tree_cpu([psutil.Process(web.pid)]) - c0
        asked = next(number)
        time.sleep(1.0)
        return {
            **summary(told.waits), "statuses": dict(told.statuses), "web_cpu_s_1k": round(cpu / len(told.waits) * 1000, 3),
            "error_share": round(1 - told.statuses["202"] / (len(told.waits) + told.unasked), 5), "unasked": told.unasked, "requests_s": round(len(told.waits) / seconds, 1),
            "run_missing": asked - rec.n_ended(0, asked),
        }  # fmt: skip
    finally:
        workers.kill()
        web.terminate()
        web.wait(20)


def _maker(token: str, number: object) -> Callable[[int], bytes]:
    def make(_: int) -> bytes:
        body = {"job": "stand.work", "params": {"i": next(number), "msg": payload()}}  # type: ignore[call-overload]
        return load.post(PATH, token, json.dumps(body).encode())

    return make


def _web(python: str, env: dict[str, str]) -> subprocess.Popen[bytes]:
    """As docs/how-to/deploy.md starts it."""
    command = [python, "-m", "uvicorn", "project.asgi:application", "--host", "127.0.0.1", "--port", str(WEB_PORT)]
    command += ["--timeout-graceful-shutdown", "2", "--log-level", "warning", "--app-dir", str(ROOT)]
    with open(WORK / "web.log", "w") as log:
        return subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log, preexec_fn=die_with_parent)


def _wait_for_web(web: subprocess.Popen[bytes]) -> None:
    end = time.time() + 60
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{WEB_PORT}/healthz", timeout=2).close()
            return
        except OSError:
            if web.poll() is not None or time.time() > end:
                raise RuntimeError(f"the web server did not come up; see {WORK / 'web.log'}") from None
            time.sleep(0.1)
