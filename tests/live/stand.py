"""The whole application as it runs: a database, Redis, the web server and workers, on free ports of this machine.

    with Stand(folder, workers=["maintenance"]) as stand:
        stand.address, stand.key, stand.password

It shares nothing with another stand: where DATABASE_URL names a PostgreSQL it makes a database there and drops it at the
end, else it has an SQLite file; and it has a Redis-compatible server of its own. There are the sample hauler, an account a
role, all with one password, and an admin's API key. What accounts and keys ask for is counted as ever, and the limits are
high enough never to be in the way.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

import psycopg
from psycopg.sql import SQL, Identifier

from project.embedded.process import free_port, spawn, stop
from project.embedded.valkey import EmbeddedValkey
from project.env import BY_NAME

ROOT = Path(__file__).resolve().parents[2]
START_WITHIN_S = 120
PREPARE = """
import json, sys
import django; django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
from project import sample
from queues import catalogue
from queues.ledger import allowances, api_keys
from queues.models import Allowance
from queues.policy import ROLES, Action
call_command("migrate", verbosity=0)
sample.load(sample.HAULER, sys.argv[1])
for role in ROLES:
    for bucket in Allowance.Bucket.values:
        if not Allowance.objects.filter(kind="role", name=role, bucket=bucket).exists():
            row = Allowance(kind="role", name=role, bucket=bucket, count=1_000_000, per_s=60)
            allowances.save_allowance(row, actor=sample.ACTOR)
_, key = api_keys.make(
    "stand", User.objects.get(username="admin"), actions=list(Action), queues=catalogue.NAMES, actor=sample.ACTOR
)
print(json.dumps(key))
"""


class Stand:
    """`workers`: the queues of the one worker there is; none: no worker. `folder` is short, for it holds a socket."""

    def __init__(self, folder: Path, *, workers: Sequence[str] = ()) -> None:
        self.folder, self._workers, self._stack = folder, workers, ExitStack()
        self.password, self.key, self.port = f"hauler-{secrets.token_hex(6)}", "", free_port()
        self._environment: dict[str, str] = {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def told(self, name: str) -> str:
        """What a process wrote."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def _start(self) -> None:
        redis = self._stack.enter_context(EmbeddedValkey(self.folder / "v", persistent=False))
        self._environment = {
            **{name: value for name, value in os.environ.items() if name not in BY_NAME},  # it has its own settings
            "DATABASE_URL": self._stack.enter_context(_database(self.folder)),
            "REDIS_URL": redis.url,
            "DATA_DIR": str(self.folder),
            "DJANGO_SETTINGS_MODULE": "project.settings.demo",
            "PYTHONPATH": str(ROOT),
            "LOG_LEVEL": "WARNING",
            "RATE_LIMIT_LOGIN": "100000/min",
            **{
                name: secrets.token_urlsafe(50)
                for name in ("SECRET_KEY", "JWT_SIGNING_KEY", "ENCRYPTION_KEYS", "METRICS_TOKEN")
            },
        }
        made = subprocess.run(
            [sys.executable, "-c", PREPARE, self.password], cwd=ROOT, env=self._environment, capture_output=True
        )
        if made.returncode:
            raise RuntimeError(made.stderr.decode(errors="replace")[-3000:])
        self.key = json.loads(made.stdout.splitlines()[-1])
        web = ["-m", "uvicorn", "project.asgi:application", "--host", "127.0.0.1", "--port", str(self.port)]
        self._run("web", *web, "--log-level", "warning", "--no-proxy-headers", "--timeout-graceful-shutdown", "2")
        if self._workers:
            self._run("worker", "manage.py", "rqworker", "--name", "stand", *self._workers)
        self._wait()

    def _run(self, name: str, *arguments: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            process = spawn([sys.executable, *arguments], env=self._environment, log=log)
        self._stack.callback(stop, process, 15.0)

    def _wait(self) -> None:
        end = time.monotonic() + START_WITHIN_S
        while True:
            try:
                urllib.request.urlopen(f"{self.address}/healthz", timeout=2).close()
                return
            except OSError:
                if time.monotonic() > end:
                    raise RuntimeError(f"The web server did not come up:\n{self.told('web')[-3000:]}") from None
                time.sleep(0.1)


@contextmanager
def _database(folder: Path) -> Iterator[str]:
    """The URL of a database that nobody else has."""
    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres"):
        yield f"sqlite:///{folder}/roundsman.sqlite3"
        return
    name = f"stand_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    yield f"{server.rsplit('/', 1)[0]}/{name}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
