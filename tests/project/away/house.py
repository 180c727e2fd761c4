"""Servers, a web process, two workers and a scheduler: as the demo starts them, but for the servers."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

import psycopg

from project.embedded.postgres import EmbeddedPostgres
from project.embedded.process import free_port, spawn, stop
from project.embedded.valkey import EmbeddedValkey

from ...engine.proxy import Proxy

ROOT = Path(__file__).resolve().parents[3]
PREPARE = """
import django; django.setup()
import json
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
call_command("migrate", verbosity=0)
from queues.contract import Actor
from queues.engine.control import save_definition
from queues.ledger.queue_settings import ensure_queues
from queues.models import JobDefinition, Schedule
from queues.timetable.schedules import save_schedule
from rest_framework_simplejwt.tokens import RefreshToken
ensure_queues()
user, actor = User.objects.create_superuser("admin", password="x"), Actor.system("tests")
definition = save_definition(JobDefinition(name="Errand", job="tests.errand"), actor=actor)
save_schedule(Schedule(name="Yearly", definition=definition, cron="0 0 1 1 *"), actor=actor)
client = Client()
client.force_login(user)
token = RefreshToken.for_user(user).access_token
token.set_exp(lifetime=__import__("datetime").timedelta(hours=1))
print(json.dumps({"token": str(token), "session": client.cookies["sessionid"].value}))
"""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message  # whatever the case of its names
    body: str
    took_s: float

    def json(self) -> Any:
        return json.loads(self.body)


class House:
    """`start()` and `close()`. The second worker reaches its servers through `proxies`, which can fall silent."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._stack = folder, ExitStack()
        self.database = EmbeddedPostgres(folder / "pg", fsync=False)
        self.redis = EmbeddedValkey(folder / "v", tcp=True)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.web_port = free_port()
        self.proxies: list[Proxy] = []
        self.keys: dict[str, str] = {}

    def start(self) -> None:
        self._stack.enter_context(self.database)
        self._stack.enter_context(self.redis)
        self.proxies = [self._stack.enter_context(Proxy(port)) for port in (self.database.port, self.redis.port)]
        made = subprocess.run([sys.executable, "-c", PREPARE], cwd=ROOT, env=self._environment(), capture_output=True)
        assert made.returncode == 0, made.stderr.decode()[-3000:]
        self.keys = json.loads(made.stdout.splitlines()[-1])
        web = ["-m", "uvicorn", "project.asgi:application", "--host", "127.0.0.1", "--port", str(self.web_port)]
        self.run("web", *web, "--log-level", "warning", "--timeout-graceful-shutdown", "2")
        self.run("worker-1", "manage.py", "rqworker", "--name", "worker-1")
        self.run("worker-2", "manage.py", "rqworker", "--name", "worker-2", proxied=True)
        self.run("scheduler", "manage.py", "scheduler")
        until(self._is_up, 120)

    def _is_up(self) -> bool:
        ended = self.processes.keys() - self.alive().keys()
        assert not ended, "".join(self.told(name)[-3000:] for name in ended)
        workers = self.ask("SELECT count(*) FROM queues_worker")
        return workers == [(2,)] and self.get("/healthz").status == 200

    def close(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            stop(process, 15.0)
        self._stack.close()

    def run(self, name: str, *arguments: str, proxied: bool = False) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            started = spawn([sys.executable, *arguments], env=self._environment(proxied=proxied), log=log)
        self.processes[name] = started
        return started

    def told(self, name: str) -> str:
        """What a process wrote."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def alive(self) -> dict[str, int]:
        """Process ids by name, of those that live."""
        return {name: process.pid for name, process in self.processes.items() if process.poll() is None}

    def ask(self, sql: str) -> list[Any]:
        """Read or mend the ledger beside the processes."""
        with psycopg.connect(self.database.url, autocommit=True) as connection:
            cursor = connection.execute(sql)  # type: ignore[call-overload]
            return list(cursor.fetchall()) if cursor.description else []

    def runs(self, *ids: str) -> list[tuple[str, int, int]]:
        """(state, attempt, crashes) of these runs."""
        named = ", ".join(f"'{run_id}'" for run_id in ids)
        return self.ask(f"SELECT state, attempt, crashes FROM queues_run WHERE id IN ({named})")

    def post(self, wait_s: float = 0.0) -> Answer:
        """Ask for an errand through the API."""
        body = json.dumps({"job": "tests.errand", "params": {"wait_s": wait_s}}).encode()
        headers = {"Authorization": f"Bearer {self.keys['token']}", "Content-Type": "application/json"}
        return self._send(urllib.request.Request(self._url("/api/v1/queue/jobs"), body, headers))

    def get(self, path: str) -> Answer:
        """A page, signed in as the admin."""
        return self._send(
            urllib.request.Request(self._url(path), headers={"Cookie": f"sessionid={self.keys['session']}"})
        )

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.web_port}{path}"

    def _send(self, request: urllib.request.Request) -> Answer:
        began_s = time.monotonic()
        try:
            with urllib.request.urlopen(request, timeout=30) as got:
                return Answer(got.status, got.headers, got.read().decode(), time.monotonic() - began_s)
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read().decode(), time.monotonic() - began_s)
        except urllib.error.URLError:
            return Answer(0, {}, "", time.monotonic() - began_s)

    def _environment(self, *, proxied: bool = False) -> dict[str, str]:
        urls = [self.database.url, self.redis.url]
        if proxied:
            urls = [proxy.url(url) for proxy, url in zip(self.proxies, urls, strict=True)]
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("ROUNDSMAN_")},
            "DJANGO_SETTINGS_MODULE": "tests.project.away.settings",
            "SECRET_KEY": "s" * 60, "JWT_SIGNING_KEY": "j" * 60, "ENCRYPTION_KEYS": "e" * 60, "METRICS_TOKEN": secrets.token_hex(),
            "DATA_DIR": str(self.folder), "DATABASE_URL": urls[0], "REDIS_URL": urls[1],
            "DATABASE_STATEMENT_TIMEOUT": "2", "QUEUE_REPORTS_CONCURRENCY": "6", "WORKER_LEASE_S": "3",
            "RATE_LIMIT_GENERAL": "1000/s", "RATE_LIMIT_CREATION": "1000/s",  # counted, and never in the way
            "PYTHONUNBUFFERED": "1",
        }  # fmt: skip


def until(true: Callable[[], bool], timeout_s: float = 30.0) -> float:
    """Wait for something that processes do. Seconds until it was so."""
    began_s = time.monotonic()
    while not true():
        assert time.monotonic() - began_s < timeout_s, "it did not happen in time"
        threading.Event().wait(0.1)
    return time.monotonic() - began_s
