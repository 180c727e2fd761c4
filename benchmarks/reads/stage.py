"""The servers and processes of the measurement. Only what was started here is ended."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import psycopg

from project.embedded.postgres import EmbeddedPostgres
from project.embedded.process import free_port, spawn, stop

ROOT = Path(__file__).resolve().parents[2]
POSTGRES = ("shared_buffers=512MB", "max_wal_size=2GB")
UVICORN = ("-m", "uvicorn", "--host", "127.0.0.1", "--log-level", "warning", "--timeout-graceful-shutdown", "2")

BARE_PATH, BARE_TABLE = "/bare", "bench_bare"
BARE_SQL = f"""CREATE TABLE {BARE_TABLE} (
    id bigserial PRIMARY KEY, job varchar(100) NOT NULL, params jsonb NOT NULL, at timestamptz NOT NULL)"""


class Web:
    """A web server's process."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process, self.port = process, port

    def cpu_s(self) -> float:
        """CPU seconds so far."""
        times = psutil.Process(self.process.pid).cpu_times()
        return times.user + times.system


class Stage:
    """`with Stage(folder) as stage`: an empty PostgreSQL and an empty Redis."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.chmod(0o755)  # PostgreSQL's user must get through
        self.postgres = EmbeddedPostgres(folder / "postgres", settings=POSTGRES)
        self.processes: list[subprocess.Popen[bytes]] = []
        self.env: dict[str, str] = {}

    def __enter__(self) -> Stage:
        redis, port = shutil.which("redis-server"), free_port()
        if redis is None:
            raise SystemExit("Redis is not installed. On Debian or Ubuntu:  apt-get install redis-server")
        self.postgres.start()
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
        self._spawn("redis", [redis, *options], {})
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("DATABASE_", "REDIS_"))},
            "DJANGO_SETTINGS_MODULE": "benchmarks.reads.settings",
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": f"redis://127.0.0.1:{port}/0",
            "DATA_DIR": str(self.folder / "data"),
        }
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self.processes):
            stop(process, 10.0)
        self.postgres.stop()

    def prepare(self, runs: int) -> dict[str, Any]:
        """Tables and rows; see prepare.py. Raises RuntimeError with what it said."""
        return self._told("prepare", str(runs))

    def plans(self, facts: dict[str, Any]) -> dict[str, dict[str, float]]:
        """See plans.py."""
        return self._told("plans", given=json.dumps(facts))

    def web(self) -> Web:
        """Ours, as docs/how-to/deploy.md starts it."""
        return self._web("project.asgi:application", "/healthz")

    def bare(self) -> Web:
        """The view that creation is compared with."""
        with psycopg.connect(self.postgres.url) as connection:
            connection.execute(BARE_SQL)
        return self._web("benchmarks.reads.bare:application", BARE_PATH)

    def _web(self, application: str, path: str) -> Web:
        port = free_port()
        command = [sys.executable, *UVICORN, "--port", str(port), "--app-dir", str(ROOT), application]
        process = self._spawn(application.partition(":")[0], command, self.env)
        end = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2).close()
            except urllib.error.HTTPError:
                pass  # it answers
            except OSError:
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"{application} did not come up:\n{self._log(application)}") from None
                time.sleep(0.1)
                continue
            return Web(process, port)

    def _spawn(self, name: str, command: list[str], env: dict[str, str]) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            process = spawn(command, env=env or None, log=log)
        self.processes.append(process)
        return process

    def _log(self, application: str) -> str:
        return (self.folder / f"{application.partition(':')[0]}.log").read_text(errors="replace")[-2000:]

    def _told(self, module: str, *args: str, given: str = "") -> dict[str, Any]:
        command = [sys.executable, "-m", f"benchmarks.reads.{module}", *args]
        ran = subprocess.run(command, cwd=ROOT, env=self.env, input=given, capture_output=True, text=True)
        if ran.returncode:
            raise RuntimeError(f"benchmarks.reads.{module} failed:\n{ran.stderr[-2000:]}")
        found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
        return found
